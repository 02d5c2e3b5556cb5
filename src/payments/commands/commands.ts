import { randomInt } from 'node:crypto'
import { NO_HASH } from '../../core/canonical-json.ts'
import type { Clock } from '../../core/clock.ts'
import { type CommandContext, DEFAULT_ACTOR, idempotencyKeyOf, judgeKey, type KeyVerdict } from '../../core/command.ts'
import { AppError, assert } from '../../core/errors.ts'
import { hashToBucket, prefixedId, shardOfPrefixedId } from '../../core/ids.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Metrics } from '../../core/metrics.ts'
import { currencyExponent, toMinor } from '../../core/money.ts'
import type { RoutingRule } from '../../core/routes.ts'
import type { PaymentCommand } from '../model/commands.ts'
import { decide } from '../model/decide.ts'
import type { PaymentMethod } from '../model/events.ts'
import { fold } from '../model/evolve.ts'
import { seal } from '../model/hash-chain.ts'
import { commandOf, initialState, isInDoubt, type PaymentState } from '../model/state.ts'
import type { PaymentStore, PlacedKey, StoredAnswer } from '../ports/store.ts'
import type { PersonalData } from '../privacy/personal-data.ts'
import type { OperationRunner, Processors } from '../processing/operations.ts'
import { routeOf } from '../processing/routing.ts'
import { OPERATION_LEASE_MS } from '../processing/schedule.ts'
import { doubtOf } from '../reading/documents.ts'
import { showPayment, stateAsOf } from '../reading/reader.ts'
import type * as schemas from '../schemas.ts'
import { answerOf, type PaymentWriter, paymentNotFound } from './writer.ts'

export interface CommandsDeps {
  readonly store: PaymentStore
  readonly writer: PaymentWriter
  readonly operations: OperationRunner
  readonly processors: Processors
  readonly personalData: PersonalData
  /** Rules that name the processors of a payment; the default one where none fits. */
  readonly routes: readonly RoutingRule[]
  readonly defaultProcessor: string
  readonly closedProcessors?: readonly string[] | undefined
  readonly clock: Clock
  readonly metrics: Metrics
  readonly checkPayable?: ((orderId: string, amount: bigint, currency: string) => Promise<void>) | undefined
  readonly onAppended?: (() => void) | undefined
}

/** A command that calls a processor, ready to be decided. */
export interface CallingCommand {
  readonly paymentIntentId: string
  /** Its name in the design, e.g. `CapturePayment`. */
  readonly name: PaymentCommand['type']
  readonly input: object
  /** The command for an operation of this id on the newest state. */
  readonly of: (opId: string, state: PaymentState) => PaymentCommand
}

export interface PaymentCommands {
  create(input: schemas.CreatePayment, context?: CommandContext): Promise<schemas.Payment>
  /** Carries out a command that calls the processor: request, call, outcome. */
  execute(command: CallingCommand, context: CommandContext): Promise<schemas.Payment>
}

export function toMethod(input: schemas.CreatePayment['payment_method']): PaymentMethod {
  const { type = 'card', token, tokens, brand, last4 } = input
  return {
    type,
    token,
    ...(tokens === undefined ? {} : { tokens }),
    ...(brand === undefined ? {} : { brand }),
    ...(last4 === undefined ? {} : { last4 }),
  }
}

