import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NO_HASH } from '../../src/core/canonical-json.ts'
import { AppError } from '../../src/core/errors.ts'
import type { PaymentCommand } from '../../src/payments/model/commands.ts'
import { decide } from '../../src/payments/model/decide.ts'
import { EVENT_TYPES, type RecordedEvent } from '../../src/payments/model/events.ts'
import { fold } from '../../src/payments/model/evolve.ts'
import { chainBreaks, seal } from '../../src/payments/model/hash-chain.ts'
import {
  capturableOf,
  initialState,
  isFinished,
  type Operation,
  type PaymentState,
  refundableOf,
} from '../../src/payments/model/state.ts'
import { stateFromJson, stateToJson } from '../../src/payments/model/state-json.ts'
import type { SealedEvent, StoredEvent } from '../../src/payments/ports/store.ts'
import type { DisputeFact, ProcessorOutcome } from '../../src/payments/processing/processor.ts'
import { authorized, captured, initiated } from '../setup/payment-histories.ts'

type Deed =
  | 'authorize'
  | 'increment'
  | 'capture'
  | 'void'
  | 'refund'
  | 'expire'
  | 'dispute'
  | 'evidence'
  | 'resolve'
  | 'outcome'

/** A step picks a command, and what it is about, by numbers: so that any list of steps is a history. */
interface Step {
  readonly deed: Deed
  readonly amount: number
  readonly pick: number
  readonly outcome: number
}

const deed = fc.oneof(
  { arbitrary: fc.constant<Deed>('outcome'), weight: 9 },
  { arbitrary: fc.constantFrom<Deed>('authorize', 'capture', 'refund'), weight: 6 },
  { arbitrary: fc.constantFrom<Deed>('increment', 'dispute', 'evidence'), weight: 3 },
  { arbitrary: fc.constantFrom<Deed>('void', 'expire', 'resolve'), weight: 2 },
)
const step = fc.record({
  deed,
  amount: fc.integer({ min: 1, max: 5_000 }),
  pick: fc.nat(1_000),
  outcome: fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, { arbitrary: fc.nat(8), weight: 2 }),
})
const history = fc.array(step, { maxLength: 60, size: 'max' })

const OUTCOMES: readonly ((amount: bigint) => ProcessorOutcome)[] = [
  (amount) => ({ kind: 'succeeded', amount, currency: 'USD', reference: 'ref' }),
  (amount) => ({ kind: 'succeeded', amount: amount > 1n ? amount / 2n : amount, currency: 'USD', reference: 'ref' }),
  () => ({ kind: 'failed', code: 'no', message: 'No' }),
  () => ({ kind: 'unknown', detail: 'timed out' }),
  () => ({ kind: 'pending', reference: 'ref' }),
  () => ({ kind: 'review', detail: 'nobody knows' }),
  () => ({ kind: 'action_required', reference: 'ref', action: { type: 'redirect' } }),
  () => ({ kind: 'failed', code: 'down', message: 'Down', failover: true }),
  (amount) => ({ kind: 'succeeded', amount, currency: 'USD', reference: 'ref', expiresAtMs: 20 }),
]

const DECISIONS = ['succeeded', 'failed', 'ask_again'] as const
const DISPUTE_ENDS = ['open', 'won', 'lost'] as const
/** Of the keys of personal data nothing is asked here. */
const SEALED = { key_id: 'k', data: 'AA==' }

/** `all` is every operation there ever was, as its row in the database would have it. */
function commandOf(
  step: Step,
  state: PaymentState,
  all: ReadonlyMap<string, Operation>,
  n: number,
): PaymentCommand | undefined {
  const opId = `op_${n}`
  const { pick } = step
  const amount = pick % 4 === 0 ? undefined : BigInt(step.amount)
  switch (step.deed) {
    case 'authorize':
      return { type: 'AuthorizePayment', opId }
    case 'increment':
      return { type: 'IncrementAuthorization', opId, amount: BigInt(step.amount) }
    case 'capture':
      return { type: 'CapturePayment', opId, amount, ...(pick % 5 === 0 ? { final: true } : {}) }
    case 'void':
      return { type: 'VoidPayment', opId }
    case 'refund':
      return { type: 'RefundPayment', opId, amount: pick % 2 === 0 ? BigInt(1 + (pick % 9)) : amount }
    case 'expire':
      return { type: 'ExpireAuthorization', nowMs: 1_000 }
    case 'dispute': {
      const status = DISPUTE_ENDS[pick % 3]!
      const fact = disputeFact(`dp_${pick % 2}`, BigInt(step.amount), status)
      return { type: status === 'open' ? 'OpenDispute' : 'CloseDispute', fact }
    }
    case 'evidence':
      return { type: 'SubmitEvidence', opId, disputeId: `dp_${pick % 2}`, evidence: SEALED }
    case 'resolve': {
      const inReview = [...state.operations.values()].find((operation) => operation.status === 'review')
      if (inReview === undefined) return undefined
      return { type: 'ResolveReview', opId: inReview.opId, decision: DECISIONS[pick % 3]!, note: 'seen' }
    }
    case 'outcome': {
      // Mostly of the newest operation, at times of any other, finished and forgotten ones too.
      const operations = [...all.values()]
      const newest = [...state.operations.values()].findLast((operation) => !isFinished(operation)) ?? operations.at(-1)
      const operation = pick % 3 === 0 ? operations[pick % Math.max(1, operations.length)] : newest
      if (operation === undefined) return undefined
      const outcome = OUTCOMES[step.outcome]!(operation.amount)
      return { type: 'RecordOutcome', opId: operation.opId, outcome, operation }
    }
  }
}

