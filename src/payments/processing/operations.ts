import { maskCardNumbers } from '../../core/card-number.ts'
import type { Clock } from '../../core/clock.ts'
import { AppError, assert, messageOf } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import type { Metrics } from '../../core/metrics.ts'
import type { PaymentWriter, Snapshot } from '../commands/writer.ts'
import type { Command } from '../model/commands.ts'
import { isFinished, type Operation, type PaymentState } from '../model/state.ts'
import type { OperationRow, PaymentStore, SealedEvent } from '../ports/store.ts'
import type { PersonalData } from '../privacy/personal-data.ts'
import type { Processor, ProcessorOutcome } from './processor.ts'
import { nextCheckAtMs } from './schedule.ts'

/** Moments at which a test may stop the program as a crash would. */
export type FaultPoint = 'requested' | 'answered' | 'recorded'
/** Called at each of these moments; what it throws ends the command there and then. */
export type Faults = (
  point: FaultPoint,
  operation: { readonly opId: string; readonly kind: string },
) => void | Promise<void>

export type Processors = ReadonlyMap<string, Processor>

export interface OperationDeps {
  readonly store: PaymentStore
  readonly writer: PaymentWriter
  readonly processors: Processors
  readonly personalData: PersonalData
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly faults?: Faults | undefined
}

export interface Driven extends Snapshot {
  /** Whether the last outcome was recorded here, and not before by somebody else. */
  readonly isOwn: boolean
}

export interface OperationRunner {
  /** Calls the processor for an operation that has just been requested, and records what it answers. */
  drive(snapshot: Snapshot, opId: string, actor: string, waiting: Pick<OperationRow, 'key'>): Promise<Driven>
  /** Finds out what became of an operation that nobody is at work on, and brings it to an end if that can be done. */
  resolve(row: OperationRow, actor: string): Promise<Snapshot>
  /**
   * What the processor says now of an operation, whether it is finished or not; `undefined` when it can't tell. Throws when it
   * gives no answer.
   */
  ask(row: OperationRow): Promise<ProcessorOutcome | undefined>
  /** Records what a processor tells of its own accord. */
  record(row: OperationRow, outcome: ProcessorOutcome, actor: string): Promise<Snapshot>
  /** Records what a person has decided about an operation in review. Throws `operation_not_in_review`. */
  settle(row: OperationRow, decided: Command<'ResolveReview'>, actor: string): Promise<Snapshot>
}

/** Close to its end a key may be gone at the processor, whatever its clock says: then it is not sent again. */
const KEY_LIFETIME_USED = 0.9

export function processorNamed(processors: Processors, name: string): Processor {
  const processor = processors.get(name)
  if (processor !== undefined) return processor
  const known = [...processors.keys()].join(', ')
  throw new AppError('processor_not_found', `No payment processor is named "${name}"; known: ${known}`)
}

/** A processor's words may repeat what a payer typed: card numbers in them are never stored. */
function withoutCards(outcome: ProcessorOutcome): ProcessorOutcome {
  if ('message' in outcome)
    return { ...outcome, code: maskCardNumbers(outcome.code), message: maskCardNumbers(outcome.message) }
  return 'detail' in outcome ? { ...outcome, detail: maskCardNumbers(outcome.detail) } : outcome
}

/** The answer of a call, or a failure when it takes longer than a processor may; the call itself is told to stop. */
async function withinTime<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`no answer within ${LIMITS.processorMsMax} ms`)
      abort.abort(error)
      reject(error)
    }, LIMITS.processorMsMax)
  })
  try {
    return await Promise.race([call(abort.signal), late])
  } finally {
    clearTimeout(timer)
  }
}

/** What the processor knows the payment method by. */
function tokenOf({ paymentMethod }: PaymentState, processor: Processor): string {
  return paymentMethod.tokens?.[processor.name] ?? paymentMethod.token
}

