import type { Clock } from '../../core/clock.ts'
import { checkExpectedVersion, judgeKey, type KeyVerdict } from '../../core/command.ts'
import { AppError, assert, isAppError } from '../../core/errors.ts'
import { shardOfPrefixedId } from '../../core/ids.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Metrics } from '../../core/metrics.ts'
import { backoffMs } from '../../core/retry.ts'
import type { PaymentCommand } from '../model/commands.ts'
import { decide } from '../model/decide.ts'
import { fold } from '../model/evolve.ts'
import { seal } from '../model/hash-chain.ts'
import { expiresAtMs, initialState, type PaymentState, statusOf } from '../model/state.ts'
import { readEvent } from '../model/upcast.ts'
import type {
  HeadDelta,
  KeyChange,
  OperationRow,
  PaymentAppend,
  PaymentStore,
  PlacedKey,
  SealedEvent,
  StoredAnswer,
  StoredEvent,
} from '../ports/store.ts'
import { nextCheckAtMs } from '../processing/schedule.ts'
import { doubtOf } from '../reading/documents.ts'
import { createKeyedMutex } from './keyed-mutex.ts'

/** A payment at one version, with what its next event is chained to. */
export interface Snapshot {
  readonly paymentIntentId: string
  readonly state: PaymentState
  readonly hash: Uint8Array
}

export interface Change {
  readonly paymentIntentId: string
  /** What is asked for, or what makes it of the newest state. */
  readonly command: PaymentCommand | ((state: PaymentState) => PaymentCommand)
  readonly actor: string
  readonly expectedVersion?: number | undefined
  /** The payment as the caller has just seen it; spares a look if it is still so. */
  readonly known?: Snapshot | undefined
  /** The key that a new command takes. */
  readonly takes?: { readonly key: PlacedKey; readonly opId: string } | undefined
  /** The key that waits for this outcome, and how often the worker has asked for it. */
  readonly waiting?: Pick<OperationRow, 'key' | 'attempts'> | undefined
}

export type Changed =
  /** `events` is empty when the command changes nothing. */
  | { readonly kind: 'done'; readonly snapshot: Snapshot; readonly events: readonly SealedEvent[] }
  /** The key had been used before. */
  | { readonly kind: 'repeated'; readonly verdict: KeyVerdict }

export interface PaymentWriter {
  /** Throws `payment_not_found`. */
  load(paymentIntentId: string): Promise<Snapshot>
  /**
   * Decides a command on the newest state and appends its events. Commands of one payment queue up here; a race lost to
   * another process is decided again, until {@link LIMITS.commandMsMax} have passed: then `write_contention`.
   */
  change(change: Change): Promise<Changed>
}

export interface WriterDeps {
  readonly store: PaymentStore
  readonly clock: Clock
  readonly metrics: Metrics
  /** A hint that something was appended. */
  readonly onAppended?: (() => void) | undefined
}

/** The state that stored events add up to. Throws `unknown_event_version`. */
export function foldStored(events: readonly StoredEvent[], from: PaymentState = initialState): PaymentState {
  return fold(events.map(readEvent), from)
}

export function paymentNotFound(paymentIntentId: string): AppError {
  return new AppError('payment_not_found', `There is no payment ${paymentIntentId}`)
}

/** A race lost moves the version on; refused at the same one again and again, the row itself must be wrong. */
const SAME_VERSION_MAX = 10
const CONTENTION_BACKOFF = { firstMs: 2, maxMs: 100 }

function deltaOf(before: PaymentState, after: PaymentState): HeadDelta {
  return {
    authorized: after.authorized - before.authorized,
    capturePending: after.capturePending - before.capturePending,
    captured: after.captured - before.captured,
    refundPending: after.refundPending - before.refundPending,
    refunded: after.refunded - before.refunded,
    disputed: after.disputed - before.disputed,
  }
}

/** Both states with an operation that they have forgotten, when the events are about it. */
function remembering(
  command: PaymentCommand,
  before: PaymentState,
  after: PaymentState,
  events: readonly SealedEvent[],
): [before: PaymentState, after: PaymentState] {
  const operation = command.type === 'RecordOutcome' ? command.operation : undefined
  if (operation === undefined || before.operations.has(operation.opId)) return [before, after]
  const recalled = { ...before, operations: new Map(before.operations).set(operation.opId, operation) }
  const recorded = events.map(({ event }) => event)
  return [recalled, fold(recorded, recalled, Number.POSITIVE_INFINITY)]
}

function operationRows(
  change: Change,
  before: PaymentState,
  after: PaymentState,
  events: readonly SealedEvent[],
  nowMs: number,
): OperationRow[] {
  const ids = new Set(events.flatMap((event) => event.opId ?? []))
  // What ends with the command though no event is about it: the authorization that a void has cancelled.
  for (const { opId, status } of after.operations.values())
    if (before.operations.has(opId) && before.operations.get(opId)?.status !== status) ids.add(opId)
  const { takes, waiting } = change
  const key =
    takes === undefined
      ? waiting?.key
      : { shard: takes.key.shard, scope: takes.key.scope, key: takes.key.key, opId: takes.opId }
  return [...ids].map((opId) => {
    const operation = after.operations.get(opId)
    assert(operation !== undefined, `operation ${opId} has an event but no state`)
    const { kind, amount, settled, status, processor, reference, disputeId, requestedAtMs } = operation
    // What follows an operation starts with a clean count of look-ups.
    const attempts = status === 'requested' ? 0 : (waiting?.attempts ?? 0)
    return {
      ...{ opId, paymentIntentId: change.paymentIntentId, kind, amount, settled, processor, status, reference },
      ...{ disputeId, attempts, requestedAtMs, nextCheckAtMs: nextCheckAtMs(status, attempts, nowMs), key },
    }
  })
}