export function createPaymentCommands(deps: CommandsDeps): PaymentCommands {
  const { store, writer, operations, clock, metrics, onAppended, personalData } = deps

  function placedKey(context: CommandContext, command: string, input: object): PlacedKey | undefined {
    const key = idempotencyKeyOf(context, command, input)
    return key === undefined ? undefined : { ...key, shard: hashToBucket(`${key.scope}\n${key.key}`, store.shards) }
  }

  /** The payment as an earlier command with this key answered it: replayed from its events. */
  async function replayed(verdict: KeyVerdict, context: CommandContext): Promise<schemas.Payment> {
    assert(verdict.kind === 'replay', 'a command done in one step is finished with its key')
    const { payment_intent_id: id, version, op_id: opId } = verdict.body as StoredAnswer['body']
    const state = await stateAsOf(store, id, { version })
    context.onReplay?.()
    return showPayment(deps, id, state, opId)
  }

  async function storedCreate(key: PlacedKey, context: CommandContext): Promise<schemas.Payment | undefined> {
    const stored = await store.readKey(key)
    return stored === undefined ? undefined : replayed(judgeKey(key, stored, clock.now()), context)
  }

  async function commandFor(input: schemas.CreatePayment, paymentIntentId: string, amount: bigint) {
    const {
      currency,
      order_id: orderId,
      customer_id: customerId,
      processor,
      metadata,
      billing_details: billing,
    } = input
    const paymentMethod = toMethod(input.payment_method)
    const personal =
      billing === undefined
        ? undefined
        : await personalData.seal(customerId ?? paymentIntentId, paymentIntentId, billing)
    return {
      ...{ type: 'CreatePayment' as const, amount, currency, customerId, orderId, paymentMethod, metadata, personal },
      captureMethod: input.capture_method ?? 'automatic',
      route: routeOf({ amount, currency, paymentMethod, processor }, deps),
    } as const
  }

  async function create(input: schemas.CreatePayment, context: CommandContext = {}): Promise<schemas.Payment> {
    const amount = toMinor(input.amount, '/amount', { min: 1 })
    currencyExponent(input.currency)
    const key = placedKey(context, 'CreatePayment', input)
    if (input.order_id !== undefined && deps.checkPayable !== undefined) {
      // A repeat is answered from its key: by now the order may be paid, and refuse another payment.
      const earlier = key === undefined ? undefined : await storedCreate(key, context)
      if (earlier !== undefined) return earlier
      await deps.checkPayable(input.order_id, amount, input.currency)
    }
    const shard = key?.shard ?? randomInt(store.shards)
    const paymentIntentId = prefixedId('pi', shard, clock)
    const actor = context.actor ?? DEFAULT_ACTOR
    const decided = decide(await commandFor(input, paymentIntentId, amount), initialState)
    const nothing = { paymentIntentId, version: 0, hash: NO_HASH }
    const [event] = seal(decided, nothing, { actor, timestampMs: clock.now() })
    assert(event !== undefined, 'a new payment begins with an event')
    const state = fold([event.event])
    const answer = answerOf(201, paymentIntentId, state)
    const outcome = await store.create({ shard, paymentIntentId, state, event, key, answer })
    if (outcome === 'key_taken') {
      assert(key !== undefined, 'only a key can be taken')
      const earlier = await storedCreate(key, context)
      if (earlier === undefined) throw new AppError('write_contention', undefined, { retryAfterMs: 100 })
      return earlier
    }
    metrics.appendedEvents.inc({ log: 'payments' })
    onAppended?.()
    return showPayment(deps, paymentIntentId, state)
  }

  async function execute(command: CallingCommand, context: CommandContext): Promise<schemas.Payment> {
    const { paymentIntentId, name, input } = command
    const shard = shardOfPrefixedId('pi', paymentIntentId)
    if (shard === undefined || shard >= store.shards) throw paymentNotFound(paymentIntentId)
    const opId = prefixedId('op', shard, clock)
    const key = placedKey(context, name, { payment_intent_id: paymentIntentId, ...input })
    const actor = context.actor ?? DEFAULT_ACTOR
    const changed = await writer.change({
      ...{ paymentIntentId, actor, expectedVersion: context.expectedVersion },
      command: (state) => command.of(opId, state),
      takes: key === undefined ? undefined : { key, opId },
    })
    if (changed.kind === 'repeated') return repeat(paymentIntentId, key!, changed.verdict, context)
    const { snapshot } = changed
    if (!snapshot.state.operations.has(opId)) return showPayment(deps, paymentIntentId, snapshot.state, opId)
    const waiting = { key: key === undefined ? undefined : { shard: key.shard, scope: key.scope, key: key.key, opId } }
    const done = await operations.drive(snapshot, opId, actor, waiting)
    if (done.isOwn) return showPayment(deps, paymentIntentId, done.state, opId)
    return ended(paymentIntentId, key, done.state, opId)
  }

  /**
   * The answer to a command that somebody else may have brought to its end: what its key keeps. The payment may have gone on
   * since then, and a repeat must not hear anything else.
   */
  async function ended(
    paymentIntentId: string,
    key: PlacedKey | undefined,
    state: PaymentState,
    opId: string,
  ): Promise<schemas.Payment> {
    const isOver = doubtOf(state, opId) === undefined
    const stored = key === undefined || !isOver ? undefined : await store.readKey(key)
    if (key === undefined || stored?.response === undefined) return showPayment(deps, paymentIntentId, state, opId)
    return replayed(judgeKey(key, stored, clock.now()), {})
  }

  /** The same command again: its answer if it has one, its state while nobody knows, or its end if it was abandoned. */
  async function repeat(
    paymentIntentId: string,
    key: PlacedKey,
    verdict: KeyVerdict,
    context: CommandContext,
  ): Promise<schemas.Payment> {
    if (verdict.kind === 'replay') return replayed(verdict, context)
    const commandOp = verdict.operationId
    assert(commandOp !== undefined, 'a key that runs names its operation')
    const { state } = await writer.load(paymentIntentId)
    const open = [...state.operations.values()].find(
      (operation) => commandOf(operation.opId) === commandOp && isInDoubt(operation),
    )
    if (open?.status !== 'requested') return ended(paymentIntentId, key, state, commandOp)
    const nowMs = clock.now()
    const taken =
      (await store.takeOverKey(key, nowMs, nowMs + LIMITS.idempotencyLeaseMs)) &&
      (await store.claimOperation(open.opId, nowMs, nowMs + OPERATION_LEASE_MS))
    const row = taken ? await store.operation(open.opId) : undefined
    if (row === undefined) throw new AppError('idempotency_key_in_use', undefined, { retryAfterMs: 1_000 })
    const resolved = await operations.resolve(row, context.actor ?? DEFAULT_ACTOR)
    return ended(paymentIntentId, key, resolved.state, commandOp)
  }

  return { create, execute }
}
