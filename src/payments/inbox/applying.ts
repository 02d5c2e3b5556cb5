import { maskCardNumbers } from '../../core/card-number.ts'
import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import type { PaymentWriter } from '../commands/writer.ts'
import type { InboxMessage, WebhookInbox } from '../ports/inbox.ts'
import type { OperationRow, PaymentStore } from '../ports/store.ts'
import { type OperationRunner, type Processors, processorNamed } from '../processing/operations.ts'
import { subjectFromJson } from '../processing/outcome-json.ts'
import type { DisputeFact, WebhookSubject } from '../processing/processor.ts'

export interface WebhookApplierDeps {
  readonly store: PaymentStore
  readonly inbox: WebhookInbox
  readonly writer: PaymentWriter
  readonly operations: OperationRunner
  readonly processors: Processors
  readonly clock: Clock
  readonly logger: Logger
}

/** Tells payments what has come into the inbox. */
export interface WebhookApplier {
  /** Applies messages that are due; answers how many it looked at. */
  applyDue(): Promise<number>
}

const LEASE_MS = 30_000
const APPLY_BATCH = 100
/** Waits between tries to apply a message; after the last it stays in the inbox for a person to see. */
const RETRY_MS = [1_000, 5_000, 30_000, 300_000, 3_600_000, 21_600_000, 86_400_000]

/** A message with what it is about. Those of one group are applied one after the other. */
interface Reading {
  readonly message: InboxMessage
  readonly subject: WebhookSubject | undefined
  readonly row: OperationRow | undefined
  readonly group: string
}

export function createWebhookApplier(deps: WebhookApplierDeps): WebhookApplier {
  const { store, inbox, writer, operations, processors, clock, logger } = deps

  /** A dispute with the payment that it is about; `undefined` when that is somebody else's. */
  async function disputeOf(
    subject: Exclude<WebhookSubject, { kind: 'operation' }>,
    name: string,
  ): Promise<DisputeFact | undefined> {
    if (subject.kind === 'dispute') return subject.fact
    const signal = AbortSignal.timeout(LIMITS.processorMsMax)
    const paymentIntentId = await processorNamed(processors, name).paymentOf?.(subject.authorization, signal)
    return paymentIntentId === undefined ? undefined : { ...subject.fact, paymentIntentId }
  }

  async function read(message: InboxMessage): Promise<Reading> {
    const subject = message.subject === undefined ? undefined : subjectFromJson(message.subject)
    const row = subject?.kind === 'operation' ? await store.operation(subject.key) : undefined
    const paymentIntentId = subject?.kind === 'dispute' ? subject.fact.paymentIntentId : row?.paymentIntentId
    const group = subject?.kind === 'dispute_of' ? subject.authorization : (paymentIntentId ?? message.eventId)
    return { message, subject, row, group }
  }

  async function applySubject({ subject, row }: Reading, processor: string): Promise<void> {
    if (subject === undefined) return
    const actor = `webhook:${processor}`
    if (subject.kind === 'operation') {
      if (row === undefined) throw new Error(`operation ${subject.key} is not known (yet)`)
      // Whoever may send the webhooks of one processor has no say in what another one did.
      if (row.processor !== processor) throw new Error(`operation ${row.opId} is one of ${row.processor}`)
      // An earlier message of this batch may have moved it on.
      const now = (await store.operation(row.opId)) ?? row
      await operations.record(now, subject.outcome, actor)
      return
    }
    const fact = await disputeOf(subject, processor)
    if (fact === undefined) return
    const type = fact.status === 'open' ? 'OpenDispute' : 'CloseDispute'
    await writer.change({ paymentIntentId: fact.paymentIntentId, command: { type, fact }, actor })
  }

  /** Whether it is applied; otherwise it waits for its next try, or has had its last. */
  async function apply(reading: Reading): Promise<boolean> {
    const { processor, eventId, attempts } = reading.message
    try {
      await applySubject(reading, processor)
      return true
    } catch (error) {
      const waitMs = RETRY_MS[attempts]
      const reason = maskCardNumbers(messageOf(error))
      await inbox.postpone(processor, eventId, reason, waitMs === undefined ? undefined : clock.now() + waitMs)
      if (waitMs === undefined)
        logger.error({ err: error, processor, event_id: eventId }, `webhook ${eventId} could not be applied: ${reason}`)
      return false
    }
  }

  return {
    async applyDue() {
      const nowMs = clock.now()
      const messages = await inbox.claim(nowMs, nowMs + LEASE_MS, APPLY_BATCH)
      const groups = new Map<string, Reading[]>()
      for (const reading of await Promise.all(messages.map(read))) {
        const group = groups.get(reading.group)
        if (group === undefined) groups.set(reading.group, [reading])
        else group.push(reading)
      }
      const applied: InboxMessage[] = []
      // Payments side by side, the messages of each in the order in which they came.
      await Promise.all(
        [...groups.values()].map(async (group) => {
          for (const reading of group) if (await apply(reading)) applied.push(reading.message)
        }),
      )
      if (applied.length > 0) await inbox.applied(applied, clock.now())
      return messages.length
    },
  }
}
