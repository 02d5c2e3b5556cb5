import { needsResponse, type PaymentState, statusOf, waitsInReview } from '../../payments/model/state.ts'
import { stateToJson } from '../../payments/model/state-json.ts'
import type { BatchRows } from '../../payments/read-model/fold-batch.ts'
import type { SqlParam, SqlTx } from '../sql/sql.ts'

/** Where the rows go. */
export interface Place {
  readonly generation: number
  readonly shard: number
}

// The states come as lines, for an array of texts so long and so full of quotes is dear to write and to read.
const PUT_VIEWS = `
insert into payment_view_gen (generation, shard, payment_intent_id, version, status, currency, amount, authorized, captured,
  refunded, disputed, customer_id, order_id, processor, state, created_at, updated_at, in_review, needs_response)
select $1, $2, t.* from unnest($3::text[], $4::int[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[],
  $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[], string_to_array($15::text, chr(10))::json[],
  $16::timestamptz[], $17::timestamptz[], $18::boolean[], $19::boolean[])
  as t (id, version, status, currency, amount, authorized, captured, refunded, disputed, customer_id, order_id, processor, state,
    created_at, updated_at, in_review, needs_response)
order by id
on conflict (generation, shard, payment_intent_id) do update
set version = excluded.version, status = excluded.status, authorized = excluded.authorized, captured = excluded.captured,
  refunded = excluded.refunded, disputed = excluded.disputed, processor = excluded.processor, state = excluded.state,
  updated_at = excluded.updated_at, in_review = excluded.in_review, needs_response = excluded.needs_response`

const ADD_TRANSACTIONS = `
insert into customer_transactions_gen (generation, customer_id, timestamp, payment_intent_id, version, event_type, amount,
  currency, order_id)
select $1, t.* from unnest($2::text[], $3::timestamptz[], $4::text[], $5::int[], $6::text[], $7::bigint[], $8::text[], $9::text[])
  as t (customer_id, timestamp, payment_intent_id, version, event_type, amount, currency, order_id)
order by customer_id, timestamp, payment_intent_id, version`

const ADD_ENTRIES = `
insert into ledger_entries_gen (generation, shard, event_id, line, payment_intent_id, account, currency, amount, timestamp)
select $1, $2, t.* from unnest($3::bigint[], $4::smallint[], $5::text[], $6::text[], $7::text[], $8::bigint[],
  $9::timestamptz[]) as t (event_id, line, payment_intent_id, account, currency, amount, timestamp)
order by payment_intent_id, event_id, line`

const ADD_BALANCES = `
insert into ledger_balances_gen as b (generation, shard, account, currency, debit, credit)
select $1, $2, t.* from unnest($3::text[], $4::text[], $5::numeric[], $6::numeric[]) as t (account, currency, debit, credit)
order by account, currency
on conflict (generation, shard, account, currency) do update
set debit = b.debit + excluded.debit, credit = b.credit + excluded.credit`

const ADD_DAYS = `
insert into payment_daily_gen as d (generation, shard, day, currency, processor, created, authorized, declined, captures,
  captured_amount, refunds, refunded_amount, disputes, disputed_amount)
select $1, $2, t.* from unnest($3::date[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
  $10::numeric[], $11::bigint[], $12::numeric[], $13::bigint[], $14::numeric[])
  as t (day, currency, processor, created, authorized, declined, captures, captured_amount, refunds, refunded_amount, disputes,
    disputed_amount)
order by day, currency, processor
on conflict (generation, shard, day, currency, processor) do update
set created = d.created + excluded.created, authorized = d.authorized + excluded.authorized,
  declined = d.declined + excluded.declined, captures = d.captures + excluded.captures,
  captured_amount = d.captured_amount + excluded.captured_amount, refunds = d.refunds + excluded.refunds,
  refunded_amount = d.refunded_amount + excluded.refunded_amount, disputes = d.disputes + excluded.disputes,
  disputed_amount = d.disputed_amount + excluded.disputed_amount`

const PUT_DISPUTES = `
insert into payment_disputes_gen (generation, shard, payment_intent_id, dispute_id, processor, customer_id, order_id, amount,
  currency, reason, status, evidence_due_by, opened_at, updated_at)
select $1, $2, id, dispute_id, processor, customer_id, order_id, amount, currency, reason, status,
  coalesce(evidence_due_by, 'infinity'), opened_at, updated_at
from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[], $10::text[], $11::text[],
  $12::timestamptz[], $13::timestamptz[], $14::timestamptz[])
  as t (id, dispute_id, processor, customer_id, order_id, amount, currency, reason, status, evidence_due_by, opened_at,
    updated_at)
order by id, dispute_id
on conflict (generation, shard, payment_intent_id, dispute_id) do update
set status = excluded.status, updated_at = excluded.updated_at`