export function answerOf(
  status: number,
  paymentIntentId: string,
  { version }: PaymentState,
  opId?: string,
): StoredAnswer {
  const body = { payment_intent_id: paymentIntentId, version, ...(opId === undefined ? {} : { op_id: opId }) }
  return { status, body }
}

/** What becomes of the key of the command: it runs on, has its answer, or is left to whoever asks again. */
function keyChange(change: Change, after: PaymentState, nowMs: number): KeyChange | undefined {
  const { takes, waiting, paymentIntentId } = change
  if (takes !== undefined) {
    const { key, opId } = takes
    const leaseUntilMs = nowMs + LIMITS.idempotencyLeaseMs
    if (after.operations.has(opId)) return { kind: 'take', key, opId, leaseUntilMs, answer: undefined }
    const answer = answerOf(200, paymentIntentId, after, opId)
    return { kind: 'take', key, opId: undefined, leaseUntilMs: undefined, answer }
  }
  const key = waiting?.key
  if (key === undefined) return undefined
  const doubt = doubtOf(after, key.opId)
  if (doubt === undefined) return { kind: 'finish', key, answer: answerOf(200, paymentIntentId, after, key.opId) }
  return doubt.status === 'requested' ? undefined : { kind: 'release', key }
}

export function createPaymentWriter({ store, clock, metrics, onAppended }: WriterDeps): PaymentWriter {
  const mutex = createKeyedMutex()

  async function load(paymentIntentId: string): Promise<Snapshot> {
    const { snapshot, events } = await store.load(paymentIntentId)
    const last = events.at(-1) ?? snapshot
    if (last === undefined) throw paymentNotFound(paymentIntentId)
    return { paymentIntentId, state: foldStored(events, snapshot?.state), hash: last.hash }
  }

  /** What the key of a new command says about it; `undefined` when nobody has used it. */
  async function judge({ takes }: Change): Promise<Changed | undefined> {
    const stored = takes === undefined ? undefined : await store.readKey(takes.key)
    if (takes === undefined || stored === undefined) return undefined
    return { kind: 'repeated', verdict: judgeKey(takes.key, stored, clock.now()) }
  }

  async function attempt(change: Change, snapshot: Snapshot): Promise<Changed | 'conflict' | 'key_taken'> {
    const { paymentIntentId, actor, expectedVersion } = change
    const { state } = snapshot
    checkExpectedVersion({ expectedVersion }, state.version)
    const command = typeof change.command === 'function' ? change.command(state) : change.command
    const decided = decide(command, state)
    if (decided.length === 0) return { kind: 'done', snapshot, events: [] }
    const timestampMs = clock.now()
    const events = seal(
      decided,
      { paymentIntentId, version: state.version, hash: snapshot.hash },
      { actor, timestampMs },
    )
    const after = fold(
      events.map((sealed) => sealed.event),
      state,
    )
    const append: PaymentAppend = {
      shard: shardOfPrefixedId('pi', paymentIntentId)!,
      paymentIntentId,
      expectedVersion: state.version,
      events,
      status: statusOf(after),
      delta: deltaOf(state, after),
      expiresAtMs: expiresAtMs(after),
      operations: operationRows(change, ...remembering(command, state, after, events), events, timestampMs),
      key: keyChange(change, after, timestampMs),
    }
    const outcome = await store.append(append)
    if (outcome !== 'appended') return outcome
    metrics.appendedEvents.inc({ log: 'payments' }, events.length)
    onAppended?.()
    return { kind: 'done', snapshot: { paymentIntentId, state: after, hash: events.at(-1)!.hash }, events }
  }

  async function changeInTurn(change: Change): Promise<Changed> {
    const deadline = clock.now() + LIMITS.commandMsMax
    let snapshot = change.known
    let refused = { version: -1, times: 0 }
    for (let tries = 1; ; tries++) {
      if (snapshot === undefined) {
        const [loaded, repeated] = await Promise.all([load(change.paymentIntentId), judge(change)])
        if (repeated !== undefined) return repeated
        snapshot = loaded
      }
      try {
        const result = await attempt(change, snapshot)
        if (typeof result === 'object') return result
        if (result === 'key_taken') {
          const repeated = await judge(change)
          if (repeated !== undefined) return repeated
        }
      } catch (refusal) {
        // The state may be refused just because this very command changed it: its key tells.
        const repeated = isAppError(refusal) ? await judge(change) : undefined
        if (repeated !== undefined) return repeated
        throw refusal
      }
      refused = {
        version: snapshot.state.version,
        times: refused.version === snapshot.state.version ? refused.times + 1 : 1,
      }
      assert(
        refused.times < SAME_VERSION_MAX,
        `the head of ${change.paymentIntentId} differs from its events; verify payments`,
      )
      snapshot = undefined
      if (clock.now() >= deadline) {
        throw new AppError('write_contention', undefined, { retryAfterMs: 100 })
      }
      if (tries > 2) await clock.sleep(backoffMs(tries - 2, CONTENTION_BACKOFF))
    }
  }

  return { load, change: (change) => mutex.run(change.paymentIntentId, () => changeInTurn(change)) }
}
