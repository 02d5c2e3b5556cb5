import { LIMITS } from '../../core/limits.ts'
import type { ClaimedDelivery, DisabledReason, Outcome, WebhookStore } from '../../webhooks/ports.ts'
import type { SqlClient } from '../sql/sql.ts'

// Sorted, so that two that make the same deliveries wait for each other instead of deadlocking.
const ENQUEUE = `
insert into webhook_deliveries (endpoint_id, message_id, event_type, body, status, next_attempt_at, created_at)
select t.endpoint_id, m.message_id, m.event_type, m.body, 'waiting', $6::timestamptz, $6::timestamptz
from unnest($1::text[], $2::int[]) as t (endpoint_id, message)
join unnest($3::text[], $4::text[], $5::text[]) with ordinality as m (message_id, event_type, body, number)
  on m.number = t.message + 1
join webhook_endpoints e on e.endpoint_id = t.endpoint_id and e.active
order by m.number, t.endpoint_id
on conflict (endpoint_id, message_id) do nothing returning delivery_id`

/**
 * A look into the index per endpoint, each for as many as it has places. Rows are found by delivery_id alone, and through
 * an array: then the planner has no choice but the primary key. Without `skip locked` claimers wait for each other and
 * then pass over what the other has claimed: slower, as correct.
 */
const claimStatement = (skipLocked: boolean) => `
with due as (
  select d.delivery_id, e.endpoint_id, e.url, e.version, e.secret, e.old_secret, e.old_secret_until
  from (select * from webhook_endpoints where active order by endpoint_id) e
  left join unnest($1::text[], $2::int[]) as b (endpoint_id, sends) on b.endpoint_id = e.endpoint_id
  cross join lateral (
    select w.delivery_id from webhook_deliveries w
    where w.endpoint_id = e.endpoint_id and w.status = 'waiting' and w.next_attempt_at <= $3
    order by w.next_attempt_at, w.delivery_id limit greatest(0, $5 - coalesce(b.sends, 0))
    for update${skipLocked ? ' skip locked' : ''}) d)
update webhook_deliveries w set next_attempt_at = $4, claimed = true, claims = w.claims + 1
from due
where w.delivery_id = any(array(select delivery_id from due)) and due.delivery_id = w.delivery_id
returning w.delivery_id, w.message_id, w.event_type, w.body, w.claims, w.tries, w.attempt_count, due.endpoint_id, due.url,
  due.version, due.secret, due.old_secret, due.old_secret_until`

// The claim is the holder's proof: who claims the delivery next raises it. What was stopped meanwhile and yet arrived, arrived.
const RECORD = `
with held as (
  select o.* from unnest($1::bigint[], $2::int[], $3::text[], $4::int[], $5::timestamptz[], $6::jsonb[])
    as o (delivery_id, claims, status, tries, next_attempt_at, attempt)
  join webhook_deliveries d on d.delivery_id = o.delivery_id and d.claims = o.claims and d.claimed
  order by o.delivery_id for update of d)
update webhook_deliveries d set claimed = false, attempt_count = d.attempt_count + 1,
  attempts = case when jsonb_array_length(d.attempts) >= $7 then d.attempts - 0 else d.attempts end || held.attempt,
  tries = held.tries,
  status = case when d.status = 'stopped' and held.status <> 'delivered' then d.status else held.status end,
  next_attempt_at = case when d.status = 'stopped' then null else held.next_attempt_at end
from held where d.delivery_id = held.delivery_id`

/** Touches an endpoint only when something changes: with a success after failures, the first failure, and the end. */
const JUDGE = `
with news as (
  select t.*, case
      when t.gone_version = e.version then 'gone'
      when not t.succeeded and e.failing_since < $5::timestamptz then 'failing'
    end as reason
  from unnest($1::text[], $2::boolean[], $3::int[]) as t (endpoint_id, succeeded, gone_version)
  join webhook_endpoints e on e.endpoint_id = t.endpoint_id and e.active
  where t.gone_version = e.version or t.succeeded <> (e.failing_since is null)
    or (not t.succeeded and e.failing_since < $5::timestamptz)
  order by t.endpoint_id for update of e)
update webhook_endpoints e set
  failing_since = case when news.succeeded then null else coalesce(e.failing_since, $4::timestamptz) end,
  active = news.reason is null, disabled_reason = news.reason,
  disabled_at = case when news.reason is null then null else $4::timestamptz end,
  version = e.version + case when news.reason is null then 0 else 1 end,
  updated_at = case when news.reason is null then e.updated_at else $4::timestamptz end
from news
where e.endpoint_id = news.endpoint_id
returning e.endpoint_id, e.disabled_reason`

