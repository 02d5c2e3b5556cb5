import { randomInt } from 'node:crypto'
import { NO_HASH } from '../core/canonical-json.ts'
import type { Clock } from '../core/clock.ts'
import { type CommandContext, DEFAULT_ACTOR, idempotencyKeyOf, judgeKey, type KeyVerdict } from '../core/command.ts'
import { decodeCursor, type Page, type PageRequest, pageLimit, pageOf } from '../core/cursor.ts'
import { AppError, assert, invalidField } from '../core/errors.ts'
import { hashToBucket, prefixedId, shardOfPrefixedId } from '../core/ids.ts'
import { LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import { currencyExponent, toMinor } from '../core/money.ts'
import { validator } from '../core/schema.ts'
import { captureAfter, decide, type PaymentCommand } from './model/decide.ts'
import { toEventDocument, toPayment, toTransaction } from './reading/documents.ts'
import type { PaymentMethod } from './model/events.ts'
import { seal } from './model/hash-chain.ts'
import { createOperationRunner, type Faults, type Processors, processorNamed } from './processing/operations.ts'
import type { PaymentPorts, PlacedKey, TransactionKey, ViewedPayment } from './ports/ports.ts'
import { createRecovery, type Recovery } from './processing/recovery.ts'
import { OPERATION_LEASE_MS } from './processing/schedule.ts'
import * as schemas from './schemas.ts'
import { fold, initialState, isInDoubt } from './model/state.ts'
import { createWebhooks, type Webhooks } from './inbox/webhooks.ts'
import { createPaymentWriter, foldStored, paymentNotFound } from './commands/writer.ts'

export interface PaymentsDeps {
  readonly ports: Pick<PaymentPorts, 'store' | 'views' | 'inbox'>
  readonly processors: Processors
  /** Name of the processor of payments that name none. */
  readonly defaultProcessor: string
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
export interface Payments extends Webhooks {
  /** Records what is to be paid; no processor is called. `unknown_currency`, `processor_not_found`, and what the order says. */
  create(input: schemas.CreatePayment, context?: CommandContext): Promise<schemas.Payment>
  /**
   * Asks the processor to set the amount aside; with `capture_method: automatic` it is captured at once if all of it was
   * authorized. `illegal_payment_state` unless new or declined.
   */
  authorize(
    paymentIntentId: string,
    input?: schemas.AuthorizePayment,
    context?: CommandContext,
  ): Promise<schemas.Payment>
  /** Takes all or a part of what is authorized; may be repeated. `illegal_payment_state`, `amount_exceeds_capturable`. */
  capture(paymentIntentId: string, input?: schemas.CapturePayment, context?: CommandContext): Promise<schemas.Payment>
  /** Gives back what is authorized and not captured. `illegal_payment_state`. */
  void(paymentIntentId: string, input?: schemas.VoidPayment, context?: CommandContext): Promise<schemas.Payment>
  /** Gives back all or a part of what was captured; may be repeated. `illegal_payment_state`, `amount_exceeds_refundable`. */
  refund(paymentIntentId: string, input?: schemas.RefundPayment, context?: CommandContext): Promise<schemas.Payment>
  /** A payment, never stale. `as_of`: a version, or an RFC 3339 time; the payment as it was then. */
  get(paymentIntentId: string, options?: { readonly as_of?: string | undefined }): Promise<schemas.Payment>
  /** The payments of an order, oldest first, never stale. */
  listByOrder(orderId: string): Promise<schemas.Payment[]>
  /** The facts of a payment, oldest first. */
  events(paymentIntentId: string, page?: PageRequest): Promise<Page<schemas.PaymentEventDocument>>
  /** What a customer has paid and got back, newest first; a moment behind the log. */
  transactions(customerId: string, page?: PageRequest): Promise<Page<schemas.Transaction>>
  /** Finds out what became of operations without an outcome, and applies webhooks that wait; the worker's step. */
  readonly recovery: Recovery
}

const checkCreate = validator(schemas.CreatePayment)
const checkAuthorize = validator(schemas.AuthorizePayment)
const checkCapture = validator(schemas.CapturePayment)
const checkVoid = validator(schemas.VoidPayment)
const checkRefund = validator(schemas.RefundPayment)

function toMethod(input: schemas.CreatePayment['payment_method']): PaymentMethod {
  const { type = 'card', token, brand, last4 } = input
  return { type, token, ...(brand === undefined ? {} : { brand }), ...(last4 === undefined ? {} : { last4 }) }
}

const optionalMinor = (amount: number | undefined) =>
  amount === undefined ? undefined : toMinor(amount, '/amount', { min: 1 })

export function createPayments(deps: PaymentsDeps): Payments {
  const { ports, processors, clock, metrics, onAppended } = deps
  const { store, views } = ports
  const writer = createPaymentWriter({ store, clock, metrics, onAppended })
  const operations = createOperationRunner({ ...deps, store, writer })
  const webhooks = createWebhooks({ ...deps, store, inbox: ports.inbox, operations, onStored: () => recovery.wake() })
  const recovery: Recovery = createRecovery({ ...deps, store, operations, webhooks })

  function placedKey(context: CommandContext, command: string, input: object): PlacedKey | undefined {
    const key = idempotencyKeyOf(context, command, input)
    return key === undefined ? undefined : { ...key, shard: hashToBucket(`${key.scope}\n${key.key}`, store.shards) }
  }

  function replayed<Body>(verdict: KeyVerdict, context: CommandContext): Body {
    assert(verdict.kind === 'replay', 'a command done in one step is finished with its key')
    context.onReplay?.()
    return verdict.body as Body
  }

  async function storedCreate(key: PlacedKey, context: CommandContext): Promise<schemas.Payment | undefined> {
    const stored = await store.readKey(key)
    return stored === undefined ? undefined : replayed(judgeKey(key, stored, clock.now()), context)
  }

  async function create(raw: schemas.CreatePayment, context: CommandContext = {}): Promise<schemas.Payment> {
    const input = checkCreate(raw)
    const amount = toMinor(input.amount, '/amount', { min: 1 })
    const { currency, order_id: orderId, customer_id: customerId } = input
    currencyExponent(currency)
    const processor = processorNamed(processors, input.processor ?? deps.defaultProcessor).name
    const key = placedKey(context, 'CreatePayment', input)
    if (orderId !== undefined && deps.checkPayable !== undefined) {
      // A repeat is answered from its key: by now the order may be paid, and refuse another payment.
      const earlier = key === undefined ? undefined : await storedCreate(key, context)
      if (earlier !== undefined) return earlier
      await deps.checkPayable(orderId, amount, currency)
    }
    const shard = key?.shard ?? randomInt(store.shards)
    const paymentIntentId = prefixedId('pi', shard, clock)
    const paymentMethod = toMethod(input.payment_method)
    const captureMethod = input.capture_method ?? 'automatic'
    const command = {
      type: 'CreatePayment',
      amount,
      currency,
      customerId,
      orderId,
      paymentMethod,
      captureMethod,
      processor,
    } as const
    const actor = context.actor ?? DEFAULT_ACTOR
    const nothing = { paymentIntentId, version: 0, hash: NO_HASH }
    const [event] = seal(decide(command, initialState), nothing, { actor, timestampMs: clock.now() })
    assert(event !== undefined, 'a new payment begins with an event')
    const state = fold([event.event])
    const payment = toPayment(paymentIntentId, state)
    const outcome = await store.create({
      shard,
      paymentIntentId,
      state,
      event,
      key,
      answer: { status: 201, body: payment },
    })
    if (outcome === 'key_taken') {
      assert(key !== undefined, 'only a key can be taken')
      const earlier = await storedCreate(key, context)
      if (earlier === undefined) throw new AppError('write_contention', undefined, { retryAfterMs: 100 })
      return earlier
    }
    metrics.appendedEvents.inc({ log: 'payments' })
    onAppended?.()
    return payment
  }

  /** Carries out a command that calls the processor: request, call, outcome. */
  async function execute(
    paymentIntentId: string,
    name: string,
    input: object,
    context: CommandContext,
    commandOf: (opId: string) => PaymentCommand,
  ): Promise<schemas.Payment> {
    const shard = shardOfPrefixedId('pi', paymentIntentId)
    if (shard === undefined || shard >= store.shards) throw paymentNotFound(paymentIntentId)
    const opId = prefixedId('op', shard, clock)
    const key = placedKey(context, name, { payment_intent_id: paymentIntentId, ...input })
    const actor = context.actor ?? DEFAULT_ACTOR
    const changed = await writer.change({
      ...{ paymentIntentId, command: commandOf(opId), actor, expectedVersion: context.expectedVersion },
      takes: key === undefined ? undefined : { key, opId },
    })
    if (changed.kind === 'repeated') return repeat(paymentIntentId, key!, changed.verdict, context)
    const { snapshot } = changed
    if (!snapshot.state.operations.has(opId)) return toPayment(paymentIntentId, snapshot.state, opId)
    const waiting = { key: key === undefined ? undefined : { shard: key.shard, scope: key.scope, key: key.key, opId } }
    const done = await operations.drive(snapshot, opId, actor, waiting)
    return toPayment(paymentIntentId, done.state, opId)
  }

  /** The same command again: its answer if it has one, its state while nobody knows, or its end if it was abandoned. */
  async function repeat(
    paymentIntentId: string,
    key: PlacedKey,
    verdict: KeyVerdict,
    context: CommandContext,
  ): Promise<schemas.Payment> {
    if (verdict.kind === 'replay') return replayed(verdict, context)
    assert(verdict.operationId !== undefined, 'a key that runs names its operation')
    const { state } = await writer.load(paymentIntentId)
    const commandOp = verdict.operationId
    const open = state.operations.get(captureAfter(commandOp)) ?? state.operations.get(commandOp)
    if (open === undefined || !isInDoubt(open) || open.status !== 'requested')
      return toPayment(paymentIntentId, state, commandOp)
    const nowMs = clock.now()
    const taken =
      (await store.takeOverKey(key, nowMs, nowMs + LIMITS.idempotencyLeaseMs)) &&
      (await store.claimOperation(open.opId, nowMs, nowMs + OPERATION_LEASE_MS))
    const row = taken ? await store.operation(open.opId) : undefined
    if (row === undefined) throw new AppError('idempotency_key_in_use', undefined, { retryAfterMs: 1_000 })
    const resolved = await operations.resolve(row, context.actor ?? DEFAULT_ACTOR)
    return toPayment(paymentIntentId, resolved.state, commandOp)
  }

  /** The read model's state, and what the log has on top of it. */
  async function upToDate({ paymentIntentId, headVersion, state }: ViewedPayment): Promise<schemas.Payment> {
    if (state !== undefined && state.version >= headVersion) return toPayment(paymentIntentId, state)
    const newer = await store.events(paymentIntentId, state?.version ?? 0)
    return toPayment(paymentIntentId, foldStored(newer, state))
  }

  async function asOf(paymentIntentId: string, moment: string): Promise<schemas.Payment> {
    const version = /^\d{1,9}$/.test(moment) ? Number(moment) : undefined
    const timeMs = version === undefined && /^\d{4}-\d\d-\d\dT/.test(moment) ? Date.parse(moment) : Number.NaN
    if (version === undefined && Number.isNaN(timeMs))
      throw invalidField('query/as_of', 'must be a version or an RFC 3339 time')
    const all = await store.events(paymentIntentId, 0)
    if (all.length === 0) throw paymentNotFound(paymentIntentId)
    const then = all.filter((event) => (version === undefined ? event.timestampMs <= timeMs : event.version <= version))
    if (then.length === 0 || (version ?? 0) > all.length) {
      throw new AppError('payment_not_found', `Payment ${paymentIntentId} has no state as of ${moment}`)
    }
    return toPayment(paymentIntentId, foldStored(then))
  }

  return {
    create,
    async authorize(id, raw = {}, context = {}) {
      const input = checkAuthorize(raw)
      const paymentMethod = input.payment_method === undefined ? undefined : toMethod(input.payment_method)
      return execute(id, 'AuthorizePayment', input, context, (opId) => ({
        type: 'AuthorizePayment',
        opId,
        paymentMethod,
      }))
    },
    async capture(id, raw = {}, context = {}) {
      const input = checkCapture(raw)
      const amount = optionalMinor(input.amount)
      return execute(id, 'CapturePayment', input, context, (opId) => ({ type: 'CapturePayment', opId, amount }))
    },
    async void(id, raw = {}, context = {}) {
      const input = checkVoid(raw)
      return execute(id, 'VoidPayment', input, context, (opId) => ({ type: 'VoidPayment', opId }))
    },
    async refund(id, raw = {}, context = {}) {
      const input = checkRefund(raw)
      const { reason } = input
      const amount = optionalMinor(input.amount)
      return execute(id, 'RefundPayment', input, context, (opId) => ({ type: 'RefundPayment', opId, amount, reason }))
    },
    async get(id, options = {}) {
      if (options.as_of !== undefined) return asOf(id, options.as_of)
      const viewed = await views.find(id)
      if (viewed === undefined) throw paymentNotFound(id)
      return upToDate(viewed)
    },
    async listByOrder(orderId) {
      return Promise.all((await views.findByOrder(orderId)).map(upToDate))
    },
    async events(id, page = {}) {
      const limit = pageLimit(page.limit)
      const list = `payment-events:${id}`
      const [after = '0'] = decodeCursor(list, 1, page.cursor) ?? []
      const rows = await store.events(id, Number(after), limit + 1)
      if (rows.length === 0 && after === '0') throw paymentNotFound(id)
      return pageOf(list, rows, limit, (event) => [String(event.version)], toEventDocument)
    },
    async transactions(customerId, page = {}) {
      const limit = pageLimit(page.limit)
      const list = `transactions:${customerId}`
      const key = decodeCursor(list, 3, page.cursor)
      const before: TransactionKey | undefined =
        key === undefined
          ? undefined
          : { timestampMs: Number(key[0]), paymentIntentId: key[1]!, version: Number(key[2]) }
      const rows = await views.transactions(customerId, before, limit + 1)
      return pageOf(
        list,
        rows,
        limit,
        (row) => [String(row.timestampMs), row.paymentIntentId, String(row.version)],
        toTransaction,
      )
    },
    receiveWebhook: webhooks.receiveWebhook,
    recovery,
  }
}
