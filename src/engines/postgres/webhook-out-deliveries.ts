import type { Attempt, Delivery, DeliveryStatus, WebhookStore } from '../../webhooks/ports.ts'
import { onlyRow, type SqlClient } from '../sql/sql.ts'

const COLUMNS = `d.delivery_id, d.endpoint_id, d.message_id, d.event_type, d.status, d.next_attempt_at, d.attempt_count,
  d.attempts, d.created_at`

/** The status stands in the text, so that the planner can take the index of those that did not arrive. */
const listStatement = (condition: string) => `
select ${COLUMNS} from webhook_deliveries d
where d.endpoint_id = $1 ${condition}
  and ($2::timestamptz is null or (d.created_at, d.delivery_id) < ($2::timestamptz, $3::bigint))
order by d.created_at desc, d.delivery_id desc limit $4`
const LIST_ALL = listStatement('')
const LISTS: Readonly<Record<DeliveryStatus, string>> = {
  waiting: listStatement("and d.status = 'waiting'"),
  delivered: listStatement("and d.status = 'delivered'"),
  failed: listStatement("and d.status = 'failed'"),
  stopped: listStatement("and d.status = 'stopped'"),
}

// Deliveries of deleted endpoints are not found, as the endpoints.
const EXISTS = 'exists (select 1 from webhook_endpoints e where e.endpoint_id = d.endpoint_id and e.deleted_at is null)'
const BY_ID = `select ${COLUMNS} from webhook_deliveries d where d.delivery_id = $1 and ${EXISTS}`
const BY_MESSAGE = `
select ${COLUMNS} from webhook_deliveries d where d.endpoint_id = $1 and d.message_id = $2 and ${EXISTS}`

const ANEW = `status = 'waiting', tries = 0, next_attempt_at = $1, claimed = false`

const REPLAY = `
update webhook_deliveries set ${ANEW} where delivery_id = $2 and not (status = 'waiting' and claimed)`

const REPLAY_RANGE = `
with chosen as (
  select delivery_id, created_at from webhook_deliveries
  where endpoint_id = $2 and created_at >= $3 and ($4::timestamptz is null or created_at < $4) and status = any($5)
    and ($6::timestamptz is null or (created_at, delivery_id) > ($6::timestamptz, $7::bigint))
  order by created_at, delivery_id limit $8),
locked as (
  select d.delivery_id from webhook_deliveries d
  where d.delivery_id = any(array(select delivery_id from chosen)) and d.status = any($5)
  order by d.delivery_id for update),
anew as (
  update webhook_deliveries d set ${ANEW} where d.delivery_id = any(array(select delivery_id from locked))
  returning d.delivery_id)
select (select count(*)::int from anew) as replayed, (select count(*)::int from chosen) as chosen, c.created_at, c.delivery_id
from (select 1) as always
left join lateral (select created_at, delivery_id from chosen order by created_at desc, delivery_id desc limit 1) c on true`

const PRUNE_OLD = `
delete from webhook_deliveries where delivery_id = any(array(
  select delivery_id from webhook_deliveries where created_at < $1 limit $2))
returning delivery_id`
const PRUNE_DELETED = `
delete from webhook_deliveries where delivery_id = any(array(
  select d.delivery_id from webhook_endpoints e join webhook_deliveries d on d.endpoint_id = e.endpoint_id
  where e.deleted_at is not null limit $1))
returning delivery_id`
const FORGET = `
delete from webhook_endpoints e where e.deleted_at is not null
  and not exists (select 1 from webhook_deliveries d where d.endpoint_id = e.endpoint_id)`

// What is being sent is due at the end of its lease, so it does not make the others look late.
const BACKLOG = `
select count(*)::int as waiting, min(next_attempt_at) filter (where not claimed) as due_since from (
  select d.next_attempt_at, d.claimed from webhook_endpoints e
  join webhook_deliveries d on d.endpoint_id = e.endpoint_id and d.status = 'waiting'
  where e.active limit $1) as counted`

interface DeliveryRow {
  delivery_id: bigint
  endpoint_id: string
  message_id: string
  event_type: string
  status: DeliveryStatus
  next_attempt_at: Date | null
  attempt_count: number
  attempts: Attempt[]
  created_at: Date
}

function toDelivery(row: DeliveryRow): Delivery {
  return {
    deliveryId: row.delivery_id,
    endpointId: row.endpoint_id,
    messageId: row.message_id,
    eventType: row.event_type,
    status: row.status,
    nextAttemptAtMs: row.next_attempt_at?.getTime(),
    attemptCount: row.attempt_count,
    attempts: row.attempts.map(({ attemptedAtMs, durationMs, statusCode, error, response }) => ({
      ...{ attemptedAtMs, durationMs, statusCode, error, response },
    })),
    createdAtMs: row.created_at.getTime(),
  }
}

const dateOf = (ms: number | undefined) => (ms === undefined ? null : new Date(ms))

type DeliveryStore = Pick<WebhookStore, 'deliveries' | 'findDelivery' | 'replay' | 'replayRange' | 'prune' | 'backlog'>

export function openWebhookDeliveries(sql: SqlClient): DeliveryStore {
  return {
    async deliveries(endpointId, status, before, limit) {
      const statement = status === undefined ? LIST_ALL : LISTS[status]
      const params = [endpointId, dateOf(before?.createdAtMs), before?.deliveryId, limit]
      return (await sql.query<DeliveryRow>(statement, params)).map(toDelivery)
    },
    async findDelivery(by) {
      const [row] =
        'deliveryId' in by
          ? await sql.query<DeliveryRow>(BY_ID, [by.deliveryId])
          : await sql.query<DeliveryRow>(BY_MESSAGE, [by.endpointId, by.messageId])
      return row === undefined ? undefined : toDelivery(row)
    },
    async replay(deliveryId, nowMs) {
      await sql.query(REPLAY, [new Date(nowMs), deliveryId])
    },
    async replayRange(endpointId, { sinceMs, untilMs, statuses, after }, limit, nowMs) {
      const row = onlyRow(
        await sql.query<{ replayed: number; chosen: number; created_at: Date | null; delivery_id: bigint | null }>(
          REPLAY_RANGE,
          [
            new Date(nowMs),
            endpointId,
            new Date(sinceMs),
            dateOf(untilMs),
            statuses,
            dateOf(after?.createdAtMs),
            after?.deliveryId,
            limit,
          ],
        ),
      )
      const { replayed, chosen, created_at: createdAt, delivery_id: deliveryId } = row
      const isAll = chosen < limit || createdAt === null || deliveryId === null
      return { replayed, last: isAll ? undefined : { createdAtMs: createdAt.getTime(), deliveryId } }
    },
    async prune(beforeMs, limit) {
      const old = (await sql.query(PRUNE_OLD, [new Date(beforeMs), limit])).length
      const deleted = (await sql.query(PRUNE_DELETED, [limit])).length
      await sql.query(FORGET)
      return Math.max(old, deleted)
    },
    async backlog(max) {
      const row = onlyRow(await sql.query<{ waiting: number; due_since: Date | null }>(BACKLOG, [max]))
      return { waiting: row.waiting, dueSinceMs: row.due_since?.getTime() }
    },
  }
}