const STOP = `
with stopped as (
  select d.delivery_id from webhook_endpoints e
  join webhook_deliveries d on d.endpoint_id = e.endpoint_id and d.status = 'waiting'
  where not e.active and ($2::text is null or e.endpoint_id = $2)
  order by d.delivery_id limit $1 for update of d)
update webhook_deliveries set status = 'stopped', next_attempt_at = null
where delivery_id = any(array(select delivery_id from stopped)) returning delivery_id`

interface ClaimedRow {
  delivery_id: bigint
  message_id: string
  event_type: string
  body: string
  claims: number
  tries: number
  attempt_count: number
  endpoint_id: string
  url: string
  version: number
  secret: Uint8Array
  old_secret: Uint8Array | null
  old_secret_until: Date | null
}

function toClaimed(row: ClaimedRow): ClaimedDelivery {
  return {
    deliveryId: row.delivery_id,
    claim: row.claims,
    messageId: row.message_id,
    eventType: row.event_type,
    body: row.body,
    tries: row.tries,
    attemptCount: row.attempt_count,
    endpointId: row.endpoint_id,
    endpointVersion: row.version,
    url: row.url,
    secret: row.secret,
    oldSecret: row.old_secret ?? undefined,
    oldSecretUntilMs: row.old_secret_until?.getTime(),
  }
}

interface News {
  succeeded: boolean
  goneVersion: number | null
}

/** What the outcomes of a batch say about each endpoint, sorted by id. */
function newsOf(outcomes: readonly Outcome[]): [endpointId: string, News][] {
  const news = new Map<string, News>()
  for (const { endpointId, status, gone, endpointVersion } of outcomes) {
    const known = news.get(endpointId) ?? { succeeded: false, goneVersion: null }
    if (status === 'delivered') known.succeeded = true
    if (gone) known.goneVersion = Math.max(known.goneVersion ?? 0, endpointVersion)
    news.set(endpointId, known)
  }
  return [...news].sort(([a], [b]) => (a < b ? -1 : 1))
}

type SendingStore = Pick<WebhookStore, 'enqueue' | 'claim' | 'record' | 'stopWaiting'>

export function openWebhookSending(sql: SqlClient): SendingStore {
  const claim = claimStatement(sql.profile.skipLocked)
  return {
    async enqueue(messages, targets, nowMs) {
      const rows = await sql.query(ENQUEUE, [
        targets.map(({ endpointId }) => endpointId),
        targets.map(({ message }) => message),
        messages.map(({ messageId }) => messageId),
        messages.map(({ eventType }) => eventType),
        messages.map(({ body }) => body),
        new Date(nowMs),
      ])
      return rows.length
    },
    async claim(nowMs, leaseUntilMs, perEndpoint, busy) {
      const rows = await sql.query<ClaimedRow>(claim, [
        [...busy.keys()],
        [...busy.values()],
        new Date(nowMs),
        new Date(leaseUntilMs),
        perEndpoint,
      ])
      return rows.map(toClaimed)
    },
    record(outcomes, nowMs, failingBeforeMs) {
      const column = <T>(pick: (outcome: Outcome) => T) => outcomes.map(pick)
      const news = newsOf(outcomes)
      return sql.transaction(async (tx) => {
        await tx.query(RECORD, [
          column((o) => o.deliveryId),
          column((o) => o.claim),
          column((o) => o.status),
          column((o) => o.tries),
          column((o) => (o.nextAttemptAtMs === undefined ? undefined : new Date(o.nextAttemptAtMs))),
          column((o) => o.attempt),
          LIMITS.webhookAttemptsKept,
        ])
        const disabled = await tx.query<{ endpoint_id: string; disabled_reason: DisabledReason | null }>(JUDGE, [
          news.map(([endpointId]) => endpointId),
          news.map(([, { succeeded }]) => succeeded),
          news.map(([, { goneVersion }]) => goneVersion),
          new Date(nowMs),
          new Date(failingBeforeMs),
        ])
        return disabled.flatMap(({ endpoint_id: endpointId, disabled_reason: reason }) =>
          reason === null ? [] : [{ endpointId, reason }],
        )
      })
    },
    async stopWaiting(limit, endpointId) {
      return (await sql.query(STOP, [limit, endpointId])).length
    },
  }
}
