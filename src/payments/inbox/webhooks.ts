import { findCardNumber } from '../../core/card-number.ts'
import type { Clock } from '../../core/clock.ts'
import { AppError, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/logger.ts'
import type { PaymentWriter } from '../commands/writer.ts'
import type { InboxMessage, WebhookInbox } from '../ports/inbox.ts'
import type { PaymentStore } from '../ports/store.ts'
import { type OperationRunner, type Processors, processorNamed } from '../processing/operations.ts'
import { subjectFromJson, subjectToJson } from '../processing/outcome-json.ts'
import type { WebhookRequest, WebhookSubject } from '../processing/processor.ts'
import type { WebhookReceipt } from '../schemas.ts'

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
}

export interface WebhookDeps {
  readonly store: PaymentStore
  readonly inbox: WebhookInbox
  readonly writer: PaymentWriter
  readonly operations: OperationRunner
  readonly processors: Processors
  readonly clock: Clock
  readonly logger: Logger
  /** A hint that a message waits. */
  readonly onStored: () => void
}

const LEASE_MS = 30_000
const APPLY_BATCH = 50
/** Waits between tries to apply a message; after the last it stays in the inbox for a person to see. */
const RETRY_MS = [1_000, 5_000, 30_000, 300_000, 3_600_000, 21_600_000, 86_400_000]

export function createWebhooks(deps: WebhookDeps): Webhooks & { applyDue(): Promise<number> } {
  const { store, inbox, writer, operations, processors, clock, logger } = deps

  async function applySubject(subject: WebhookSubject, actor: string): Promise<void> {
    if (subject.kind === 'operation') {
      const row = await store.operation(subject.key)
      if (row === undefined) throw new Error(`operation ${subject.key} is not known (yet)`)
      await operations.record(row, subject.outcome, actor)
      return
    }
    const { fact } = subject
    const type = fact.status === 'open' ? 'OpenDispute' : 'CloseDispute'
    await writer.change({ paymentIntentId: fact.paymentIntentId, command: { type, fact }, actor })
  }

  async function apply(message: InboxMessage): Promise<void> {
    const { processor, eventId, subject } = message
    try {
      if (subject !== undefined) await applySubject(subjectFromJson(subject), `webhook:${processor}`)
      await inbox.applied(processor, eventId, clock.now())
    } catch (error) {
      const waitMs = RETRY_MS[message.attempts]
      const reason = messageOf(error)
      await inbox.postpone(processor, eventId, reason, waitMs === undefined ? undefined : clock.now() + waitMs)
      if (waitMs === undefined)
        logger.error({ err: error, processor, event_id: eventId }, `webhook ${eventId} could not be applied: ${reason}`)
    }
  }

  return {
    async receiveWebhook(name, request) {
      const processor = processorNamed(processors, name)
      const { eventId, type, about } = processor.verifyWebhook(request)
      const body = Buffer.from(request.body).toString('utf8')
      if (findCardNumber(body) !== undefined)
        throw new AppError('card_number_refused', 'The webhook holds a card number')
      const subject = about === undefined ? undefined : subjectToJson(about)
      const isNew = await inbox.store({ processor: name, eventId, type, subject }, body, clock.now())
      if (isNew) deps.onStored()
      return { received: true, duplicate: !isNew }
    },
    async applyDue() {
      const nowMs = clock.now()
      const messages = await inbox.claim(nowMs, nowMs + LEASE_MS, APPLY_BATCH)
      for (const message of messages) await apply(message)
      return messages.length
    },
  }
}