function disputeFact(disputeId: string, amount: bigint, status: DisputeFact['status']): DisputeFact {
  const about = { disputeId, paymentIntentId: 'pi_1', amount, currency: 'USD', reason: 'fraudulent', reference: 'ch' }
  return { ...about, status, evidenceDueMs: undefined }
}

function run(
  steps: readonly Step[],
  captureMethod: 'automatic' | 'manual',
  check: (state: PaymentState, all: ReadonlyMap<string, Operation>) => void,
  keep?: number,
): SealedEvent[] {
  const sealed: SealedEvent[] = []
  let state = initialState
  let remembering = initialState
  const append = (command: PaymentCommand) => {
    const after = { paymentIntentId: 'pi_1', version: state.version, hash: sealed.at(-1)?.hash ?? NO_HASH }
    const events = seal(decide(command, state), after, { actor: 'test', timestampMs: sealed.length })
    sealed.push(...events)
    const recorded = events.map(({ event }) => event)
    state = fold(recorded, state, keep)
    remembering = fold(recorded, remembering, Number.POSITIVE_INFINITY)
    check(state, remembering.operations)
  }
  const paymentMethod = { type: 'card', token: 'tok_ok', tokens: { second: 'tok_2' } }
  append({
    type: 'CreatePayment',
    amount: 10_000n,
    currency: 'USD',
    paymentMethod,
    captureMethod,
    route: ['sandbox', 'second'],
  })
  steps.forEach((one, n) => {
    const command = commandOf(one, state, remembering.operations, n)
    if (command === undefined) return
    try {
      append(command)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
    }
  })
  return sealed
}

const stored = (sealed: readonly SealedEvent[]): StoredEvent[] =>
  sealed.map(({ event, ...rest }, index) => ({
    ...rest,
    shard: 0,
    eventId: BigInt(index + 1),
    paymentIntentId: 'pi_1',
    type: event.type,
    timestampMs: event.timestampMs,
    payload: JSON.parse(JSON.stringify(event.payload)) as Record<string, unknown>,
  }))

const PAID = fold(
  [...initiated(), ...authorized(), ...captured('op_1', 10_000)].map((event) => ({ ...event, timestampMs: 0 })),
)

const method = fc.constantFrom('automatic' as const, 'manual' as const)

