import type { InboxMessage, InboxState, ListedMessage, WebhookInbox } from '../../payments/ports/inbox.ts'
import type { SqlClient } from '../sql/sql.ts'

const STORE = `
insert into webhook_inbox (processor, event_id, event_type, subject, body, received_at, attempts, next_attempt_at)
values ($1, $2, $3, $4, $5, $6, 0, $6) on conflict do nothing returning event_id`

const CLAIM = `
with due as (
  select processor, event_id from webhook_inbox where next_attempt_at <= $1 order by next_attempt_at limit $3),
locked as (
  select w.processor, w.event_id from webhook_inbox w join due d on w.processor = d.processor and w.event_id = d.event_id
  where w.next_attempt_at <= $1 order by w.processor, w.event_id for update of w)
update webhook_inbox w set next_attempt_at = $2 from locked l
where w.processor = l.processor and w.event_id = l.event_id
returning w.processor, w.event_id, w.event_type, w.subject, w.attempts, w.received_at`

const STATES: Readonly<Record<InboxState, string>> = {
  waiting: 'next_attempt_at is not null',
  applied: 'next_attempt_at is null and applied_at is not null',
  failed: 'next_attempt_at is null and applied_at is null',
}
const stateSql = (state: InboxState | undefined) => (state === undefined ? 'true' : STATES[state])

const listSql = (state: InboxState | undefined) => `
select processor, event_id, event_type, attempts, received_at, next_attempt_at, applied_at, last_error from webhook_inbox
where ($1::text is null or processor = $1) and (received_at, processor, event_id) > ($2, $3, $4) and ${stateSql(state)}
order by received_at, processor, event_id limit $5`

const replaySql = (state: InboxState | undefined) => `
update webhook_inbox set attempts = 0, next_attempt_at = $3, applied_at = null, last_error = null
where processor = $1 and ($2::text[] is null or event_id = any($2)) and ${stateSql(state)}
returning event_id`

const APPLIED = `
with locked as (
  select w.processor, w.event_id from webhook_inbox w
  join unnest($1::text[], $2::text[]) a (processor, event_id) on w.processor = a.processor and w.event_id = a.event_id
  order by w.processor, w.event_id for update of w)
update webhook_inbox w set applied_at = $3, next_attempt_at = null, last_error = null
from locked l where w.processor = l.processor and w.event_id = l.event_id`

const POSTPONE = `
update webhook_inbox set attempts = attempts + 1, last_error = $3, next_attempt_at = $4
where processor = $1 and event_id = $2 and applied_at is null`

const FORGET_BODIES = `
update webhook_inbox set body = null where (processor, event_id) in (
  select processor, event_id from webhook_inbox where received_at < $1 and body is not null and next_attempt_at is null
  order by processor, event_id limit $2 for update)
returning event_id`

interface InboxRow {
  processor: string
  event_id: string
  event_type: string
  subject: Record<string, unknown> | null
  attempts: number
  received_at: Date
}

type ListedRow = Omit<InboxRow, 'subject'> & {
  next_attempt_at: Date | null
  applied_at: Date | null
  last_error: string | null
}

function toListed(row: ListedRow): ListedMessage {
  const settled = row.applied_at === null ? 'failed' : 'applied'
  return {
    processor: row.processor,
    eventId: row.event_id,
    type: row.event_type,
    attempts: row.attempts,
    state: row.next_attempt_at === null ? settled : 'waiting',
    receivedAtMs: row.received_at.getTime(),
    appliedAtMs: row.applied_at?.getTime(),
    lastError: row.last_error ?? undefined,
  }
}

function toMessage(row: InboxRow): InboxMessage {
  return {
    processor: row.processor,
    eventId: row.event_id,
    type: row.event_type,
    subject: row.subject ?? undefined,
    attempts: row.attempts,
  }
}

export function openWebhookInbox(sql: SqlClient): WebhookInbox {
  return {
    async store({ processor, eventId, type, subject }, body, nowMs) {
      return (await sql.query(STORE, [processor, eventId, type, subject, body, new Date(nowMs)])).length === 1
    },
    async claim(nowMs, leaseUntilMs, limit) {
      const rows = await sql.query<InboxRow>(CLAIM, [new Date(nowMs), new Date(leaseUntilMs), limit])
      return rows.sort((a, b) => a.received_at.getTime() - b.received_at.getTime()).map(toMessage)
    },
    async applied(messages, nowMs) {
      const [processors, ids] = [messages.map((one) => one.processor), messages.map((one) => one.eventId)]
      await sql.query(APPLIED, [processors, ids, new Date(nowMs)])
    },
    async postpone(processor, eventId, reason, nextAttemptAtMs) {
      await sql.query(POSTPONE, [
        processor,
        eventId,
        reason,
        nextAttemptAtMs === undefined ? null : new Date(nextAttemptAtMs),
      ])
    },
    async forgetBodies(beforeMs, limit) {
      return (await sql.query(FORGET_BODIES, [new Date(beforeMs), limit])).length
    },
    async list({ processor, state }, after, limit) {
      const from = [new Date(after?.receivedAtMs ?? 0), after?.processor ?? '', after?.eventId ?? '']
      const rows = await sql.query<ListedRow>(listSql(state), [processor ?? null, ...from, limit])
      return rows.map(toListed)
    },
    async replay({ processor, eventIds, state }, nowMs) {
      const ids = eventIds === undefined ? null : [...eventIds]
      return (await sql.query(replaySql(state), [processor, ids, new Date(nowMs)])).length
    },
  }
}