async function send(
  { personalData }: Pick<OperationDeps, 'personalData'>,
  processor: Processor,
  { state, paymentIntentId }: Snapshot,
  operation: Operation,
  signal: AbortSignal,
): Promise<ProcessorOutcome> {
  const { kind, opId, amount, disputeId, personal } = operation
  const request = { key: opId, paymentIntentId, amount, currency: state.currency, signal }
  if (kind === 'authorize') {
    const { customerId, orderId, paymentMethod } = state
    const token = tokenOf(state, processor)
    return processor.authorize({ ...request, token, methodType: paymentMethod.type, customerId, orderId })
  }
  if (kind === 'evidence') {
    assert(disputeId !== undefined && personal !== undefined, `evidence ${opId} is about no dispute`)
    const opened = await personalData.open(personal, paymentIntentId)
    if (opened.kind === 'erased') return { kind: 'failed', code: 'evidence_erased', message: 'The evidence was erased' }
    if (opened.kind === 'damaged')
      return { kind: 'failed', code: 'evidence_damaged', message: 'The evidence was changed in the database' }
    // Another process may have the key: what is thrown leaves the operation open.
    if (opened.kind === 'locked')
      throw new AppError('master_key_missing', `The evidence of ${opId} is under a master key that is not here`)
    return processor.submitEvidence({ ...request, disputeId, evidence: opened.data as Record<string, string> })
  }
  const { reference } = state
  assert(reference !== undefined, `operation ${opId} has no authorization to refer to`)
  const followUp = { ...request, reference }
  if (kind === 'capture') return processor.capture({ ...followUp, final: operation.final ?? false })
  if (kind === 'increment') return processor.increment({ ...followUp, authorized: state.authorized })
  return processor[kind](followUp)
}

