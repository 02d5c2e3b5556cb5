import { type Batcher, createBatcher, type ItemResult } from '../../core/batcher.ts'
import type { Clock } from '../../core/clock.ts'
import { LIMITS } from '../../core/limits.ts'
import { backoffMs, failureKind } from '../../core/retry.ts'
import type { NewPayment, PaymentAppend, SealedEvent } from '../../payments/ports/store.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'

/**
 * The two statements that write payments, and the group commit around them. One statement is one transaction: keys,
 * heads, events and operations of a whole batch, and as late as data flow allows the row of the log's head, whose lock
 * makes the order of commits the order of the numbers. Locks are taken in the order heads, keys, log head, each in key
 * order, so two batches never wait for each other in a circle.
 */
const CREATE = `
with x as (
  select * from unnest(
    $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::text[], $9::timestamptz[], $10::bytea[],
    $11::bytea[], $12::smallint[], $13::text[], $14::text[], $15::bytea[], $16::json[], $17::smallint[], $18::smallint[])
  with ordinality as t (
    id, amount, currency, customer_id, order_id, payload, actor, at, prev_hash,
    hash, key_shard, scope, key, fingerprint, response, response_status, schema_version, i)),
k as (
  insert into idempotency_keys (shard, scope, key, fingerprint, response_status, response_body, created_at)
  select key_shard, scope, key, fingerprint, response_status, response, at from x where key is not null order by key_shard, scope, key
  on conflict do nothing returning scope, key),
h as (
  insert into payment_intents (shard, payment_intent_id, version, status, currency, amount, authorized, capture_pending,
    captured, refund_pending, refunded, disputed, customer_id, order_id, hash, created_at, updated_at)
  select $1, id, 1, 'initiated', currency, amount, 0, 0, 0, 0, 0, 0, customer_id, order_id, hash, at, at
  from x where key is null or (scope, key) in (select scope, key from k)
  order by id
  on conflict do nothing returning payment_intent_id),
n as (
  select x.*, row_number() over (order by i) as rn from x where id in (select payment_intent_id from h)),
head as (
  update log_head set last_event_id = last_event_id + (select count(*) from n)
  where shard = $1 and log = 'payments' and exists (select 1 from n)
  returning last_event_id - (select count(*) from n) as base),
e as (
  insert into payment_events (shard, event_id, payment_intent_id, version, event_type, schema_version, timestamp, payload,
    op_id, actor, prev_hash, hash)
  select $1, head.base + n.rn, n.id, 1, 'INITIATED', n.schema_version, n.at, n.payload, null, n.actor, n.prev_hash, n.hash
  from n, head
  returning payment_intent_id)
select payment_intent_id as id from e`

