import type { LogEvent, Projection, ProjectionBatch } from '../../log/port.ts'
import { fold } from '../../payments/model/evolve.ts'
import { initialState, type PaymentState, statusOf } from '../../payments/model/state.ts'
import { stateFromJson, stateToJson } from '../../payments/model/state-json.ts'
import { readEvent } from '../../payments/model/upcast.ts'
import { TRANSACTION_TYPE_OF } from '../../payments/schemas.ts'
import type { SqlTx } from '../sql/sql.ts'

const VIEWED = `
select payment_intent_id, state from payment_view_gen
where generation = $1 and shard = $2 and payment_intent_id = any($3)`

const PUT_VIEWS = `
insert into payment_view_gen (generation, shard, payment_intent_id, version, status, currency, amount, authorized, captured,
  refunded, disputed, customer_id, order_id, processor, state, created_at, updated_at)
select $1, $2, t.* from unnest($3::text[], $4::int[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[],
  $10::bigint[], $17::bigint[], $11::text[], $12::text[], $13::text[], $14::jsonb[], $15::timestamptz[], $16::timestamptz[])
  as t (id, version, status, currency, amount, authorized, captured, refunded, disputed, customer_id, order_id, processor, state,
    created_at, updated_at)
order by id
on conflict (generation, shard, payment_intent_id) do update
set version = excluded.version, status = excluded.status, authorized = excluded.authorized, captured = excluded.captured,
  refunded = excluded.refunded, disputed = excluded.disputed, processor = excluded.processor, state = excluded.state, updated_at = excluded.updated_at`

const CLEAR_VIEWS = `
delete from payment_view_gen where (generation, shard, payment_intent_id) in (
  select generation, shard, payment_intent_id from payment_view_gen where generation = $1 limit $2)
returning payment_intent_id`

const INITIATED = `
select payment_intent_id, payload from payment_events where shard = $1 and payment_intent_id = any($2) and version = 1`

const ADD_TRANSACTIONS = `
insert into customer_transactions_gen (generation, customer_id, timestamp, payment_intent_id, version, event_type, amount,
  currency, order_id)
select $1, t.* from unnest($2::text[], $3::timestamptz[], $4::text[], $5::int[], $6::text[], $7::bigint[], $8::text[], $9::text[])
  as t (customer_id, timestamp, payment_intent_id, version, event_type, amount, currency, order_id)
order by customer_id, timestamp, payment_intent_id, version`

const CLEAR_TRANSACTIONS = `
delete from customer_transactions_gen where (generation, customer_id, timestamp, payment_intent_id, version) in (
  select generation, customer_id, timestamp, payment_intent_id, version from customer_transactions_gen where generation = $1 limit $2)
returning version`

function byStream(events: readonly LogEvent[]): Map<string, LogEvent[]> {
  const streams = new Map<string, LogEvent[]>()
  for (const event of events) {
    const stream = streams.get(event.streamId)
    if (stream === undefined) streams.set(event.streamId, [event])
    else stream.push(event)
  }
  return streams
}

function foldOnto(before: PaymentState, events: readonly LogEvent[]): PaymentState {
  const [first] = events
  if (first !== undefined && first.version !== before.version + 1) {
    throw new Error(`${first.streamId}: event ${first.version} follows version ${before.version}`)
  }
  return fold(events.map(readEvent), before)
}

async function foldViews({ generation, shard, events }: ProjectionBatch, tx: SqlTx): Promise<void> {
  const streams = byStream(events)
  const ids = [...streams.keys()]
  const rows = await tx.query<{ payment_intent_id: string; state: Record<string, unknown> }>(VIEWED, [
    generation,
    shard,
    ids,
  ])
  const known = new Map(rows.map((row) => [row.payment_intent_id, stateFromJson(row.state)]))
  const states = ids.map((id) => foldOnto(known.get(id) ?? initialState, streams.get(id)!))
  await tx.query(PUT_VIEWS, [
    generation,
    shard,
    ids,
    states.map((state) => state.version),
    states.map(statusOf),
    states.map((state) => state.currency),
    states.map((state) => state.amount),
    states.map((state) => state.authorized),
    states.map((state) => state.captured),
    states.map((state) => state.refunded),
    states.map((state) => state.customerId),
    states.map((state) => state.orderId),
    states.map((state) => state.processor),
    states.map(stateToJson),
    states.map((state) => new Date(state.createdAtMs)),
    states.map((state) => new Date(state.updatedAtMs)),
    states.map((state) => state.disputed),
  ])
}

/** One row per payment: its state, folded by the very code that decides commands. */
export const paymentView: Projection<SqlTx> = {
  name: 'payment_view',
  log: 'payments',
  version: 1,
  async handle(batch, tx) {
    await foldViews(batch, tx)
    await foldTransactions(batch, tx)
  },
  clear: async (generation, limit, tx) =>
    (await tx.query(CLEAR_VIEWS, [generation, limit])).length +
    (await tx.query(CLEAR_TRANSACTIONS, [generation, limit])).length,
}

interface Movement {
  readonly event: LogEvent
  readonly amount: number
}

/** The event as a movement in a customer's history; `undefined` when it is none. */
function movementOf(event: LogEvent): Movement | undefined {
  const { type, payload } = readEvent(event)
  if (TRANSACTION_TYPE_OF[type] === undefined || !('amount' in payload)) return undefined
  return payload.amount > 0 ? { event, amount: payload.amount } : undefined
}

async function foldTransactions({ generation, shard, events }: ProjectionBatch, tx: SqlTx): Promise<void> {
  const movements = events.flatMap((event) => movementOf(event) ?? [])
  if (movements.length === 0) return
  // Who pays, and in what currency, stands in the first event of the payment, which may be of an earlier batch.
  const ids = [...new Set(movements.map(({ event }) => event.streamId))]
  const rows = await tx.query<{
    payment_intent_id: string
    payload: { customer_id?: string; order_id?: string; currency: string }
  }>(INITIATED, [shard, ids])
  const first = new Map(rows.map((row) => [row.payment_intent_id, row.payload]))
  const added = movements.flatMap(({ event, amount }) => {
    const about = first.get(event.streamId)
    if (about === undefined) throw new Error(`${event.streamId} has no first event`)
    const { customer_id, order_id, currency } = about
    return customer_id === undefined ? [] : [{ event, amount, customer_id, order_id, currency }]
  })
  if (added.length === 0) return
  await tx.query(ADD_TRANSACTIONS, [
    generation,
    added.map((row) => row.customer_id),
    added.map((row) => new Date(row.event.timestampMs)),
    added.map((row) => row.event.streamId),
    added.map((row) => row.event.version),
    added.map((row) => row.event.type),
    added.map((row) => row.amount),
    added.map((row) => row.currency),
    added.map((row) => row.order_id),
  ])
}

export const PAYMENT_PROJECTIONS: readonly Projection<SqlTx>[] = [paymentView]
