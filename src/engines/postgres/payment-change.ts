import type { OperationRow, PaymentAppend, SealedEvent, StoredAnswer } from '../../payments/ports/store.ts'
import type { SqlParam } from '../sql/sql.ts'
import { columns } from './columns.ts'

/** Rows that belong to an append name it by its number in the batch, counted from 1. */
interface Numbered {
  readonly i: number
}

const date = (ms: number | undefined): Date | undefined => (ms === undefined ? undefined : new Date(ms))
const last = ({ events }: PaymentAppend): SealedEvent => events.at(-1)!

const REQUEST = columns<PaymentAppend>([
  ['shard', 'smallint', ({ shard }) => shard],
  ['id', 'text', ({ paymentIntentId }) => paymentIntentId],
  ['version', 'int', ({ expectedVersion }) => expectedVersion],
  ['events', 'int', ({ events }) => events.length],
  ['status', 'text', ({ status }) => status],
  ['hash', 'bytea', (append) => last(append).hash],
  ['at', 'timestamptz', (append) => new Date(last(append).event.timestampMs)],
  ['d_authorized', 'bigint', ({ delta }) => delta.authorized],
  ['d_capture_pending', 'bigint', ({ delta }) => delta.capturePending],
  ['d_captured', 'bigint', ({ delta }) => delta.captured],
  ['d_refund_pending', 'bigint', ({ delta }) => delta.refundPending],
  ['d_refunded', 'bigint', ({ delta }) => delta.refunded],
  ['d_disputed', 'bigint', ({ delta }) => delta.disputed],
  ['expires_at', 'timestamptz', ({ expiresAtMs }) => date(expiresAtMs)],
])

interface KeyRow extends Numbered {
  readonly mustBeNew: boolean
  readonly key: { readonly shard: number; readonly scope: string; readonly key: string }
  readonly fingerprint: Uint8Array
  readonly opId: string | undefined
  readonly leaseUntilMs: number | undefined
  readonly answer: StoredAnswer | undefined
}

const KEY = columns<KeyRow>([
  ['i', 'int', ({ i }) => i],
  ['must_be_new', 'boolean', ({ mustBeNew }) => mustBeNew],
  ['shard', 'smallint', ({ key }) => key.shard],
  ['scope', 'text', ({ key }) => key.scope],
  ['key', 'text', ({ key }) => key.key],
  ['fingerprint', 'bytea', ({ fingerprint }) => fingerprint],
  ['op_id', 'text', ({ opId }) => opId],
  ['lease_until', 'timestamptz', ({ leaseUntilMs }) => date(leaseUntilMs)],
  ['response_status', 'smallint', ({ answer }) => answer?.status],
  ['response', 'json', ({ answer }) => answer?.body],
])

const EVENT = columns<SealedEvent & Numbered>([
  ['i', 'int', ({ i }) => i],
  ['version', 'int', ({ version }) => version],
  ['event_type', 'text', ({ event }) => event.type],
  ['schema_version', 'smallint', ({ schemaVersion }) => schemaVersion],
  ['payload', 'jsonb', ({ event }) => event.payload],
  ['op_id', 'text', ({ opId }) => opId],
  ['actor', 'text', ({ actor }) => actor],
  ['prev_hash', 'bytea', ({ prevHash }) => prevHash],
  ['hash', 'bytea', ({ hash }) => hash],
])

const OPERATION = columns<OperationRow>([
  ['op_id', 'text', ({ opId }) => opId],
  ['payment_intent_id', 'text', ({ paymentIntentId }) => paymentIntentId],
  ['kind', 'text', ({ kind }) => kind],
  ['amount', 'bigint', ({ amount }) => amount],
  ['settled', 'bigint', ({ settled }) => settled],
  ['processor', 'text', ({ processor }) => processor],
  ['status', 'text', ({ status }) => status],
  ['reference', 'text', ({ reference }) => reference],
  ['dispute_id', 'text', ({ disputeId }) => disputeId],
  ['attempts', 'int', ({ attempts }) => attempts],
  ['requested_at', 'timestamptz', ({ requestedAtMs }) => new Date(requestedAtMs)],
  ['next_check_at', 'timestamptz', ({ nextCheckAtMs }) => date(nextCheckAtMs)],
  ['key_shard', 'smallint', ({ key }) => key?.shard],
  ['key_scope', 'text', ({ key }) => key?.scope],
  ['key', 'text', ({ key }) => key?.key],
  ['key_op_id', 'text', ({ key }) => key?.opId],
])

const AT_KEY = REQUEST.next(1)
const AT_EVENT = KEY.next(AT_KEY)
const AT_OPERATION = EVENT.next(AT_EVENT)

/**
 * One batch of appends, of all shards together and each to another payment. Locks: see {@link CREATE}.
 *
 * `l` are the payments at the version asked for whose limits allow the change, `h` those of them whose key was free.
 */
