import type { Clock } from '../core/clock.ts'
import { type CommandContext, DEFAULT_ACTOR } from '../core/command.ts'
import { AppError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import { toMinor } from '../core/money.ts'
import type { RoutingRule } from '../core/routes.ts'
import { validator } from '../core/schema.ts'
import { createAskedCommands } from './commands/asked.ts'
import { createPaymentCommands, toMethod } from './commands/commands.ts'
import { createPaymentWriter } from './commands/writer.ts'
import { createWebhookApplier } from './inbox/applying.ts'
import { createWebhooks, type Webhooks } from './inbox/webhooks.ts'
import type { PaymentPorts } from './ports/ports.ts'
import type { PersonalData } from './privacy/personal-data.ts'
import { createOperationRunner, type Faults, type Processors } from './processing/operations.ts'
import { createRecovery, type Recovery } from './processing/recovery.ts'
import { createBooksReader, type PaymentBooksReader } from './reading/books.ts'
import { createPaymentChecker, type PaymentChecker } from './reading/check.ts'
import { createPaymentLists, type PaymentLists } from './reading/lists.ts'
import { createPaymentReader, type PaymentReader, showPayment } from './reading/reader.ts'
import * as schemas from './schemas.ts'

export interface PaymentsDeps {
  readonly ports: Pick<PaymentPorts, 'store' | 'views' | 'inbox' | 'books'> & {
    readonly audit: Pick<PaymentPorts['audit'], 'find'>
  }
  readonly personalData: PersonalData
  readonly processors: Processors
  /** Rules that name the processors of a payment. */
  readonly routes: readonly RoutingRule[]
  /** Name of the processor of payments that name none and fit no rule. */
  readonly defaultProcessor: string
  /** Names of processors that finish what they have begun and take no new payments. */
  readonly closedProcessors?: readonly string[] | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** Refuses (throws) a payment that its order does not wait for. Amount in minor units. */
  readonly checkPayable?: ((orderId: string, amount: bigint, currency: string) => Promise<void>) | undefined
  /** A hint that something was appended; projectors are woken by it. */
  readonly onAppended?: (() => void) | undefined
  /** For tests of crashes. */
  readonly faults?: Faults | undefined
}

/**
 * Payments: taking money and giving it back, never twice and never lost. All amounts are whole minor units.
 *
 * A command answers the payment after it. When the processor gave no clear answer, the payment has a
 * `pending_operation`: Fanfold goes on finding out, and the same command with the same key answers how it ended.
 * A processor's refusal is no error of the command: the answer has `last_error`. Commands may throw `invalid_input`,
 * `card_number_refused`, `payment_not_found`, `version_mismatch`, `idempotency_key_reused`, `idempotency_key_in_use`,
 * `write_contention`, `overloaded`, and what is named with each.
 */
export interface Payments extends Webhooks, PaymentReader, PaymentLists, PaymentBooksReader, PaymentChecker {
  /**
   * Records what is to be paid; no processor is called. `unknown_currency`, `processor_not_found`, `processor_cannot`, and
   * what the order says.
   */
  create(input: schemas.CreatePayment, context?: CommandContext): Promise<schemas.Payment>
  /**
   * Asks the processor to set the amount aside; with `capture_method: automatic` it is captured at once if all of it was
   * authorized. A processor that proves that it did nothing, for a reason of its own, is followed by the next of the route.
   * `illegal_payment_state` unless new or declined.
   */
  authorize(
    paymentIntentId: string,
    input?: schemas.AuthorizePayment,
    context?: CommandContext,
  ): Promise<schemas.Payment>
  /** Adds to what is authorized. `illegal_payment_state` (also for a payment of an order), `processor_cannot`. */
  incrementAuthorization(
    paymentIntentId: string,
    input: schemas.IncrementAuthorization,
    context?: CommandContext,
  ): Promise<schemas.Payment>
  /**
   * Takes all or a part of what is authorized; may be repeated, unless it is `final` or the processor releases the rest with
   * each capture. `illegal_payment_state`, `amount_exceeds_capturable`.
   */
  capture(paymentIntentId: string, input?: schemas.CapturePayment, context?: CommandContext): Promise<schemas.Payment>
  /** Gives back what is authorized and not captured. `illegal_payment_state`, `processor_cannot`. */
  void(paymentIntentId: string, input?: schemas.VoidPayment, context?: CommandContext): Promise<schemas.Payment>
  /** Gives back all or a part of what was captured; may be repeated. `illegal_payment_state`, `amount_exceeds_refundable`. */
  refund(paymentIntentId: string, input?: schemas.RefundPayment, context?: CommandContext): Promise<schemas.Payment>
  /** Sends what speaks against a dispute. `dispute_not_found`, `illegal_payment_state`, `processor_cannot`. */
  submitEvidence(
    paymentIntentId: string,
    disputeId: string,
    input: schemas.SubmitEvidence,
    context?: CommandContext,
  ): Promise<schemas.Payment>
  /**
   * Decides what became of an operation that no machine can find out. `operation_not_found`, `operation_not_in_review`,
   * `illegal_payment_state` when the amount does not fit.
   */
  resolveOperation(opId: string, input: schemas.ResolveOperation, context?: CommandContext): Promise<schemas.Payment>
  /**
   * Destroys the key of a customer: what is personal in his payments can never be read again, by anybody. For a payment
   * without a customer, the id of the payment. May be repeated; what is recorded later gets a new key.
   */
  eraseCustomer(customerId: string): Promise<void>
  /** Finds out what became of operations without an outcome, and applies webhooks that wait; the worker's step. */
  readonly recovery: Recovery
}

const checkCreate = validator(schemas.CreatePayment)
const checkAuthorize = validator(schemas.AuthorizePayment)
const checkIncrement = validator(schemas.IncrementAuthorization)
const checkCapture = validator(schemas.CapturePayment)
const checkVoid = validator(schemas.VoidPayment)
const checkRefund = validator(schemas.RefundPayment)
const checkEvidence = validator(schemas.SubmitEvidence)
const checkResolve = validator(schemas.ResolveOperation)

const optionalMinor = (amount: number | undefined) =>
  amount === undefined ? undefined : toMinor(amount, '/amount', { min: 1 })

export function createPayments(deps: PaymentsDeps): Payments {
  const { ports, processors, clock, metrics, onAppended, personalData } = deps
  const { store, views } = ports
  const writer = createPaymentWriter({ store, clock, metrics, onAppended })
  const operations = createOperationRunner({ ...deps, store, writer })
  const webhooks = createWebhooks({
    ...{ ...deps, inbox: ports.inbox },
    onStored: () => recovery.wake(),
  })
  const applier = createWebhookApplier({ ...deps, store, inbox: ports.inbox, writer, operations })
  const recovery: Recovery = createRecovery({ ...deps, store, writer, operations, webhooks: applier })
  const commands = createPaymentCommands({ ...deps, store, writer, operations })
  const asked = createAskedCommands(processors)
  const reader = createPaymentReader({ store, views, personalData, asked })

  return {
    ...reader,
    ...createBooksReader({ books: ports.books, views, clock }),
    ...createPaymentLists({ views }),
    ...createPaymentChecker({ audit: ports.audit, store, clock }),
    async create(raw, context) {
      return commands.create(checkCreate(raw), context)
    },
    async authorize(paymentIntentId, raw = {}, context = {}) {
      const input = checkAuthorize(raw)
      const paymentMethod = input.payment_method === undefined ? undefined : toMethod(input.payment_method)
      const name = 'AuthorizePayment'
      return commands.execute(
        { paymentIntentId, name, input, of: (opId) => ({ type: name, opId, paymentMethod }) },
        context,
      )
    },
    async incrementAuthorization(paymentIntentId, raw, context = {}) {
      const input = checkIncrement(raw)
      const amount = toMinor(input.amount, '/amount', { min: 1 })
      const name = 'IncrementAuthorization'
      return commands.execute(
        { paymentIntentId, name, input, of: (opId, state) => asked.increment(opId, { amount }, state) },
        context,
      )
    },
    async capture(paymentIntentId, raw = {}, context = {}) {
      const input = checkCapture(raw)
      const amount = optionalMinor(input.amount)
      const name = 'CapturePayment'
      return commands.execute(
        {
          ...{ paymentIntentId, name, input },
          of: (opId, state) => asked.capture(opId, { amount, final: input.final }, state),
        },
        context,
      )
    },
    async void(paymentIntentId, raw = {}, context = {}) {
      const input = checkVoid(raw)
      const name = 'VoidPayment'
      return commands.execute({ paymentIntentId, name, input, of: asked.void }, context)
    },
    async refund(paymentIntentId, raw = {}, context = {}) {
      const input = checkRefund(raw)
      const { reason } = input
      const amount = optionalMinor(input.amount)
      const name = 'RefundPayment'
      return commands.execute(
        { paymentIntentId, name, input, of: (opId) => ({ type: name, opId, amount, reason }) },
        context,
      )
    },
    async submitEvidence(paymentIntentId, disputeId, raw, context = {}) {
      const input = checkEvidence(raw)
      const { state } = await writer.load(paymentIntentId)
      asked.requireDisputes(state)
      const evidence = await personalData.seal(state.customerId ?? paymentIntentId, paymentIntentId, input.evidence)
      const name = 'SubmitEvidence'
      return commands.execute(
        {
          ...{ paymentIntentId, name, input: { ...input, dispute_id: disputeId } },
          of: (opId) => ({ type: name, opId, disputeId, evidence }),
        },
        context,
      )
    },
    async resolveOperation(opId, raw, context = {}) {
      const { decision, note, reference, ...input } = checkResolve(raw)
      const row = await store.operation(opId)
      if (row === undefined) throw new AppError('operation_not_found', `There is no payment operation ${opId}`)
      const amount = optionalMinor(input.amount)
      const command = { type: 'ResolveReview', opId, decision, note, amount, reference } as const
      const { state } = await operations.settle(row, command, context.actor ?? DEFAULT_ACTOR)
      if (decision === 'ask_again') recovery.wake()
      return showPayment(deps, row.paymentIntentId, state, opId)
    },
    async eraseCustomer(customerId) {
      await personalData.erase(customerId)
    },
    receiveWebhook: webhooks.receiveWebhook,
    inbox: webhooks.inbox,
    replayInbox: webhooks.replayInbox,
    forgetBodies: webhooks.forgetBodies,
    recovery,
  }
}