const APPEND = `
with x as (
  select * from unnest(
    $2::text[], $3::int[], $4::int[], $5::text[], $6::bytea[], $7::timestamptz[], $8::bigint[], $9::bigint[], $10::bigint[],
    $11::bigint[], $12::bigint[], $46::bigint[], $47::timestamptz[])
  with ordinality as t (
    id, version, events, status, hash, at, d_authorized, d_capture_pending, d_captured, d_refund_pending, d_refunded,
    d_disputed, expires_at, i)),
xk as (
  select * from unnest(
    $13::int[], $14::boolean[], $15::smallint[], $16::text[], $17::text[], $18::bytea[], $19::text[], $20::timestamptz[],
    $21::smallint[], $22::json[], $7::timestamptz[])
  as t (i, must_be_new, shard, scope, key, fingerprint, op_id, lease_until, response_status, response, at)
  where i is not null),
l as (
  select p.payment_intent_id as id from payment_intents p join x on p.payment_intent_id = x.id
  where p.shard = $1 and p.version = x.version
    and p.captured + x.d_captured + p.capture_pending + x.d_capture_pending <= p.authorized + x.d_authorized
    and p.refunded + x.d_refunded + p.refund_pending + x.d_refund_pending <= p.captured + x.d_captured
  order by p.payment_intent_id for update of p),
k as (
  insert into idempotency_keys (shard, scope, key, fingerprint, operation_id, lease_until, response_status, response_body, created_at)
  select xk.shard, scope, key, fingerprint, op_id, lease_until, response_status, response, xk.at
  from xk join x on x.i = xk.i
  left join lateral (
    select true as kept from idempotency_keys e where e.shard = xk.shard and e.scope = xk.scope and e.key = xk.key limit 1
  ) stored on not must_be_new
  where x.id in (select id from l) and (must_be_new or kept)
  order by xk.shard, scope, key
  on conflict (shard, scope, key) do update
  set response_status = excluded.response_status, response_body = excluded.response_body, lease_until = excluded.lease_until
  where idempotency_keys.operation_id = excluded.operation_id and idempotency_keys.response_status is null
  returning scope, key),
refused as (
  select i from xk where must_be_new and (scope, key) not in (select scope, key from k)),
h as (
  update payment_intents p set version = p.version + x.events, status = x.status, hash = x.hash, updated_at = x.at,
    authorized = p.authorized + x.d_authorized, capture_pending = p.capture_pending + x.d_capture_pending,
    captured = p.captured + x.d_captured, refund_pending = p.refund_pending + x.d_refund_pending,
    refunded = p.refunded + x.d_refunded, disputed = p.disputed + x.d_disputed, expires_at = x.expires_at
  from x
  where p.shard = $1 and p.payment_intent_id = x.id and x.id in (select id from l) and x.i not in (select i from refused)
  returning x.i),
n as (
  select v.*, x.id, x.at, row_number() over (order by v.i, v.version) as rn
  from unnest($23::int[], $24::int[], $25::text[], $26::smallint[], $27::jsonb[], $28::text[], $29::text[], $30::bytea[], $31::bytea[])
    as v (i, version, type, schema_version, payload, op_id, actor, prev_hash, hash)
  join h on h.i = v.i join x on x.i = v.i),
o as (
  insert into payment_operations (shard, op_id, payment_intent_id, kind, amount, settled, processor, status, reference,
    dispute_id, attempts, requested_at, next_check_at, key_shard, key_scope, key, key_op_id)
  select $1, v.op_id, x.id, kind, amount, settled, processor, v.status, reference, dispute_id, attempts, requested_at,
    next_check_at, key_shard, key_scope, key, key_op_id
  from unnest($32::int[], $33::text[], $34::text[], $35::bigint[], $36::text[], $37::text[], $38::text[], $39::int[],
    $40::timestamptz[], $41::timestamptz[], $42::smallint[], $43::text[], $44::text[], $45::text[], $48::bigint[],
    $49::text[])
    as v (i, op_id, kind, amount, processor, status, reference, attempts, requested_at, next_check_at, key_shard, key_scope,
      key, key_op_id, settled, dispute_id)
  join h on h.i = v.i join x on x.i = v.i order by v.op_id
  on conflict (shard, op_id) do update
  set status = excluded.status, settled = excluded.settled, reference = excluded.reference, attempts = excluded.attempts, next_check_at = excluded.next_check_at
  returning op_id),
head as (
  update log_head set last_event_id = last_event_id + (select count(*) from n)
  where shard = $1 and log = 'payments' and exists (select 1 from n) and (select count(*) from o) >= 0
  returning last_event_id - (select count(*) from n) as base),
e as (
  insert into payment_events (shard, event_id, payment_intent_id, version, event_type, schema_version, timestamp, payload,
    op_id, actor, prev_hash, hash)
  select $1, head.base + n.rn, n.id, n.version, n.type, n.schema_version, n.at, n.payload, n.op_id, n.actor, n.prev_hash, n.hash
  from n, head
  returning payment_intent_id)
select id, id in (select id from l) as current, id in (select payment_intent_id from e) as appended from x`

/** Which of these events are stored as they were sealed: how a batch whose answer was lost finds out what it did. */
const LANDED = `
select payment_intent_id from payment_events
where shard = $1 and (payment_intent_id, version, hash) in (select * from unnest($2::text[], $3::int[], $4::bytea[]))`

type Outcome = 'appended' | 'conflict' | 'key_taken'

function createParams(shard: number, items: readonly NewPayment[]): SqlParam[] {
  const column = <T>(of: (item: NewPayment) => T) => items.map(of) as SqlParam
  return [
    shard,
    column((item) => item.paymentIntentId),
    column((item) => item.state.amount),
    column((item) => item.state.currency),
    column((item) => item.state.customerId),
    column((item) => item.state.orderId),
    column((item) => item.event.event.payload),
    column((item) => item.event.actor),
    column((item) => new Date(item.event.event.timestampMs)),
    column((item) => item.event.prevHash),
    column((item) => item.event.hash),
    column((item) => item.key?.shard),
    column((item) => item.key?.scope),
    column((item) => item.key?.key),
    column((item) => item.key?.fingerprint),
    column((item) => item.answer.body as object),
    column((item) => item.answer.status),
    column((item) => item.event.schemaVersion),
  ]
}

function date(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(ms)
}

