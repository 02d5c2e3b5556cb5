import type { NewPayment } from '../../payments/ports/store.ts'
import type { SqlParam } from '../sql/sql.ts'
import { columns } from './columns.ts'

const INTENT = columns<NewPayment>([
  ['shard', 'smallint', ({ shard }) => shard],
  ['payment_intent_id', 'text', ({ paymentIntentId }) => paymentIntentId],
  ['currency', 'text', ({ state }) => state.currency],
  ['amount', 'bigint', ({ state }) => state.amount],
  ['customer_id', 'text', ({ state }) => state.customerId],
  ['order_id', 'text', ({ state }) => state.orderId],
  ['hash', 'bytea', ({ event }) => event.hash],
])

const REQUEST = columns<NewPayment>([
  ['at', 'timestamptz', ({ event }) => new Date(event.event.timestampMs)],
  ['payload', 'jsonb', ({ event }) => event.event.payload],
  ['schema_version', 'smallint', ({ event }) => event.schemaVersion],
  ['actor', 'text', ({ event }) => event.actor],
  ['prev_hash', 'bytea', ({ event }) => event.prevHash],
  ['key_shard', 'smallint', ({ key }) => key?.shard],
  ['scope', 'text', ({ key }) => key?.scope],
  ['key', 'text', ({ key }) => key?.key],
  ['fingerprint', 'bytea', ({ key }) => key?.fingerprint],
  ['response_status', 'smallint', ({ key, answer }) => key && answer.status],
  ['response', 'json', ({ key, answer }) => key && answer.body],
])

const AT_REQUEST = INTENT.next(1)

/**
 * One batch of new payments, of all shards together. Locks are taken in one order by every statement that writes
 * payments: heads of payments, keys, heads of the log, each in the order of its own key. A head of the log is locked as
 * late as the flow of data allows, for its lock makes the order of commits the order of the numbers.
 */
export const CREATE = `
with x as (
  select * from unnest(${INTENT.arrays(1)}, ${REQUEST.arrays(AT_REQUEST)})
  with ordinality as t (${INTENT.names}, ${REQUEST.names}, i)),
keyed as (
  insert into idempotency_keys (shard, scope, key, fingerprint, response_status, response_body, created_at)
  select key_shard, scope, key, fingerprint, response_status, response, at from x
  where key is not null order by key_shard, scope, key
  on conflict do nothing returning scope, key),
created as (
  insert into payment_intents (${INTENT.names}, version, status, authorized, capture_pending, captured,
    refund_pending, refunded, disputed, created_at, updated_at)
  select ${INTENT.names}, 1, 'initiated', 0, 0, 0, 0, 0, 0, at, at
  from x where key is null or (scope, key) in (select scope, key from keyed)
  order by shard, payment_intent_id
  on conflict do nothing returning payment_intent_id),
go as (
  select *, row_number() over (partition by shard order by i) as place
  from x where payment_intent_id in (select payment_intent_id from created)),
due as (select shard, count(*) as events from go group by shard),
heads as materialized (
  select h.shard from log_head h where h.log = 'payments' and h.shard in (select shard from due)
  order by h.shard for update),
head as (
  update log_head h set last_event_id = h.last_event_id + d.events
  from due d join heads l on l.shard = d.shard
  where h.log = 'payments' and h.shard = d.shard
  returning h.shard, h.last_event_id - d.events as base)
insert into payment_events (shard, event_id, payment_intent_id, version, event_type, schema_version, timestamp, payload,
  actor, prev_hash, hash)
select g.shard, head.base + g.place, g.payment_intent_id, 1, 'INITIATED', g.schema_version, g.at, g.payload, g.actor,
  g.prev_hash, g.hash
from go g join head on head.shard = g.shard
returning payment_intent_id as id`

export function createParams(items: readonly NewPayment[]): SqlParam[] {
  return [...INTENT.params(items), ...REQUEST.params(items)]
}