export function createOperationRunner(deps: OperationDeps): OperationRunner {
  const { store, writer, processors, clock, logger, metrics } = deps
  const faults: Faults = deps.faults ?? (() => undefined)

  /** Calls the processor. Whatever goes wrong leaves the outcome unknown: a failure to answer proves nothing. */
  async function call(snapshot: Snapshot, operation: Operation): Promise<ProcessorOutcome> {
    const processor = processorNamed(processors, operation.processor)
    const labels = { processor: processor.name, operation: operation.kind }
    const stop = metrics.processorSeconds.startTimer(labels)
    try {
      const outcome = await withinTime((signal) => send(deps, processor, snapshot, operation, signal))
      stop({ outcome: outcome.kind })
      return outcome
    } catch (error) {
      stop({ outcome: 'unknown' })
      logger.warn({ err: error, op_id: operation.opId }, `${processor.name} gave no clear answer: ${messageOf(error)}`)
      return { kind: 'unknown', detail: messageOf(error) }
    }
  }

  /** `followUp` is the operation that follows from this one by itself, to be driven next. */
  async function recordOutcome(
    paymentIntentId: string,
    command: Command<'RecordOutcome'>,
    by: { actor: string; known?: Snapshot; waiting: Pick<OperationRow, 'key' | 'attempts'> },
  ): Promise<{ snapshot: Snapshot; recorded: boolean; followUp: string | undefined }> {
    const masked = { ...command, outcome: withoutCards(command.outcome) }
    const changed = await writer.change({ paymentIntentId, command: masked, ...by })
    assert(changed.kind === 'done', 'an outcome takes no key')
    const { snapshot, events } = changed
    return { snapshot, recorded: events.length > 0, followUp: followUpIn(events, command.opId) }
  }

  async function drive(
    from: Snapshot,
    firstOpId: string,
    actor: string,
    waiting: Pick<OperationRow, 'key'>,
  ): Promise<Driven> {
    let snapshot = from
    let isOwn = false
    let opId: string | undefined = firstOpId
    while (opId !== undefined) {
      const operation = operationIn(snapshot.state, opId)
      await faults('requested', operation)
      const outcome = await call(snapshot, operation)
      await faults('answered', operation)
      const { key } = waiting
      const command = { type: 'RecordOutcome', opId, outcome } as const
      const by = { actor, known: snapshot, waiting: { key, attempts: 0 } }
      const result = await recordOutcome(snapshot.paymentIntentId, command, by)
      await faults('recorded', operation)
      snapshot = result.snapshot
      isOwn = result.recorded
      opId = result.followUp
    }
    return { ...snapshot, isOwn }
  }

  function lookup(
    { state }: Snapshot,
    row: OperationRow,
    { kind, reference }: Operation,
  ): Promise<ProcessorOutcome | undefined> {
    const { opId: key, paymentIntentId, amount } = row
    const { currency, reference: authorization } = state
    return withinTime((signal) =>
      processorNamed(processors, row.processor).lookup({
        ...{ key, kind, paymentIntentId, reference, authorization, amount, currency, signal },
      }),
    )
  }

  /** Asks the processor; only if it has never seen the key, and still would know it, is the same key sent again. */
  async function findOut(snapshot: Snapshot, row: OperationRow, operation: Operation): Promise<ProcessorOutcome> {
    const processor = processorNamed(processors, row.processor)
    let found: ProcessorOutcome | undefined
    try {
      found = await lookup(snapshot, row, operation)
    } catch (error) {
      logger.warn({ err: error, op_id: row.opId }, `${processor.name} could not be asked: ${messageOf(error)}`)
      return { kind: 'unknown', detail: messageOf(error) }
    }
    if (found !== undefined) return found
    const ageMs = clock.now() - operation.requestedAtMs
    if (operation.status !== 'review' && ageMs < processor.capabilities.keyLifetimeMs * KEY_LIFETIME_USED) {
      const outcome = await call(snapshot, operation)
      // That this request never left, or was turned away at the door, says nothing of the one before it.
      return outcome.kind === 'failed' && outcome.failover ? { kind: 'unknown', detail: outcome.message } : outcome
    }
    return { kind: 'review', detail: `${processor.name} does not know it, and its key is too old to be sent again` }
  }

  async function resolve(row: OperationRow, actor: string): Promise<Snapshot> {
    const { opId, paymentIntentId } = row
    const before = await writer.load(paymentIntentId)
    const operation = before.state.operations.get(opId)
    if (operation === undefined || isFinished(operation)) return before
    const outcome = await findOut(before, row, operation)
    await faults('answered', operation)
    const attempts = row.attempts + 1
    const command = { type: 'RecordOutcome', opId, outcome } as const
    const result = await recordOutcome(paymentIntentId, command, {
      ...{ actor, known: before, waiting: { key: row.key, attempts } },
    })
    await faults('recorded', operation)
    const now = result.snapshot.state.operations.get(opId)
    if (now?.status === 'review' && operation.status !== 'review') {
      metrics.operationsInReview.inc({ processor: operation.processor })
      const fields = { op_id: opId, payment_intent_id: paymentIntentId }
      logger.error(fields, `operation ${opId} needs a person: its outcome can't be found out`)
    }
    if (!result.recorded && now !== undefined && !isFinished(now)) {
      const status = now.status === 'requested' ? 'unknown' : now.status
      await store.postpone(opId, attempts, nextCheckAtMs(status, attempts, clock.now())!)
    }
    return result.followUp === undefined ? result.snapshot : drive(result.snapshot, result.followUp, actor, row)
  }

  async function record(row: OperationRow, outcome: ProcessorOutcome, actor: string): Promise<Snapshot> {
    const { opId, paymentIntentId } = row
    const command = { type: 'RecordOutcome', opId, outcome, operation: operationOf(row) } as const
    const result = await recordOutcome(paymentIntentId, command, { actor, waiting: row })
    if (!result.recorded)
      logger.debug({ op_id: opId, outcome: outcome.kind }, 'a processor told what was known already')
    return result.followUp === undefined ? result.snapshot : drive(result.snapshot, result.followUp, actor, row)
  }

  async function settle(row: OperationRow, decided: Command<'ResolveReview'>, actor: string): Promise<Snapshot> {
    const { paymentIntentId } = row
    const changed = await writer.change({ paymentIntentId, command: decided, actor, waiting: row })
    assert(changed.kind === 'done', 'a decision takes no key')
    const followUp = followUpIn(changed.events, row.opId)
    return followUp === undefined ? changed.snapshot : drive(changed.snapshot, followUp, actor, row)
  }

  const ask = async (row: OperationRow) => lookup(await writer.load(row.paymentIntentId), row, operationOf(row))

  return { drive, resolve, ask, record, settle }
}

/** The operation that an outcome's events have requested in turn: a capture, or the same at another processor. */
function followUpIn(events: readonly SealedEvent[], opId: string): string | undefined {
  return events.find((event) => event.opId !== opId && event.event.type.endsWith('_REQUESTED'))?.opId
}

/** An operation as its row tells it, for those that the state of the payment has forgotten. */
function operationOf(row: OperationRow): Operation {
  const { opId, kind, amount, settled, status, processor, reference, disputeId, requestedAtMs } = row
  return {
    ...{ opId, kind, amount, settled, status, processor, requestedAtMs },
    ...(reference === undefined ? {} : { reference }),
    ...(disputeId === undefined ? {} : { disputeId }),
  }
}

function operationIn(state: PaymentState, opId: string): Operation {
  const operation = state.operations.get(opId)
  assert(operation !== undefined, `operation ${opId} is not one of its payment`)
  return operation
}