export const APPEND = `
with x as (
  select * from unnest(${REQUEST.arrays(1)}) with ordinality as t (${REQUEST.names}, i)),
xk as (
  select * from unnest(${KEY.arrays(AT_KEY)}) as t (${KEY.names})),
l as materialized (
  select x.* from payment_intents p join x on p.shard = x.shard and p.payment_intent_id = x.id
  where p.version = x.version
    and p.captured + x.d_captured + p.capture_pending + x.d_capture_pending <= p.authorized + x.d_authorized
    and p.refunded + x.d_refunded + p.refund_pending + x.d_refund_pending <= p.captured + x.d_captured
  order by p.shard, p.payment_intent_id for update of p),
k as (
  insert into idempotency_keys (
    shard, scope, key, fingerprint, operation_id, lease_until, response_status, response_body, created_at)
  select xk.shard, scope, key, fingerprint, op_id, lease_until, response_status, response, l.at
  from xk join l on l.i = xk.i
  left join lateral (
    select true as kept from idempotency_keys e
    where e.shard = xk.shard and e.scope = xk.scope and e.key = xk.key limit 1
  ) stored on not must_be_new
  where must_be_new or kept
  order by xk.shard, scope, key
  on conflict (shard, scope, key) do update
  set response_status = excluded.response_status, response_body = excluded.response_body,
    lease_until = excluded.lease_until
  where idempotency_keys.operation_id = excluded.operation_id and idempotency_keys.response_status is null
  returning scope, key),
refused as (
  select i from xk where must_be_new and (scope, key) not in (select scope, key from k)),
h as (
  update payment_intents p set version = p.version + l.events, status = l.status, hash = l.hash, updated_at = l.at,
    authorized = p.authorized + l.d_authorized, capture_pending = p.capture_pending + l.d_capture_pending,
    captured = p.captured + l.d_captured, refund_pending = p.refund_pending + l.d_refund_pending,
    refunded = p.refunded + l.d_refunded, disputed = p.disputed + l.d_disputed, expires_at = l.expires_at
  from l
  where p.shard = l.shard and p.payment_intent_id = l.id and l.i not in (select i from refused)
  returning l.i, l.id, l.shard, l.at),
go as (
  select h.id, h.shard, h.at, v.*, row_number() over (partition by h.shard order by v.i, v.version) as place
  from unnest(${EVENT.arrays(AT_EVENT)}) as v (${EVENT.names})
  join h on h.i = v.i),
o as (
  insert into payment_operations (shard, ${OPERATION.names})
  select h.shard, v.*
  from unnest(${OPERATION.arrays(AT_OPERATION)}) as v (${OPERATION.names})
  join h on h.id = v.payment_intent_id order by h.shard, v.op_id
  on conflict (shard, op_id) do update
  set status = excluded.status, settled = excluded.settled, reference = excluded.reference,
    attempts = excluded.attempts, next_check_at = excluded.next_check_at
  returning op_id),
due as (select shard, count(*) as events from go group by shard),
heads as materialized (
  select h.shard from log_head h
  where h.log = 'payments' and h.shard in (select shard from due) and (select count(*) from o) >= 0
  order by h.shard for update),
head as (
  update log_head h set last_event_id = h.last_event_id + d.events
  from due d join heads l on l.shard = d.shard
  where h.log = 'payments' and h.shard = d.shard
  returning h.shard, h.last_event_id - d.events as base),
e as (
  insert into payment_events (shard, event_id, payment_intent_id, version, event_type, schema_version, timestamp,
    payload, op_id, actor, prev_hash, hash)
  select g.shard, head.base + g.place, g.id, g.version, g.event_type, g.schema_version, g.at, g.payload, g.op_id,
    g.actor, g.prev_hash, g.hash
  from go g join head on head.shard = g.shard
  returning payment_intent_id)
select id, id in (select payment_intent_id from e) as appended from l`

/** The row of its key that an append takes or changes; none when it has no key. */
function keyRows({ key: change }: PaymentAppend, i: number): KeyRow[] {
  if (change === undefined) return []
  const { kind, key } = change
  if (kind === 'take') {
    const { opId, leaseUntilMs, answer } = change
    return [{ i, mustBeNew: true, key, fingerprint: change.key.fingerprint, opId, leaseUntilMs, answer }]
  }
  // The fingerprint is only there to fill the column: such a row never comes to be inserted while its key is kept.
  const fingerprint = new Uint8Array()
  const answer = kind === 'finish' ? change.answer : undefined
  return [{ i, mustBeNew: false, key, fingerprint, opId: change.key.opId, leaseUntilMs: undefined, answer }]
}

export function appendParams(items: readonly PaymentAppend[]): SqlParam[] {
  return [
    ...REQUEST.params(items),
    ...KEY.params(items.flatMap((item, index) => keyRows(item, index + 1))),
    ...EVENT.params(items.flatMap(({ events }, index) => events.map((event) => ({ ...event, i: index + 1 })))),
    ...OPERATION.params(items.flatMap(({ operations }) => operations)),
  ]
}
