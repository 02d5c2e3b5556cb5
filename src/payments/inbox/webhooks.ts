import { findCardNumber } from '../../core/card-number.ts'
import type { Clock } from '../../core/clock.ts'
import { cursorTimeMs, decodeCursor, type Page, type PageRequest, pageLimit, pageOf } from '../../core/cursor.ts'
import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { validator } from '../../core/schema.ts'
import type { InboxKey, ListedMessage, WebhookInbox } from '../ports/inbox.ts'
import type { PersonalData } from '../privacy/personal-data.ts'
import { type Processors, processorNamed } from '../processing/operations.ts'
import { subjectToJson } from '../processing/outcome-json.ts'
import type { WebhookRequest } from '../processing/processor.ts'
import { type InboxDocument, InboxQuery, type InboxReplayed, ReplayInbox, type WebhookReceipt } from './schemas.ts'

/**
 * Webhooks are hints from outside, late, repeated and out of order: each is checked, stored once, and only then
 * applied. What can't be applied yet waits, and is tried again.
 */
export interface Webhooks {
  /**
   * Takes a message of a processor in: `invalid_signature` and nothing stored, or stored for good. A message received
   * before is stored no second time. `processor_not_found`, `card_number_refused`.
   */
  receiveWebhook(processor: string, request: WebhookRequest): Promise<WebhookReceipt>
  /**
   * Messages in the order in which they came, of one processor or in one state if that is asked for. `invalid_input`,
   * `invalid_cursor`.
   */
  inbox(query?: InboxQuery, page?: PageRequest): Promise<Page<InboxDocument>>
  /**
   * Has messages applied again, also those that were applied or given up on. It does no harm: what they tell is known, or
   * asked of the processor if it contradicts what is known. `invalid_input`, `processor_not_found`.
   */
  replayInbox(input: ReplayInbox): Promise<InboxReplayed>
  /**
   * Forgets the text of up to `limit` messages that came more than {@link LIMITS.webhookBodyDays} days ago and do not
   * wait any more; what they told us stays. Answers how many.
   */
  forgetBodies(limit: number): Promise<number>
}

export interface WebhookDeps {
  readonly inbox: WebhookInbox
  readonly processors: Processors
  readonly personalData: PersonalData
  readonly clock: Clock
  /** A hint that a message waits. */
  readonly onStored: () => void
}

const checkQuery = validator(InboxQuery)
const checkReplay = validator(ReplayInbox)

function toDocument(message: ListedMessage): InboxDocument {
  const { processor, eventId, type, state, attempts, receivedAtMs, appliedAtMs, lastError } = message
  return {
    ...{ processor, event_id: eventId, event_type: type, state, attempts },
    received_at: new Date(receivedAtMs).toISOString(),
    applied_at: appliedAtMs === undefined ? null : new Date(appliedAtMs).toISOString(),
    last_error: lastError ?? null,
  }
}

export function createWebhooks(deps: WebhookDeps): Webhooks {
  const { inbox, processors, personalData, clock } = deps

  return {
    async receiveWebhook(name, request) {
      const processor = processorNamed(processors, name)
      const { eventId, type, about } = processor.verifyWebhook(request)
      const body = Buffer.from(request.body).toString('utf8')
      if (holdsCard(body)) throw new AppError('card_number_refused', 'The webhook holds a card number')
      const subject = about === undefined ? undefined : subjectToJson(about)
      const nowMs = clock.now()
      // Processors send names and addresses along: nobody can tell whose, so the messages of a day share a key.
      const day = `webhooks:${new Date(nowMs).toISOString().slice(0, 10)}`
      const sealed = await personalData.seal(day, `${name}:${eventId}`, { body })
      const isNew = await inbox.store({ processor: name, eventId, type, subject }, JSON.stringify(sealed), nowMs)
      if (isNew) deps.onStored()
      return { received: true, duplicate: !isNew }
    },
    forgetBodies: (limit) => inbox.forgetBodies(clock.now() - LIMITS.webhookBodyDays * 86_400_000, limit),
    async inbox(raw = {}, page = {}) {
      const { processor, state } = checkQuery(raw)
      const limit = pageLimit(page.limit)
      const list = `webhook-inbox:${processor ?? ''}:${state ?? ''}`
      const [receivedAt, ...at] = decodeCursor(list, 3, page.cursor) ?? []
      const after: InboxKey | undefined =
        receivedAt === undefined
          ? undefined
          : { receivedAtMs: cursorTimeMs(receivedAt), processor: at[0] ?? '', eventId: at[1] ?? '' }
      const rows = await inbox.list({ processor, state }, after, limit + 1)
      const keyOf = (row: ListedMessage) => [String(row.receivedAtMs), row.processor, row.eventId]
      return pageOf(list, rows, limit, keyOf, toDocument)
    },
    async replayInbox(raw) {
      const { processor, event_ids: eventIds, state } = checkReplay(raw)
      processorNamed(processors, processor)
      const replayed = await inbox.replay({ processor, eventIds, state }, clock.now())
      if (replayed > 0) deps.onStored()
      return { replayed }
    },
  }
}

/** Also one that JSON hides behind escapes. */
function holdsCard(body: string): boolean {
  if (findCardNumber(body) !== undefined) return true
  try {
    return findCardNumber(JSON.parse(body)) !== undefined
  } catch {
    return false
  }
}
