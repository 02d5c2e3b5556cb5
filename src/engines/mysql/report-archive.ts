import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { ArchivedMonth, SalesQuery, SalesReportStore } from '../../orders/ports.ts'
import { LIVE_GENERATION, SALES_REPORT } from '../sql/report-tables.ts'
import type { SqlRunner } from '../sql/sql.ts'
import type { MysqlClient, MysqlTx } from './client-mysql2.ts'
import { rowsTable } from './rows.ts'

/** The calendar's ends, where a range is open. */
export const FIRST_DAY = '0001-01-01'
export const LAST_DAY = '9999-12-31'

export const monthOf = (day: string) => `cast(date_format(${day}, '%Y-%m-01') as date)`
export const IN_MONTH = `sale_day >= ? and sale_day < ? + interval 1 month`

const MONTHS = `
select distinct date_format(sale_day, '%Y-%m-01') as month from daily_sales_report_gen
where generation = ${LIVE_GENERATION} and sale_day < ? order by month`

const STATE = `
select live_generation, building_generation from projections where name = '${SALES_REPORT}' for update`

// Who rebuilds a month holds one of these, and looks first whether the month is archived.
const CHECKPOINTS = `
select shard from projection_checkpoints where projection = '${SALES_REPORT}' and generation = ?
order by shard for update`

const FOUND = `
select count(*) as facts, min(booked_day) as first, max(booked_day) as last from daily_sales_report_gen
where generation = ? and ${IN_MONTH}`

/** All but the name of the customer: an archive outlives whom it names. */
const COLUMNS = `generation, shard, booked_day, order_id, event_no, line_no, leg, kind, sale_day, order_date, product_id,
  product_name, product_category, quantity, price, tax, currency, shipping_country, shipping_region, shipping_city`

// Of another generation than before: what was archived of that one is over. Assignments are made from left to right.
const ENTER = `
insert into daily_sales_report_archives (month, table_name, generation, facts, booked_from, booked_to, archived_at)
values (?, ?, ?, 0, ?, ?, ?)
on duplicate key update
  booked_from = case when generation = values(generation) then least(booked_from, values(booked_from))
    else values(booked_from) end,
  booked_to = case when generation = values(generation) then greatest(booked_to, values(booked_to))
    else values(booked_to) end,
  facts = case when generation = values(generation) then facts else 0 end,
  table_name = values(table_name), archived_at = values(archived_at), generation = values(generation)`

// A row may have been booked after the month was entered.
const COUNT_MOVED = `
update daily_sales_report_archives
set facts = facts + ?, booked_from = least(booked_from, ?), booked_to = greatest(booked_to, ?)
where month = ?`

interface KeyRow {
  shard: number
  order_id: bigint
  event_no: number
  line_no: number
  leg: number
  booked_day: string
}

const KEY = rowsTable<KeyRow>([
  ['shard', 'smallint', (row) => row.shard],
  ['order_id', 'bigint', (row) => row.order_id],
  ['event_no', 'int', (row) => row.event_no],
  ['line_no', 'int', (row) => row.line_no],
  ['leg', 'int', (row) => row.leg],
])

const KEYS = `
select shard, order_id, event_no, line_no, leg, booked_day from daily_sales_report_gen
where generation = ? and ${IN_MONTH} limit ?`

const FACTS_OF_KEYS = `${KEY.table('k')} straight_join daily_sales_report_gen r
  on r.shard = k.shard and r.order_id = k.order_id and r.event_no = k.event_no and r.line_no = k.line_no
    and r.leg = k.leg and r.generation = ?`

const LIST = `
select date_format(month, '%Y-%m') as month, table_name, facts, archived_at from archived_months order by month`

/** Takes the name of a table, not a value. */
const statementsOf = (table: string) => ({
  create: `
    create table if not exists ${table} (primary key (shard, order_id, event_no, line_no, leg))
    engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin
    as select ${COLUMNS} from daily_sales_report_gen where false`,
  forgetOthers: `delete from ${table} where generation <> ?`,
  copy: `
    insert into ${table} (${COLUMNS}) select ${COLUMNS.replaceAll(/\w+/g, 'r.$&')} from ${FACTS_OF_KEYS}
    on duplicate key update generation = ${table}.generation`,
})

const REMOVE = `delete r from ${FACTS_OF_KEYS}`

interface ArchiveRow {
  month: string
  table_name: string
  facts: bigint
  archived_at: Date
}

