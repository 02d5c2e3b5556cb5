import { LIMITS } from '../../core/limits.ts'
import { type SqlClient, type SqlTx, sqlState } from '../sql/sql.ts'

/**
 * Facts are kept by month of their sale day. Rows of a month without a partition go to the default one, so nothing
 * depends on a partition being there in time.
 */
export const FACTS = 'daily_sales_report_gen'
export const DEFAULT_FACTS = `${FACTS}_default`

/** `2026-03-01` -> `daily_sales_report_gen_2026_03` */
export const partitionOf = (month: string) => `${FACTS}_${month.slice(0, 7).replace('-', '_')}`

const MISSING = `
select m.month::text as month
from (
  select generate_series(date_trunc('month', $1::date), date_trunc('month', $1::date) + make_interval(months => $2),
    interval '1 month')::date as month
  union select distinct date_trunc('month', sale_day)::date from ${DEFAULT_FACTS}) m
where to_regclass('${FACTS}_' || to_char(m.month, 'YYYY_MM')) is null
  and m.month not in (select month from archived_months)
order by m.month`

const IS_THERE = 'select to_regclass($1) is not null as there'

const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Runs a change of the report's tables that must have them for itself; `undefined` when others kept them busy for too
 * long. `mode` is that of the lock on the whole: folding waits for either, reading for an exclusive one.
 */
export async function withTables<T>(
  sql: SqlClient,
  mode: 'share row exclusive' | 'access exclusive',
  work: (tx: SqlTx) => Promise<T>,
): Promise<T | undefined> {
  try {
    const lockThenWork = async (tx: SqlTx): Promise<T> => {
      // The whole before its parts, as folding locks them.
      await tx.script(`
        set local lock_timeout = ${LIMITS.reportLockMsMax};
        lock table only ${FACTS} in ${mode} mode;
        lock table ${DEFAULT_FACTS} in access exclusive mode`)
      return work(tx)
    }
    return await sql.transaction(lockThenWork, { unlimited: true })
  } catch (error) {
    if (sqlState(error) === LOCK_NOT_AVAILABLE) return undefined
    throw error
  }
}

export async function isThere(tx: SqlTx, table: string): Promise<boolean> {
  return (await tx.query<{ there: boolean }>(IS_THERE, [table]))[0]!.there
}

async function addPartition(tx: SqlTx, month: string): Promise<boolean> {
  const table = partitionOf(month)
  if (await isThere(tx, table)) return false
  const within = `sale_day >= date '${month}' and sale_day < date '${month}' + interval '1 month'`
  await tx.script(`
    create table ${table} (like ${FACTS} including defaults including constraints);
    with moved as (delete from ${DEFAULT_FACTS} where ${within} returning *) insert into ${table} select * from moved;
    alter table ${FACTS} attach partition ${table}
      for values from ('${month}') to (date '${month}' + interval '1 month')`)
  return true
}

// Partitions are made by whoever owns the table. For others rows go to the default one until the owner comes by.
const IS_OWNER = `
select pg_has_role(relowner, 'usage') as owns from pg_class where oid = '${FACTS}'::regclass`

/** See `SalesReportStore.extend`. */
export async function extendPartitions(sql: SqlClient, nowMs: number): Promise<number> {
  if (!(await sql.query<{ owns: boolean }>(IS_OWNER))[0]?.owns) return 0
  const today = new Date(nowMs).toISOString().slice(0, 10)
  const missing = await sql.query<{ month: string }>(MISSING, [today, LIMITS.reportMonthsAhead])
  let made = 0
  for (const { month } of missing) {
    const added = await withTables(sql, 'share row exclusive', (tx) => addPartition(tx, month))
    if (added === undefined) break
    if (added) made += 1
  }
  return made
}