/** Columns of the key row that an append takes or changes. */
function keyRow({ key: change }: PaymentAppend) {
  if (change === undefined) return undefined
  const { kind, key } = change
  if (kind === 'take') {
    const { opId, leaseUntilMs, answer } = change
    return { mustBeNew: true, key, fingerprint: change.key.fingerprint, opId, leaseUntilMs, answer }
  }
  // The fingerprint is only there to fill the column: such a row never comes to be inserted while its key is kept.
  return {
    mustBeNew: false,
    key,
    fingerprint: new Uint8Array(),
    opId: change.key.opId,
    leaseUntilMs: undefined,
    answer: kind === 'finish' ? change.answer : undefined,
  }
}

function appendParams(shard: number, items: readonly PaymentAppend[]): SqlParam[] {
  const column = <T>(of: (item: PaymentAppend, index: number) => T) => items.map(of) as SqlParam
  const last = (item: PaymentAppend) => item.events.at(-1)!
  const keys = items.map(keyRow)
  const keyColumn = (of: (key: NonNullable<ReturnType<typeof keyRow>>) => unknown) =>
    keys.map((key) => (key === undefined ? undefined : of(key))) as SqlParam
  const events = items.flatMap((item, index) => item.events.map((event) => ({ ...event, i: index + 1 })))
  const eventColumn = (of: (event: SealedEvent & { i: number }) => unknown) => events.map(of) as SqlParam
  const operations = items.flatMap((item, index) =>
    item.operations.map((operation) => ({ ...operation, i: index + 1 })),
  )
  const operationColumn = (of: (operation: (typeof operations)[number]) => unknown) => operations.map(of) as SqlParam
  return [
    shard,
    column((item) => item.paymentIntentId),
    column((item) => item.expectedVersion),
    column((item) => item.events.length),
    column((item) => item.status),
    column((item) => last(item).hash),
    column((item) => new Date(last(item).event.timestampMs)),
    column((item) => item.delta.authorized),
    column((item) => item.delta.capturePending),
    column((item) => item.delta.captured),
    column((item) => item.delta.refundPending),
    column((item) => item.delta.refunded),
    keys.map((key, index) => (key === undefined ? undefined : index + 1)),
    keyColumn((key) => key.mustBeNew),
    keyColumn((key) => key.key.shard),
    keyColumn((key) => key.key.scope),
    keyColumn((key) => key.key.key),
    keyColumn((key) => key.fingerprint),
    keyColumn((key) => key.opId),
    keyColumn((key) => date(key.leaseUntilMs)),
    keyColumn((key) => key.answer?.status),
    keyColumn((key) => key.answer?.body),
    eventColumn((event) => event.i),
    eventColumn((event) => event.version),
    eventColumn((event) => event.event.type),
    eventColumn((event) => event.schemaVersion),
    eventColumn((event) => event.event.payload),
    eventColumn((event) => event.opId),
    eventColumn((event) => event.actor),
    eventColumn((event) => event.prevHash),
    eventColumn((event) => event.hash),
    operationColumn((operation) => operation.i),
    operationColumn((operation) => operation.opId),
    operationColumn((operation) => operation.kind),
    operationColumn((operation) => operation.amount),
    operationColumn((operation) => operation.processor),
    operationColumn((operation) => operation.status),
    operationColumn((operation) => operation.reference),
    operationColumn((operation) => operation.attempts),
    operationColumn((operation) => new Date(operation.requestedAtMs)),
    operationColumn((operation) => date(operation.nextCheckAtMs)),
    operationColumn((operation) => operation.key?.shard),
    operationColumn((operation) => operation.key?.scope),
    operationColumn((operation) => operation.key?.key),
    operationColumn((operation) => operation.key?.opId),
    column((item) => item.delta.disputed),
    column((item) => date(item.expiresAtMs)),
    operationColumn((operation) => operation.settled),
    operationColumn((operation) => operation.disputeId),
  ]
}

/** The two kinds of batch differ in their statement and in how its rows are read. */
interface Kind<Item> {
  readonly text: string
  readonly params: (shard: number, items: readonly Item[]) => SqlParam[]
  /** The key that an item takes: of two items of one batch that take the same, only the first is sent. */
  readonly keyTaken: (item: Item) => { scope: string; key: string } | undefined
  readonly first: (item: Item) => SealedEvent
  readonly outcome: (row: AppendRow | undefined) => Outcome
}

interface AppendRow {
  id: string
  current: boolean
  appended: boolean
}

const CREATES: Kind<NewPayment> = {
  text: CREATE,
  params: createParams,
  keyTaken: (item) => item.key,
  first: (item) => item.event,
  outcome: (row) => (row === undefined ? 'key_taken' : 'appended'),
}

