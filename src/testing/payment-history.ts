import { NO_HASH } from '../core/canonical-json.ts'
import { systemClock } from '../core/clock.ts'
import { prefixedId } from '../core/ids.ts'
import type { PaymentEvent } from '../payments/model/events.ts'
import { fold } from '../payments/model/evolve.ts'
import { seal } from '../payments/model/hash-chain.ts'
import { initialState, type PaymentState, statusOf } from '../payments/model/state.ts'
import type { HeadDelta, PaymentStore, SealedEvent } from '../payments/ports/store.ts'

/** Events of one append. */
const APPENDED_MAX = 500

/** A payment that is captured one minor unit at a time, event by event for ever; `n` counts from 1. */
function eventAt(n: number): PaymentEvent {
  const opId = `op_${n >> 1}`
  if (n === 1) {
    const payment_method = { type: 'card', token: 'tok_ok' }
    const payload = { amount: 1_000_000, currency: 'USD', payment_method, route: ['sandbox'] }
    return { type: 'INITIATED', payload: { ...payload, capture_method: 'manual' } }
  }
  const amount = n <= 3 ? 1_000_000 : 1
  const reference = `ref_${opId}`
  if (n === 2) return { type: 'AUTHORIZATION_REQUESTED', payload: { op_id: opId, amount } }
  if (n === 3) return { type: 'AUTHORIZED', payload: { op_id: opId, amount, reference } }
  return n % 2 === 0
    ? { type: 'CAPTURE_REQUESTED', payload: { op_id: opId, amount } }
    : { type: 'CAPTURED', payload: { op_id: opId, amount, reference } }
}

export interface PaymentHistory {
  readonly paymentIntentId: string
  readonly shard: number
  readonly events: readonly SealedEvent[]
}

/** A payment with so many events, the `version`th of them recorded at `timeOf(version)`, in milliseconds. */
export function paymentHistory(
  count: number,
  shard = 0,
  timeOf: (version: number) => number = () => Date.UTC(2026, 0, 31),
): PaymentHistory {
  const paymentIntentId = prefixedId('pi', shard, systemClock)
  const events: SealedEvent[] = []
  for (let version = 1; version <= count; version++) {
    const after = { paymentIntentId, version: version - 1, hash: events.at(-1)?.hash ?? NO_HASH }
    events.push(...seal([eventAt(version)], after, { actor: 'tests', timestampMs: timeOf(version) }))
  }
  return { paymentIntentId, shard, events }
}

export const stateAt = ({ events }: PaymentHistory, version: number): PaymentState =>
  fold(events.slice(0, version).map(({ event }) => event))

function deltaOf(before: PaymentState, after: PaymentState): HeadDelta {
  const { authorized, capturePending, captured } = after
  return {
    ...{ refundPending: 0n, refunded: 0n, disputed: 0n, authorized: authorized - before.authorized },
    ...{ capturePending: capturePending - before.capturePending, captured: captured - before.captured },
  }
}

/** Appends the history as a payment would: its head and its numbers in the log are right. */
export async function storeHistory(
  store: PaymentStore,
  { paymentIntentId, shard, events }: PaymentHistory,
): Promise<void> {
  const [first, ...rest] = events
  let state = fold([first!.event], initialState)
  const answer = { status: 201, body: { payment_intent_id: paymentIntentId, version: 1 } }
  await store.create({ shard, paymentIntentId, state, event: first!, key: undefined, answer })
  for (let from = 0; from < rest.length; ) {
    const timeMs = rest[from]!.event.timestampMs
    const others = rest.findIndex(({ event }, n) => n > from && event.timestampMs !== timeMs)
    const chunk = rest.slice(from, Math.min(from + APPENDED_MAX, others < 0 ? rest.length : others))
    from += chunk.length
    const after = fold(
      chunk.map(({ event }) => event),
      state,
    )
    const outcome = await store.append({
      ...{ shard, paymentIntentId, expectedVersion: state.version, events: chunk, status: statusOf(after) },
      ...{ delta: deltaOf(state, after), expiresAtMs: undefined, operations: [], key: undefined },
    })
    if (outcome !== 'appended') throw new Error(`a history of its own was refused: ${outcome}`)
    state = after
  }
}
