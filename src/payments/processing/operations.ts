import { maskCardNumbers } from '../../core/card-number.ts'
import type { Clock } from '../../core/clock.ts'
import { AppError, assert, isAppError, messageOf } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import type { Metrics } from '../../core/metrics.ts'
import type { Changed, PaymentWriter, Snapshot } from '../commands/writer.ts'
import type { Command } from '../model/commands.ts'
import { decide } from '../model/decide.ts'
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

  /**
   * Records an outcome. One that contradicts what stands may be the older word (a late answer, a message that was
   * overtaken): then it counts what the processor says now, if nothing was recorded meanwhile. `followUp` is the operation
   * that follows from this one by itself, to be driven next.
   */
  async function recordOutcome(
    paymentIntentId: string,
    command: Command<'RecordOutcome'>,
    by: Recording & { known?: Snapshot },
  ): Promise<Recorded> {
    const masked = { ...command, outcome: withoutCards(command.outcome) }
    const { known, ...others } = by
    for (let latest = known; ; latest = undefined) {
      const change = { paymentIntentId, command: { ...masked, asFirst: true }, known: latest, ...others } as const
      const first = recordedBy(await writer.change(change), command.opId)
      if (first.recorded || decide(masked, first.snapshot.state).length === 0) return first
      try {
        return await reconsider(first.snapshot, masked, by)
      } catch (error) {
        if (!isAppError(error, 'version_mismatch')) throw error
      }
    }
  }

  async function reconsider(from: Snapshot, command: Command<'RecordOutcome'>, by: Recording): Promise<Recorded> {
    const { paymentIntentId, state } = from
    const { opId } = command
    const row = await store.operation(opId)
    assert(row !== undefined, `operation ${opId} has an outcome but no row`)
    const operation = operationOf(row)
    const outcome = await askAgain(from, row, command.outcome, by.isFirstHand)
    const settled = { type: 'RecordOutcome', opId, outcome, operation } as const
    const { actor, waiting } = by
    const change = { paymentIntentId, command: settled, actor, waiting, expectedVersion: state.version }
    return recordedBy(await writer.change(change), opId)
  }

  /** What the processor says now. Who can't ask again later goes by what he was told himself when there is no answer. */
  async function askAgain(from: Snapshot, row: OperationRow, told: ProcessorOutcome, isFirstHand: boolean) {
    // Where look-ups need the processor's name for it, this may be the first to tell.
    const reference = row.reference ?? (told.kind === 'succeeded' ? told.reference : undefined)
    try {
      const said = await lookup(from, row, { ...operationOf(row), ...(reference === undefined ? {} : { reference }) })
      if (said === undefined) return told
      if (said.kind === 'succeeded' || said.kind === 'failed') return withoutCards(said)
      throw new Error(`${row.processor} contradicts itself about ${row.opId}, and says ${said.kind}`)
    } catch (error) {
      if (!isFirstHand) throw error
      logger.warn({ err: error, op_id: row.opId }, `${row.processor} could not be asked: ${messageOf(error)}`)
      return told
    }
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
      const by = { actor, known: snapshot, waiting: { key, attempts: 0 }, isFirstHand: true }
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
      ...{ actor, known: before, waiting: { key: row.key, attempts }, isFirstHand: true },
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
    const result = await recordOutcome(paymentIntentId, command, { actor, waiting: row, isFirstHand: false })
    if (!result.recorded)
      logger.debug({ op_id: opId, outcome: outcome.kind }, 'a processor told what was known already')
    return result.followUp === undefined ? result.snapshot : drive(result.snapshot, result.followUp, actor, row)
  }

  async function settle(row: OperationRow, decided: Command<'ResolveReview'>, actor: string): Promise<Snapshot> {
    const { paymentIntentId } = row
    // What is asked again is asked soon, however often it was before.
    const waiting = { ...row, attempts: 0 }
    const changed = await writer.change({ paymentIntentId, command: decided, actor, waiting })
    assert(changed.kind === 'done', 'a decision takes no key')
    const followUp = followUpIn(changed.events, row.opId)
    return followUp === undefined ? changed.snapshot : drive(changed.snapshot, followUp, actor, row)
  }

  return { drive, resolve, record, settle }
}

interface Recording {
  readonly actor: string
  readonly waiting: Pick<OperationRow, 'key' | 'attempts'>
  /** An answer to this very call, which will not come again; otherwise a message that can be read once more. */
  readonly isFirstHand: boolean
}

interface Recorded {
  readonly snapshot: Snapshot
  readonly recorded: boolean
  readonly followUp: string | undefined
}

function recordedBy(changed: Changed, opId: string): Recorded {
  assert(changed.kind === 'done', 'an outcome takes no key')
  const { snapshot, events } = changed
  return { snapshot, recorded: events.length > 0, followUp: followUpIn(events, opId) }
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
