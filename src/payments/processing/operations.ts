import type { Clock } from '../../core/clock.ts'
import { AppError, assert, messageOf } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import type { Metrics } from '../../core/metrics.ts'
import { captureAfter } from '../model/decide.ts'
import type { OperationRow, PaymentStore } from '../ports/ports.ts'
import type { Processor, ProcessorOutcome } from './processor.ts'
import { nextCheckAtMs } from './schedule.ts'
import { isFinished, isInDoubt, type Operation, type PaymentState } from '../model/state.ts'
import type { PaymentWriter, Snapshot } from '../commands/writer.ts'

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
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly faults?: Faults | undefined
}

export interface OperationRunner {
  /** Calls the processor for an operation that has just been requested, and records what it answers. */
  drive(snapshot: Snapshot, opId: string, actor: string, waiting: Pick<OperationRow, 'key'>): Promise<Snapshot>
  /** Finds out what became of an operation that nobody is at work on, and brings it to an end if that can be done. */
  resolve(row: OperationRow, actor: string): Promise<Snapshot>
  /** Records what a processor tells of its own accord. */
  record(row: OperationRow, outcome: ProcessorOutcome, actor: string): Promise<Snapshot>
}

/** Close to its end a key may be gone at the processor, whatever its clock says: then it is not sent again. */
const KEY_LIFETIME_USED = 0.9