const toMonth = (row: ArchiveRow): ArchivedMonth => ({
  month: row.month,
  table: row.table_name,
  facts: Number(row.facts),
  archivedAtMs: row.archived_at.getTime(),
})

const tableOf = (month: string) => `daily_sales_report_archive_${month.slice(0, 7).replace('-', '_')}`

/** The live generation, which stays it until the end of the transaction. Throws `report_busy` during a rebuild. */
async function holdState(tx: MysqlTx): Promise<number | undefined> {
  const [state] = await tx.query<{ live_generation: number; building_generation: number | null }>(STATE)
  if (state !== undefined && state.building_generation !== null) {
    throw new AppError('report_busy', 'The report is being rebuilt; archive when that is done')
  }
  return state?.live_generation
}

/**
 * Changes of tables end the transaction here, so a month goes in steps, each of which leaves everything right: from the
 * first one on the month counts as archived, so nobody reads a part of its rows. A run that was cut off is completed by
 * the next.
 */
async function archiveMonth(sql: MysqlClient, month: string, nowMs: number): Promise<void> {
  const table = tableOf(month)
  const statements = statementsOf(table)
  await sql.execute(statements.create)
  const generation = await sql.transaction(async (tx) => {
    const live = await holdState(tx)
    if (live === undefined) return undefined
    await tx.query(CHECKPOINTS, [live])
    const [found] = await tx.query<{ first: string | null; last: string | null }>(FOUND, [live, month, month])
    if (found === undefined || found.first === null) return undefined
    await tx.execute(statements.forgetOthers, [live])
    await tx.execute(ENTER, [month, table, live, found.first, found.last, new Date(nowMs)])
    return live
  })
  if (generation === undefined) return
  const moveSome = async (tx: MysqlTx) => {
    if ((await holdState(tx)) !== generation) throw new AppError('report_busy', 'The report was rebuilt meanwhile')
    const keys = await tx.query<KeyRow>(KEYS, [generation, month, month, LIMITS.reportPageFacts])
    if (keys.length === 0) return false
    const param = KEY.param(keys)
    const bookedDays = keys.map(({ booked_day }) => booked_day).sort()
    const moved = await tx.execute(statements.copy, [param, generation])
    await tx.batch([
      { text: REMOVE, params: [param, generation] },
      { text: COUNT_MOVED, params: [moved, bookedDays[0], bookedDays.at(-1), month] },
    ])
    return true
  }
  while (await sql.transaction(moveSome)) {
    // The next ones.
  }
}

const ARCHIVED_SALES = `
select date_format(month, '%Y-%m') as month from archived_months
where month + interval 1 month > ? and month <= ? order by month`

// Rows that came after their month was archived are in the report, but not those of the same orders before them.
const ARCHIVED_BOOKINGS = `
select date_format(a.month, '%Y-%m') as month from archived_months a
where (a.booked_to >= ? and a.booked_from <= ?)
  or exists (
    select 1 from daily_sales_report_gen r
    where r.generation = a.generation and r.sale_day >= a.month and r.sale_day < a.month + interval 1 month
      and r.booked_day >= ? and r.booked_day <= ?)
order by month`

/** Throws `report_archived` when rows of these days are not in the report any more. */
export async function refuseArchived(
  tx: SqlRunner,
  { dayOf, from = FIRST_DAY, to = LAST_DAY }: Pick<SalesQuery, 'dayOf' | 'from' | 'to'>,
): Promise<void> {
  const rows = await (dayOf === 'sale_day'
    ? tx.query<{ month: string }>(ARCHIVED_SALES, [from, to])
    : tx.query<{ month: string }>(ARCHIVED_BOOKINGS, [from, to, from, to]))
  if (rows.length === 0) return
  const months = rows.map(({ month }) => month)
  throw new AppError(
    'report_archived',
    `This needs rows of ${months.join(', ')}, which are archived; sums by day, month, category, city or product remain`,
    { data: { months } },
  )
}

/** Taking old months out of the report. */
export function createArchive(sql: MysqlClient): Pick<SalesReportStore, 'archive' | 'archivedMonths'> {
  const archivedMonths = async () => (await sql.query<ArchiveRow>(LIST)).map(toMonth)
  return {
    async archive(before, nowMs) {
      const months = (await sql.query<{ month: string }>(MONTHS, [`${before}-01`])).map(({ month }) => month)
      for (const month of months) await archiveMonth(sql, month, nowMs)
      return (await archivedMonths()).filter(({ month }) => months.includes(`${month}-01`))
    },
    archivedMonths,
  }
}
