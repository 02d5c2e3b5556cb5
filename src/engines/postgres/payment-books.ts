import type {
  LedgerBalance,
  LedgerEntry,
  PaymentBooks,
  PaymentDay,
  PaymentDaysQuery,
  PaymentDaysRow,
} from '../../payments/ports/views.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'

const BALANCES = `
select account, currency, sum(debit)::bigint as debit, sum(credit)::bigint as credit from ledger_balances
where $1::text is null or currency = $1 group by account, currency order by account, currency`

/** One statement for each choice of filters, for each has an index of its own. The first four parameters are the key. */
const entriesWhere = (condition: string) => `
select shard, event_id as "eventId", line, payment_intent_id as "paymentIntentId", account, currency, amount, timestamp
from ledger_entries
where ${condition} and (timestamp, shard, event_id, line) < ($1::timestamptz, $2::smallint, $3::bigint, $4::smallint)
order by timestamp desc, shard desc, event_id desc, line desc limit $5`
const OF_ACCOUNT = entriesWhere('account = $6')
const OF_PAYMENT = entriesWhere('payment_intent_id = $6')
const OF_BOTH = entriesWhere('account = $6 and payment_intent_id = $7')

const SHARD_MAX = 32_767

export type LedgerEntryRow = Omit<LedgerEntry, 'timestampMs'> & { timestamp: Date }

export const toLedgerEntry = ({ timestamp, ...row }: LedgerEntryRow): LedgerEntry => {
  return { ...row, timestampMs: timestamp.getTime() }
}

/** Which figures, and what of the log is not in them, in one statement, so that the one goes with the other. */
const DAYS = `
with fresh as materialized (
  select min(e.timestamp) as oldest, sum(g.last_event_id - c.last_event_id)::bigint as lag
  from projections p
  join projection_checkpoints c on c.projection = p.name and c.generation = p.live_generation
  join log_head g on g.log = p.log and g.shard = c.shard
  left join payment_events e on e.shard = c.shard and e.event_id = c.last_event_id + 1
  where p.name = 'payment_view'),
found as (
  select day, by_currency, by_processor, min(currency) as first_currency, max(currency) as last_currency,
    sum(created)::bigint as created, sum(authorized)::bigint as authorized, sum(declined)::bigint as declined,
    sum(captures)::bigint as captures, sum(captured_amount)::bigint as captured_amount, sum(refunds)::bigint as refunds,
    sum(refunded_amount)::bigint as refunded_amount, sum(disputes)::bigint as disputes,
    sum(disputed_amount)::bigint as disputed_amount
  from (
    select case when 'day' = any($5::text[]) then d.day end as day,
      case when 'currency' = any($5::text[]) then currency end as by_currency,
      case when 'processor' = any($5::text[]) then processor end as by_processor, currency, created, authorized, declined,
      captures, captured_amount, refunds, refunded_amount, disputes, disputed_amount
    from payment_daily d
    where ($1::date is null or d.day >= $1) and ($2::date is null or d.day <= $2)
      and ($3::text is null or currency = $3) and ($4::text is null or processor = $4)) d
  group by day, by_currency, by_processor order by day, by_currency, by_processor limit $6)
select fresh.oldest, fresh.lag, found.* from fresh left join found on true order by day, by_currency, by_processor`

interface DaySqlRow {
  oldest: Date | null
  lag: bigint | null
  day: string | null
  by_currency: string | null
  by_processor: string | null
  /** Null in the one row that there is when nothing was found. */
  first_currency: string | null
  last_currency: string
  created: bigint
  authorized: bigint
  declined: bigint
  captures: bigint
  captured_amount: bigint
  refunds: bigint
  refunded_amount: bigint
  disputes: bigint
  disputed_amount: bigint
}

type Sums = Omit<PaymentDay, 'day' | 'currency' | 'processor'>

/** The sums of a row of days, whose amounts may come as text. */
export function toDaySums(row: { [Name in keyof DaySqlRow]?: unknown }): Sums {
  const [count, amount] = [(value: unknown) => Number(value), (value: unknown) => BigInt(value as string)]
  return {
    ...{ created: count(row.created), authorized: count(row.authorized), declined: count(row.declined) },
    ...{ captures: count(row.captures), capturedAmount: amount(row.captured_amount) },
    ...{ refunds: count(row.refunds), refundedAmount: amount(row.refunded_amount) },
    ...{ disputes: count(row.disputes), disputedAmount: amount(row.disputed_amount) },
  }
}

function toDaysRow(row: DaySqlRow, { groupBy }: PaymentDaysQuery): PaymentDaysRow {
  const values = { day: row.day, currency: row.by_currency, processor: row.by_processor }
  return {
    group: Object.fromEntries(groupBy.map((name) => [name, values[name]!])),
    currencies: [row.first_currency!, row.last_currency],
    ...toDaySums(row),
  }
}

export function openPaymentBooks(sql: SqlClient): PaymentBooks {
  return {
    balances: (currency) => sql.query<LedgerBalance>(BALANCES, [currency ?? null]),
    async entries({ account, paymentIntentId }, before, limit) {
      const from: SqlParam[] =
        before === undefined
          ? ['infinity', SHARD_MAX, 0n, 0]
          : [new Date(before.timestampMs), before.shard, before.eventId, before.line]
      const [statement, filter]: [string, SqlParam[]] =
        account === undefined
          ? [OF_PAYMENT, [paymentIntentId]]
          : paymentIntentId === undefined
            ? [OF_ACCOUNT, [account]]
            : [OF_BOTH, [account, paymentIntentId]]
      return (await sql.query<LedgerEntryRow>(statement, [...from, limit, ...filter])).map(toLedgerEntry)
    },
    async days(query) {
      const { from, to, currency, processor, groupBy, rowsMax } = query
      const rows = await sql.query<DaySqlRow>(DAYS, [from, to, currency, processor, [...groupBy], rowsMax + 1])
      return {
        rows: rows.filter((row) => row.first_currency !== null).map((row) => toDaysRow(row, query)),
        oldestMissingMs: rows[0]?.oldest?.getTime(),
        lagEvents: Number(rows[0]?.lag ?? 0n),
      }
    },
  }
}