const APPENDS: Kind<PaymentAppend> = {
  text: APPEND,
  params: appendParams,
  keyTaken: (item) => (item.key?.kind === 'take' ? item.key.key : undefined),
  first: (item) => item.events[0]!,
  outcome: (row) => (row?.appended ? 'appended' : row?.current ? 'key_taken' : 'conflict'),
}

const BACKOFF = { firstMs: 20, maxMs: 1_000 }

/** Sends one batch, again as long as it must be, so that every item is written exactly once or not at all. */
async function sendBatch<Item extends { readonly paymentIntentId: string }>(
  sql: SqlClient,
  clock: Clock,
  kind: Kind<Item>,
  shard: number,
  items: readonly Item[],
): Promise<Outcome[]> {
  const deadline = clock.now() + LIMITS.commandMsMax
  let inDoubt = false
  for (let attempt = 1; ; attempt++) {
    try {
      const rows = new Map(
        (await sql.query<AppendRow>(kind.text, kind.params(shard, items))).map((row) => [row.id, row]),
      )
      const outcomes = items.map((item) => kind.outcome(rows.get(item.paymentIntentId)))
      return inDoubt ? await withLanded(sql, kind, shard, items, outcomes) : outcomes
    } catch (error) {
      const failure = failureKind(error)
      if ((failure !== 'ambiguous' && failure !== 'unreachable') || clock.now() >= deadline) throw error
      // A statement whose answer was lost may have been carried out. Sending it again can't double it: the versions and
      // keys it needs are gone then. What it wrote is recognised by its hashes.
      inDoubt ||= failure === 'ambiguous'
      await clock.sleep(backoffMs(attempt, BACKOFF))
    }
  }
}

async function withLanded<Item extends { readonly paymentIntentId: string }>(
  sql: SqlClient,
  kind: Kind<Item>,
  shard: number,
  items: readonly Item[],
  outcomes: readonly Outcome[],
): Promise<Outcome[]> {
  const rows = await sql.query<{ payment_intent_id: string }>(LANDED, [
    shard,
    items.map((item) => item.paymentIntentId),
    items.map((item) => kind.first(item).version),
    items.map((item) => kind.first(item).hash),
  ])
  const landed = new Set(rows.map((row) => row.payment_intent_id))
  return items.map((item, index) => (landed.has(item.paymentIntentId) ? 'appended' : outcomes[index]!))
}

function createShardBatcher<Item extends { readonly paymentIntentId: string }>(
  sql: SqlClient,
  clock: Clock,
  kind: Kind<Item>,
  shard: number,
): Batcher<Item, Outcome> {
  const send = (items: readonly Item[]) => sendBatch(sql, clock, kind, shard, items)

  async function alone(item: Item): Promise<ItemResult<Outcome>> {
    try {
      return { ok: true, value: (await send([item]))[0]! }
    } catch (error) {
      return { ok: false, error }
    }
  }

  async function run(items: readonly Item[]): Promise<ItemResult<Outcome>[]> {
    const payments = new Set<string>()
    const keys = new Set<string>()
    const results = new Map<Item, ItemResult<Outcome>>()
    for (const item of items) {
      const taken = kind.keyTaken(item)
      const key = taken === undefined ? undefined : `${taken.scope}\n${taken.key}`
      if (payments.has(item.paymentIntentId)) results.set(item, { ok: true, value: 'conflict' })
      else if (key !== undefined && keys.has(key)) results.set(item, { ok: true, value: 'key_taken' })
      else {
        payments.add(item.paymentIntentId)
        if (key !== undefined) keys.add(key)
      }
    }
    const sent = items.filter((item) => !results.has(item))
    try {
      const outcomes = await send(sent)
      sent.forEach((item, index) => {
        results.set(item, { ok: true, value: outcomes[index]! })
      })
    } catch (error) {
      // One bad item must not fail its neighbours; a database that is away fails all of them.
      if (failureKind(error) !== 'permanent' || sent.length === 1) throw error
      for (const item of sent) results.set(item, await alone(item))
    }
    return items.map((item) => results.get(item)!)
  }

  return createBatcher({ run })
}

export interface PaymentAppender {
  create(payment: NewPayment): Promise<Outcome>
  append(append: PaymentAppend): Promise<Outcome>
}

/** One group commit per shard and kind of statement. */
export function createPaymentAppender(sql: SqlClient, clock: Clock, shards: number): PaymentAppender {
  const byShard = Array.from({ length: shards }, (_, shard) => ({
    creates: createShardBatcher(sql, clock, CREATES, shard),
    appends: createShardBatcher(sql, clock, APPENDS, shard),
  }))
  return {
    create: (payment) => byShard[payment.shard]!.creates.add(payment),
    append: (append) => byShard[append.shard]!.appends.add(append),
  }
}
