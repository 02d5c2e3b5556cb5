import { AppError } from '../../core/errors.ts'
import type { ArchivedMonth, SalesQuery, SalesReportStore } from '../../orders/ports.ts'
import { SALES_REPORT } from '../sql/report-tables.ts'
import type { SqlClient, SqlRunner, SqlTx } from '../sql/sql.ts'
import { DEFAULT_FACTS, FACTS, isThere, partitionOf, withTables } from './report-partitions.ts'

const MONTHS = `
select m.month::text as month
from (
  select to_date(right(c.relname, 7), 'YYYY_MM') as month
  from pg_inherits i join pg_class c on c.oid = i.inhrelid
  where i.inhparent = '${FACTS}'::regclass and c.relname <> '${DEFAULT_FACTS}'
  union select distinct date_trunc('month', sale_day)::date from ${DEFAULT_FACTS}) m
where m.month < $1 order by m.month`

const STATE = `select live_generation, building_generation from projections where name = '${SALES_REPORT}' for update`

const ENTER = `
insert into daily_sales_report_archives (month, table_name, generation, facts, booked_from, booked_to, archived_at)
select $1, $2, $3, $4, $5, $6, $7
on conflict (month) do update set table_name = excluded.table_name, generation = excluded.generation,
  facts = excluded.facts, booked_from = excluded.booked_from, booked_to = excluded.booked_to,
  archived_at = excluded.archived_at`

const LIST = `
select to_char(month, 'YYYY-MM') as month, table_name, facts, archived_at from archived_months order by month`

/** All but the name of the customer: an archive outlives whom it names. */
const COLUMNS = `generation, shard, booked_day, order_id, event_no, line_no, leg, kind, sale_day, order_date, product_id,
  product_name, product_category, quantity, price, tax, currency, shipping_country, shipping_region, shipping_city`

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

async function archiveMonth(tx: SqlTx, month: string, nowMs: number): Promise<ArchivedMonth | undefined> {
  const [state] = await tx.query<{ live_generation: number; building_generation: number | null }>(STATE)
  if (state === undefined) return undefined
  if (state.building_generation !== null) {
    throw new AppError('report_busy', 'The report is being rebuilt; archive when that is done')
  }
  const [partition, table] = [partitionOf(month), `daily_sales_report_archive_${month.slice(0, 7).replace('-', '_')}`]
  const [hasPartition, hasTable] = [await isThere(tx, partition), await isThere(tx, table)]
  const within = `sale_day >= date '${month}' and sale_day < date '${month}' + interval '1 month'`
  const move = (from: string) =>
    `with moved as (delete from ${from} where ${within} returning *) insert into ${table} (${COLUMNS})
     select ${COLUMNS} from moved where generation = ${state.live_generation}`
  if (hasPartition) await tx.script(`alter table ${FACTS} detach partition ${partition}`)
  if (hasPartition && !hasTable) {
    await tx.script(`
      alter table ${partition} rename to ${table};
      alter table ${table} drop column customer_name`)
  } else {
    if (!hasTable) await tx.script(`create table ${table} as select ${COLUMNS} from ${DEFAULT_FACTS} with no data`)
    if (hasPartition) await tx.script(`${move(partition)}; drop table ${partition}`)
  }
  await tx.script(`${move(DEFAULT_FACTS)}; delete from ${table} where generation <> ${state.live_generation}`)
  const [found] = await tx.query<{ facts: bigint; first: string | null; last: string | null }>(
    `select count(*) as facts, min(booked_day) as first, max(booked_day) as last from ${table}`,
  )
  if (found === undefined || found.first === null) {
    await tx.script(`drop table ${table}`)
    return undefined
  }
  const at = new Date(nowMs)
  await tx.query(ENTER, [month, table, state.live_generation, found.facts, found.first, found.last, at])
  return toMonth({ month: month.slice(0, 7), table_name: table, facts: found.facts, archived_at: at })
}

const ARCHIVED_SALES = `
select to_char(month, 'YYYY-MM') as month from archived_months
where ($1::date is null or month + interval '1 month' > $1) and ($2::date is null or month <= $2) order by month`

// Rows that came after their month was archived are in the report, but not those of the same orders before them.
const ARCHIVED_BOOKINGS = `
select to_char(a.month, 'YYYY-MM') as month from archived_months a
where (($1::date is null or a.booked_to >= $1) and ($2::date is null or a.booked_from <= $2))
  or exists (
    select 1 from daily_sales_report_gen r
    where r.sale_day >= a.month and r.sale_day < a.month + interval '1 month'
      and ($1::date is null or r.booked_day >= $1) and ($2::date is null or r.booked_day <= $2))
order by month`

/** Throws `report_archived` when rows of these days are not in the report any more. */
export async function refuseArchived(
  tx: SqlRunner,
  { dayOf, from, to }: Pick<SalesQuery, 'dayOf' | 'from' | 'to'>,
): Promise<void> {
  const rows = await tx.query<{ month: string }>(dayOf === 'sale_day' ? ARCHIVED_SALES : ARCHIVED_BOOKINGS, [from, to])
  if (rows.length === 0) return
  const months = rows.map(({ month }) => month)
  throw new AppError(
    'report_archived',
    `This needs rows of ${months.join(', ')}, which are archived; sums by day, month, category, city or product remain`,
    { data: { months } },
  )
}

/** Taking old months out of the report. */
export function createArchive(sql: SqlClient): Pick<SalesReportStore, 'archive' | 'archivedMonths'> {
  return {
    async archive(before, nowMs) {
      const months = await sql.query<{ month: string }>(MONTHS, [`${before}-01`])
      const archived: ArchivedMonth[] = []
      for (const { month } of months) {
        const done = await withTables(sql, 'access exclusive', async (tx) => ({
          month: await archiveMonth(tx, month, nowMs),
        }))
        if (done === undefined)
          throw new AppError('report_busy', `${month.slice(0, 7)} could not be archived: the report is in use`)
        if (done.month !== undefined) archived.push(done.month)
      }
      return archived
    },
    async archivedMonths() {
      return (await sql.query<ArchiveRow>(LIST)).map(toMonth)
    },
  }
}