export function processorNamed(processors: Processors, name: string): Processor {
  const processor = processors.get(name)
  if (processor !== undefined) return processor
  const known = [...processors.keys()].join(', ')
  throw new AppError('processor_not_found', `No payment processor is named "${name}"; known: ${known}`)
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

function send(
  processor: Processor,
  snapshot: Snapshot,
  operation: Operation,
  signal: AbortSignal,
): Promise<ProcessorOutcome> {
  const { state, paymentIntentId } = snapshot
  const request = { key: operation.opId, paymentIntentId, amount: operation.amount, currency: state.currency, signal }
  if (operation.kind === 'authorize') return processor.authorize({ ...request, paymentMethod: state.paymentMethod })
  assert(state.reference !== undefined, `operation ${operation.opId} has no authorization to refer to`)
  return processor[operation.kind]({ ...request, reference: state.reference })
}

export function createOperationRunner(deps: OperationDeps): OperationRunner {
  const { store, writer, processors, clock, logger, metrics } = deps
  const faults: Faults = deps.faults ?? (() => undefined)

  /** Calls the processor. Whatever goes wrong leaves the outcome unknown: a failure to answer proves nothing. */
  async function call(snapshot: Snapshot, operation: Operation): Promise<ProcessorOutcome> {
    const processor = processorNamed(processors, snapshot.state.processor)
    const labels = { processor: processor.name, operation: operation.kind }
    const stop = metrics.processorSeconds.startTimer(labels)
    try {
      const outcome = await withinTime((signal) => send(processor, snapshot, operation, signal))
      stop({ outcome: outcome.kind })
      return outcome
    } catch (error) {
      stop({ outcome: 'unknown' })
      logger.warn({ err: error, op_id: operation.opId }, `${processor.name} gave no clear answer: ${messageOf(error)}`)
      return { kind: 'unknown', detail: messageOf(error) }
    }
  }

  async function recordOutcome(
    paymentIntentId: string,
    opId: string,
    outcome: ProcessorOutcome,
    by: { actor: string; known?: Snapshot; waiting: Pick<OperationRow, 'key' | 'attempts'> },
  ): Promise<{ snapshot: Snapshot; recorded: boolean; followUp: string | undefined }> {
    const command = { type: 'RecordOutcome', opId, outcome } as const
    const changed = await writer.change({ paymentIntentId, command, ...by })
    assert(changed.kind === 'done', 'an outcome takes no key')
    const next = captureAfter(opId)
    const followUp = changed.events.some((event) => event.event.type === 'CAPTURE_REQUESTED' && event.opId === next)
      ? next
      : undefined
    return { snapshot: changed.snapshot, recorded: changed.events.length > 0, followUp }
  }

  async function drive(
    from: Snapshot,
    firstOpId: string,
    actor: string,
    waiting: Pick<OperationRow, 'key'>,
  ): Promise<Snapshot> {
    let snapshot = from
    let opId: string | undefined = firstOpId
    while (opId !== undefined) {
      const operation = operationIn(snapshot.state, opId)
      await faults('requested', operation)
      const outcome = await call(snapshot, operation)
      await faults('answered', operation)
      const { key } = waiting
      const result = await recordOutcome(snapshot.paymentIntentId, opId, outcome, {
        actor,
        known: snapshot,
        waiting: { key, attempts: 0 },
      })
      await faults('recorded', operation)
      snapshot = result.snapshot
      opId = result.followUp
    }
    return snapshot
  }

  /** Asks the processor; only if it has never seen the key, and still would know it, is the same key sent again. */
  async function findOut(snapshot: Snapshot, row: OperationRow, operation: Operation): Promise<ProcessorOutcome> {
    const processor = processorNamed(processors, row.processor)
    const { kind, reference } = operation
    let found: ProcessorOutcome | undefined
    try {
      found = await withinTime((signal) =>
        processor.lookup({ key: row.opId, kind, paymentIntentId: row.paymentIntentId, reference, signal }),
      )
    } catch (error) {
      logger.warn({ err: error, op_id: row.opId }, `${processor.name} could not be asked: ${messageOf(error)}`)
      return { kind: 'unknown', detail: messageOf(error) }
    }
    if (found !== undefined) return found
    const ageMs = clock.now() - operation.requestedAtMs
    if (operation.status !== 'review' && ageMs < processor.capabilities.keyLifetimeMs * KEY_LIFETIME_USED)
      return call(snapshot, operation)
    return { kind: 'review', detail: `${processor.name} does not know it, and its key is too old to be sent again` }
  }

  async function resolve(row: OperationRow, actor: string): Promise<Snapshot> {
    const before = await writer.load(row.paymentIntentId)
    const operation = operationIn(before.state, row.opId)
    if (isFinished(operation)) return before
    const outcome = await findOut(before, row, operation)
    await faults('answered', operation)
    const attempts = row.attempts + 1
    const result = await recordOutcome(row.paymentIntentId, row.opId, outcome, {
      actor,
      known: before,
      waiting: { key: row.key, attempts },
    })
    await faults('recorded', operation)
    const now = operationIn(result.snapshot.state, row.opId)
    if (now.status === 'review' && operation.status !== 'review') {
      logger.error(
        { op_id: row.opId, payment_intent_id: row.paymentIntentId },
        `operation ${row.opId} needs a person: its outcome can't be found out`,
      )
    }
    if (!result.recorded && !isFinished(now)) {
      await store.postpone(
        row.opId,
        attempts,
        nextCheckAtMs(now.status === 'requested' ? 'unknown' : now.status, attempts, clock.now())!,
      )
    }
    return result.followUp === undefined ? result.snapshot : drive(result.snapshot, result.followUp, actor, row)
  }

  async function record(row: OperationRow, outcome: ProcessorOutcome, actor: string): Promise<Snapshot> {
    const result = await recordOutcome(row.paymentIntentId, row.opId, outcome, { actor, waiting: row })
    const operation = operationIn(result.snapshot.state, row.opId)
    if (!result.recorded && !isInDoubt(operation)) {
      logger.debug({ op_id: row.opId, outcome: outcome.kind }, 'a processor told what was known already')
    }
    return result.followUp === undefined ? result.snapshot : drive(result.snapshot, result.followUp, actor, row)
  }

  return { drive, resolve, record }
}

function operationIn(state: PaymentState, opId: string): Operation {
  const operation = state.operations.get(opId)
  assert(operation !== undefined, `operation ${opId} is not one of its payment`)
  return operation
}