/** The columns of rows, one array each, for `unnest`. */
function columns<Row>(rows: readonly Row[], ...of: readonly ((row: Row) => unknown)[]): SqlParam[] {
  return of.map((column) => rows.map(column) as SqlParam)
}

const time = (ms: number): Date => new Date(ms)
const timeOrNull = (ms: number | undefined): Date | undefined => (ms === undefined ? undefined : time(ms))

function viewColumns(states: readonly [id: string, state: PaymentState][]): SqlParam[] {
  return [
    ...columns(
      states,
      ([id]) => id,
      ([, state]) => state.version,
      ([, state]) => statusOf(state),
      ([, state]) => state.currency,
      ([, state]) => state.amount,
      ([, state]) => state.authorized,
      ([, state]) => state.captured,
      ([, state]) => state.refunded,
      ([, state]) => state.disputed,
      ([, state]) => state.customerId,
      ([, state]) => state.orderId,
      ([, state]) => state.processor,
    ),
    states.map(([, state]) => JSON.stringify(stateToJson(state))).join('\n'),
    ...columns(
      states,
      ([, state]) => time(state.createdAtMs),
      ([, state]) => time(state.updatedAtMs),
      ([, state]) => waitsInReview(state),
      ([, state]) => needsResponse(state),
    ),
  ]
}

function transactionColumns({ transactions }: BatchRows): SqlParam[] {
  return columns(
    transactions,
    (row) => row.customerId,
    (row) => time(row.timestampMs),
    (row) => row.paymentIntentId,
    (row) => row.version,
    (row) => row.type,
    (row) => row.amount,
    (row) => row.currency,
    (row) => row.orderId,
  )
}

function entryColumns({ entries }: BatchRows): SqlParam[] {
  return columns(
    entries,
    (row) => row.eventId,
    (row) => row.line,
    (row) => row.paymentIntentId,
    (row) => row.account,
    (row) => row.currency,
    (row) => row.amount,
    (row) => time(row.timestampMs),
  )
}

function balanceColumns({ balances }: BatchRows): SqlParam[] {
  return columns(
    balances,
    (row) => row.account,
    (row) => row.currency,
    (row) => row.debit,
    (row) => row.credit,
  )
}

function dayColumns({ days }: BatchRows): SqlParam[] {
  return columns(
    days,
    (row) => row.day,
    (row) => row.currency,
    (row) => row.processor,
    (row) => row.created,
    (row) => row.authorized,
    (row) => row.declined,
    (row) => row.captures,
    (row) => row.capturedAmount,
    (row) => row.refunds,
    (row) => row.refundedAmount,
    (row) => row.disputes,
    (row) => row.disputedAmount,
  )
}

function disputeColumns({ disputes }: BatchRows): SqlParam[] {
  return columns(
    disputes,
    (row) => row.paymentIntentId,
    (row) => row.disputeId,
    (row) => row.processor,
    (row) => row.customerId,
    (row) => row.orderId,
    (row) => row.amount,
    (row) => row.currency,
    (row) => row.reason,
    (row) => row.status,
    (row) => timeOrNull(row.evidenceDueMs),
    (row) => time(row.openedAtMs),
    (row) => time(row.updatedAtMs),
  )
}

/** Writes the rows of a batch: one statement per table that has any, rows in key order. */
export async function writeRows({ generation, shard }: Place, rows: BatchRows, tx: SqlTx): Promise<void> {
  const place = [generation, shard]
  await tx.query(PUT_VIEWS, [...place, ...viewColumns([...rows.states])])
  if (rows.transactions.length > 0) await tx.query(ADD_TRANSACTIONS, [generation, ...transactionColumns(rows)])
  if (rows.entries.length > 0) await tx.query(ADD_ENTRIES, [...place, ...entryColumns(rows)])
  if (rows.balances.length > 0) await tx.query(ADD_BALANCES, [...place, ...balanceColumns(rows)])
  if (rows.days.length > 0) await tx.query(ADD_DAYS, [...place, ...dayColumns(rows)])
  if (rows.disputes.length > 0) await tx.query(PUT_DISPUTES, [...place, ...disputeColumns(rows)])
}

const clear = (table: string) => `
delete from ${table} where ctid = any(array(select ctid from ${table} where generation = $1 limit $2)) returning generation`

const CLEAR = [
  'payment_view_gen',
  'customer_transactions_gen',
  'payment_disputes_gen',
  'ledger_entries_gen',
  'ledger_balances_gen',
  'payment_daily_gen',
].map(clear)

/** Deletes up to `limit` rows of a generation that nobody reads; answers how many. */
export async function clearRows(generation: number, limit: number, tx: SqlTx): Promise<number> {
  for (const statement of CLEAR) {
    const { length } = await tx.query(statement, [generation, limit])
    if (length > 0) return length
  }
  return 0
}
