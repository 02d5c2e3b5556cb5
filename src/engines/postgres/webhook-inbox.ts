import type { InboxMessage, WebhookInbox } from '../../payments/ports/ports.ts'
import type { SqlClient } from '../sql/sql.ts'

const STORE = `
insert into webhook_inbox (processor, event_id, event_type, op_id, outcome, body, received_at, attempts, next_attempt_at)
values ($1, $2, $3, $4, $5, $6, $7, 0, $7) on conflict do nothing returning event_id`

const CLAIM = `
with due as (
  select processor, event_id from webhook_inbox where next_attempt_at <= $1 order by next_attempt_at limit $3),
locked as (
  select w.processor, w.event_id from webhook_inbox w join due d on w.processor = d.processor and w.event_id = d.event_id
  where w.next_attempt_at <= $1 order by w.processor, w.event_id for update of w)
update webhook_inbox w set next_attempt_at = $2 from locked l
where w.processor = l.processor and w.event_id = l.event_id
returning w.processor, w.event_id, w.event_type, w.op_id, w.outcome, w.attempts, w.received_at`

const APPLIED = `
update webhook_inbox set applied_at = $3, next_attempt_at = null, last_error = null where processor = $1 and event_id = $2`

const POSTPONE = `
update webhook_inbox set attempts = attempts + 1, last_error = $3, next_attempt_at = $4
where processor = $1 and event_id = $2 and applied_at is null`

interface InboxRow {
  processor: string
  event_id: string
  event_type: string
  op_id: string | null
  outcome: Record<string, unknown> | null
  attempts: number
  received_at: Date
}

function toMessage(row: InboxRow): InboxMessage {
  return {
    processor: row.processor,
    eventId: row.event_id,
    type: row.event_type,
    key: row.op_id ?? undefined,
    outcome: row.outcome ?? undefined,
    attempts: row.attempts,
  }
}

export function openWebhookInbox(sql: SqlClient): WebhookInbox {
  return {
    async store({ processor, eventId, type, key, outcome }, body, nowMs) {
      return (await sql.query(STORE, [processor, eventId, type, key, outcome, body, new Date(nowMs)])).length === 1
    },
    async claim(nowMs, leaseUntilMs, limit) {
      const rows = await sql.query<InboxRow>(CLAIM, [new Date(nowMs), new Date(leaseUntilMs), limit])
      return rows.sort((a, b) => a.received_at.getTime() - b.received_at.getTime()).map(toMessage)
    },
    async applied(processor, eventId, nowMs) {
      await sql.query(APPLIED, [processor, eventId, new Date(nowMs)])
    },
    async postpone(processor, eventId, reason, nextAttemptAtMs) {
      await sql.query(POSTPONE, [
        processor,
        eventId,
        reason,
        nextAttemptAtMs === undefined ? null : new Date(nextAttemptAtMs),
      ])
    },
  }
}