describe('the payment model', () => {
  it('keeps every limit, whatever is asked for and whatever the processor tells', () => {
    // A property of histories in which nothing happens would say nothing: all kinds of facts must have come up.
    const seen = new Set<string>()
    fc.assert(
      fc.property(history, method, (steps, captureMethod) => {
        const events = run(steps, captureMethod, (state) => {
          const { authorized, capturePending, captured, refundPending, refunded, disputed } = state
          for (const amount of [authorized, capturePending, captured, refundPending, refunded, disputed])
            expect(amount).toBeGreaterThanOrEqual(0n)
          expect(refunded + refundPending).toBeLessThanOrEqual(captured)
          expect(capturableOf(state)).toBeGreaterThanOrEqual(0n)
          expect(refundableOf(state)).toBeGreaterThanOrEqual(0n)
        })
        for (const { event } of events) seen.add(event.type)
      }),
      { numRuns: 500, seed: 20_260_301 },
    )
    expect([...seen].sort()).toEqual([...EVENT_TYPES].sort())
  })

  it('reserves exactly what open operations have asked for', () => {
    fc.assert(
      fc.property(history, method, (steps, captureMethod) => {
        run(steps, captureMethod, (state) => {
          const open = (kind: string) =>
            [...state.operations.values()]
              .filter((operation) => operation.kind === kind && !isFinished(operation))
              .reduce((sum, operation) => sum + operation.amount, 0n)
          expect(state.capturePending).toBe(open('capture'))
          expect(state.refundPending).toBe(open('refund'))
        })
      }),
    )
  })

  it('has taken and given back what its operations have moved, also those that it has forgotten', () => {
    let forgotten = 0
    fc.assert(
      fc.property(history, method, (steps, captureMethod) => {
        const check = (state: PaymentState, all: ReadonlyMap<string, Operation>) => {
          const moved = (kind: string) =>
            [...all.values()]
              .filter((operation) => operation.kind === kind && operation.status === 'succeeded')
              .reduce((sum, operation) => sum + operation.settled, 0n)
          expect(state.captured).toBe(moved('capture'))
          expect(state.refunded).toBe(moved('refund'))
          forgotten = Math.max(forgotten, all.size - state.operations.size)
        }
        // So few that facts about forgotten ones come up all the time.
        run(steps, captureMethod, check, 3)
      }),
      { numRuns: 300, seed: 20_260_302 },
    )
    expect(forgotten).toBeGreaterThan(5)
  })

  it('holds back what disputes say that are not won, and lets nothing in dispute be refunded', () => {
    fc.assert(
      fc.property(history, method, (steps, captureMethod) => {
        run(steps, captureMethod, (state) => {
          const held = [...state.disputes.values()]
            .filter((dispute) => dispute.status !== 'won')
            .reduce((sum, dispute) => sum + dispute.amount, 0n)
          expect(state.disputed).toBe(held)
          const left = state.captured - state.refunded - state.refundPending - held
          expect(refundableOf(state)).toBe(left > 0n ? left : 0n)
        })
      }),
    )
  })

  it('is the same in the end in whatever order, and however often, disputes are told of', () => {
    const dispute = fc.record({ amount: fc.bigInt({ min: 1n, max: 5_000n }), end: fc.constantFrom(...DISPUTE_ENDS) })
    const facts = fc.array(dispute, { minLength: 1, maxLength: 4 }).chain((disputes) => {
      const told = disputes.flatMap(({ amount, end }, n) =>
        [...new Set(['open', end] as const)].map((status) => disputeFact(`dp_${n}`, amount, status)),
      )
      const doubled = [...told, ...told]
      return fc.tuple(
        fc.constant(told),
        fc.shuffledSubarray(doubled, { minLength: doubled.length, maxLength: doubled.length }),
      )
    })
    const tell = (order: readonly DisputeFact[]) =>
      order.reduce((state, fact) => {
        const type = fact.status === 'open' ? 'OpenDispute' : 'CloseDispute'
        return fold(
          decide({ type, fact }, state).map((event) => ({ ...event, timestampMs: 0 })),
          state,
        )
      }, PAID)
    fc.assert(
      fc.property(facts, ([inOrder, anyOrder]) => {
        const byId = ({ disputes }: PaymentState) =>
          [...disputes.values()].sort((a, b) => (a.disputeId < b.disputeId ? -1 : 1))
        const [one, other] = [tell(inOrder), tell(anyOrder)]
        expect(byId(other)).toEqual(byId(one))
        expect(other.disputed).toBe(one.disputed)
      }),
    )
  })

  it('is the same folded at once, in any two parts, or by way of JSON', () => {
    fc.assert(
      fc.property(history, fc.nat(60), method, (steps, cut, captureMethod) => {
        const events = run(steps, captureMethod, () => undefined).map(({ event }): RecordedEvent => event)
        const whole = fold(events)
        const first = fold(events.slice(0, cut))
        expect(fold(events.slice(cut), first)).toEqual(whole)
        expect(stateFromJson(JSON.parse(JSON.stringify(stateToJson(whole))) as Record<string, unknown>)).toEqual(whole)
      }),
    )
  })

  it('betrays every change of a stored event, every gap and every exchange', () => {
    fc.assert(
      fc.property(history, fc.nat(1_000), (steps, pick) => {
        const events = stored(run(steps, 'manual', () => undefined))
        expect(chainBreaks(events)).toEqual([])
        const at = pick % events.length
        const victim = events[at]!
        const changed = [
          { ...victim, payload: { ...victim.payload, amount: Number(victim.payload['amount'] ?? 0) + 1 } },
          { ...victim, actor: `${victim.actor}x` },
          { ...victim, timestampMs: victim.timestampMs + 1 },
          { ...victim, type: victim.type === 'CAPTURED' ? 'REFUNDED' : 'CAPTURED' },
        ]
        for (const forged of changed) expect(chainBreaks(events.with(at, forged))).not.toEqual([])
        if (at < events.length - 1) expect(chainBreaks(events.toSpliced(at, 1))).not.toEqual([])
      }),
      { numRuns: 200 },
    )
  })
})
