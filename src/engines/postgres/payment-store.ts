import type { Clock } from '../../core/clock.ts'
import { shardOfPrefixedId } from '../../core/ids.ts'
import { LIMITS } from '../../core/limits.ts'
import { commandOf } from '../../payments/model/state.ts'
import type { PaymentStore } from '../../payments/ports/store.ts'
import { readKey } from '../sql/idempotency.ts'
import type { SqlClient } from '../sql/sql.ts'
import { createPaymentAppender } from './payment-append.ts'
import {
  EVENT_COLUMNS,
  type EventRow,
  OPERATION_COLUMNS,
  type OperationSqlRow,
  toOperation,
  toStoredEvent,
} from './payment-rows.ts'
import { loadPayment } from './payment-snapshots.ts'

const EVENTS = `
select ${EVENT_COLUMNS} from payment_events
where shard = $1 and payment_intent_id = $2 and version > $3 order by version limit $4`

const EVENTS_OF_OPERATION = `
select ${EVENT_COLUMNS} from payment_events
where shard = $1 and payment_intent_id = $2 and version > $3 and op_id = $5 order by version limit $4`

const TAKE_OVER_KEY = `
update idempotency_keys set lease_until = $5
where shard = $1 and scope = $2 and key = $3 and response_status is null and (lease_until is null or lease_until <= $4)
returning key`

const OPERATION = `select ${OPERATION_COLUMNS} from payment_operations where shard = $1 and op_id = $2`

// Locked in key order; whoever comes second waits, finds the time moved on and gets nothing.
const CLAIM = `
with due as (
  select shard, op_id from payment_operations where next_check_at <= $1 order by next_check_at limit $3),
locked as (
  select o.shard, o.op_id from payment_operations o join due d on o.shard = d.shard and o.op_id = d.op_id
  where o.next_check_at <= $1 order by o.shard, o.op_id for update of o)
update payment_operations o set next_check_at = $2 from locked l
where o.shard = l.shard and o.op_id = l.op_id
returning ${OPERATION_COLUMNS.replaceAll(/(\w+)/g, 'o.$1')}`

const CLAIM_ONE = `
update payment_operations set next_check_at = $4 where shard = $1 and op_id = $2 and next_check_at <= $3 returning op_id`

const POSTPONE = `
update payment_operations set attempts = $3, next_check_at = $4
where shard = $1 and op_id = $2 and status not in ('succeeded', 'failed')`

const OPEN = `
select status, count(*)::int as count from payment_operations where status not in ('succeeded', 'failed') group by status`

const WITH_STATUS = `
select ${OPERATION_COLUMNS} from payment_operations where status = $1 and op_id > $2 order by op_id limit $3`

const OF_PAYMENT = `
select ${OPERATION_COLUMNS} from payment_operations
where shard = $1 and payment_intent_id = $2 and ($3::text is null or status = $3) and op_id > $4
order by op_id limit $5`

const CLAIM_EXPIRED = `
with due as (
  select shard, payment_intent_id from payment_intents where expires_at <= $1 order by expires_at limit $3),
locked as (
  select p.shard, p.payment_intent_id from payment_intents p
  join due d on p.shard = d.shard and p.payment_intent_id = d.payment_intent_id
  where p.expires_at <= $1 order by p.shard, p.payment_intent_id for update of p)
update payment_intents p set expires_at = $2 from locked l
where p.shard = l.shard and p.payment_intent_id = l.payment_intent_id
returning p.payment_intent_id`

/** The shard of an operation is that of its payment; what follows from one by itself has its id and a suffix. */
function shardOfOperation(opId: string): number {
  return shardOfPrefixedId('op', commandOf(opId)) ?? -1
}

export function openPaymentStore(sql: SqlClient, clock: Clock, shards: number): PaymentStore {
  const appender = createPaymentAppender(sql, clock)
  return {
    shards,
    async create(payment) {
      const outcome = await appender.create(payment)
      return outcome === 'appended' ? outcome : 'key_taken'
    },
    append: (append) => appender.append(append),
    async events(paymentIntentId, afterVersion, limit = LIMITS.paymentEventsMax, opId) {
      const shard = shardOfPrefixedId('pi', paymentIntentId)
      if (shard === undefined) return []
      const params = [shard, paymentIntentId, afterVersion, limit]
      const rows =
        opId === undefined
          ? await sql.query<EventRow>(EVENTS, params)
          : await sql.query<EventRow>(EVENTS_OF_OPERATION, [...params, opId])
      return rows.map(toStoredEvent)
    },
    async load(paymentIntentId, until) {
      const shard = shardOfPrefixedId('pi', paymentIntentId)
      if (shard === undefined) return { snapshot: undefined, events: [] }
      return loadPayment(sql, shard, paymentIntentId, until)
    },
    readKey: (key) => readKey(sql, key.shard, key),
    async takeOverKey(key, nowMs, leaseUntilMs) {
      const params = [key.shard, key.scope, key.key, new Date(nowMs), new Date(leaseUntilMs)]
      return (await sql.query(TAKE_OVER_KEY, params)).length === 1
    },
    async operation(opId) {
      const [row] = await sql.query<OperationSqlRow>(OPERATION, [shardOfOperation(opId), opId])
      return row === undefined ? undefined : toOperation(row)
    },
    async claimOperations(nowMs, leaseUntilMs, limit) {
      const rows = await sql.query<OperationSqlRow>(CLAIM, [new Date(nowMs), new Date(leaseUntilMs), limit])
      return rows.map(toOperation).sort((a, b) => a.requestedAtMs - b.requestedAtMs)
    },
    async claimOperation(opId, nowMs, leaseUntilMs) {
      const params = [shardOfOperation(opId), opId, new Date(nowMs), new Date(leaseUntilMs)]
      return (await sql.query(CLAIM_ONE, params)).length === 1
    },
    async postpone(opId, attempts, nextCheckAtMs) {
      await sql.query(POSTPONE, [shardOfOperation(opId), opId, attempts, new Date(nextCheckAtMs)])
    },
    async openOperations() {
      const rows = await sql.query<{ status: string; count: number }>(OPEN)
      return Object.fromEntries(rows.map((row) => [row.status, row.count]))
    },
    async findOperations({ status, paymentIntentId }, limit, afterOpId = '') {
      if (paymentIntentId === undefined)
        return (await sql.query<OperationSqlRow>(WITH_STATUS, [status, afterOpId, limit])).map(toOperation)
      const shard = shardOfPrefixedId('pi', paymentIntentId)
      if (shard === undefined) return []
      const params = [shard, paymentIntentId, status, afterOpId, limit]
      return (await sql.query<OperationSqlRow>(OF_PAYMENT, params)).map(toOperation)
    },
    async claimExpired(nowMs, leaseUntilMs, limit) {
      const rows = await sql.query<{ payment_intent_id: string }>(CLAIM_EXPIRED, [
        new Date(nowMs),
        new Date(leaseUntilMs),
        limit,
      ])
      return rows.map((row) => row.payment_intent_id)
    },
  }
}
