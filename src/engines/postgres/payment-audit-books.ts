import type { AuditedBooks, SetAside, ShardBalance } from '../../payments/ports/audit.ts'
import type { SqlTx } from '../sql/sql.ts'
import { toDaySums } from './payment-books.ts'

const CHECKPOINTS = `
select c.shard, c.last_event_id from projections p
join projection_checkpoints c on c.projection = p.name and c.generation = p.live_generation
where p.name = 'payment_view'`

const SET_ASIDE = `
select q.stream_id, q.from_event_id, q.reason from projections p
join projection_quarantine q on q.projection = p.name and q.generation = p.live_generation
where p.name = 'payment_view'`

const BALANCES = 'select shard, account, currency, debit::text, credit::text from ledger_balances'

const SUMS_OF_ENTRIES = `
select shard, account, currency, sum(greatest(amount, 0))::text as debit, sum(greatest(-amount, 0))::text as credit
from ledger_entries group by shard, account, currency`

const DAYS = `
select shard, day, currency, processor, created, authorized, declined, captures, captured_amount::text, refunds,
  refunded_amount::text, disputes, disputed_amount::text
from payment_daily`

export async function checkpointsOf(tx: SqlTx): Promise<Map<number, bigint>> {
  const rows = await tx.query<{ shard: number; last_event_id: bigint }>(CHECKPOINTS)
  return new Map(rows.map((row) => [row.shard, row.last_event_id]))
}

export async function setAsideOf(tx: SqlTx): Promise<Map<string, SetAside>> {
  const rows = await tx.query<{ stream_id: string; from_event_id: bigint; reason: string }>(SET_ASIDE)
  return new Map(rows.map((row) => [row.stream_id, { fromEventId: row.from_event_id, reason: row.reason }]))
}

interface BalanceRow {
  shard: number
  account: string
  currency: string
  debit: string
  credit: string
}

const toBalance = ({ debit, credit, ...row }: BalanceRow): ShardBalance => {
  return { ...row, debit: BigInt(debit), credit: BigInt(credit) }
}

/** All of it within one view of the database. */
export async function readBooks(tx: SqlTx): Promise<AuditedBooks> {
  const checkpoints = await checkpointsOf(tx)
  const setAside = await setAsideOf(tx)
  const balances = await tx.query<BalanceRow>(BALANCES)
  const entries = await tx.query<BalanceRow>(SUMS_OF_ENTRIES)
  const days = await tx.query<{ shard: number; day: string; currency: string; processor: string }>(DAYS)
  return {
    ...{ checkpoints, setAside, balances: balances.map(toBalance), entries: entries.map(toBalance) },
    days: days.map((row) => {
      const { shard, day, currency, processor } = row
      return { shard, day, currency, processor, ...toDaySums(row) }
    }),
  }
}
