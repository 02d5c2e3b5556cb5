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
  type PaymentState,
  refundableOf,
} from '../../src/payments/model/state.ts'
import { stateFromJson, stateToJson } from '../../src/payments/model/state-json.ts'
import type { SealedEvent, StoredEvent } from '../../src/payments/ports/store.ts'
import type { ProcessorOutcome } from '../../src/payments/processing/processor.ts'

type Deed = 'authorize' | 'capture' | 'void' | 'refund' | 'expire' | 'outcome'

/** A step picks a command, and what it is about, by numbers: so that any list of steps is a history. */
interface Step {
  readonly deed: Deed
  readonly amount: number
  readonly pick: number
  readonly outcome: number
}

const deed = fc.oneof(
  { arbitrary: fc.constant<Deed>('outcome'), weight: 8 },
  { arbitrary: fc.constantFrom<Deed>('authorize', 'capture', 'refund'), weight: 6 },
  { arbitrary: fc.constantFrom<Deed>('void', 'expire'), weight: 1 },
)
const step = fc.record({
  deed,
  amount: fc.integer({ min: 1, max: 5_000 }),
  pick: fc.nat(1_000),
  outcome: fc.oneof({ arbitrary: fc.constant(0), weight: 3 }, { arbitrary: fc.nat(6), weight: 2 }),
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
]

function commandOf(step: Step, state: PaymentState, n: number): PaymentCommand | undefined {
  const opId = `op_${n}`
  const amount = step.pick % 4 === 0 ? undefined : BigInt(step.amount)
  switch (step.deed) {
    case 'authorize':
      return { type: 'AuthorizePayment', opId }
    case 'capture':
      return { type: 'CapturePayment', opId, amount }
    case 'void':
      return { type: 'VoidPayment', opId }
    case 'refund':
      return { type: 'RefundPayment', opId, amount }
    case 'expire':
      return { type: 'ExpireAuthorization', nowMs: 0 }
    case 'outcome': {
      // Mostly of the newest operation, at times of any other, finished ones too.
      const operations = [...state.operations.values()]
      const operation = step.pick % 3 === 0 ? operations[step.pick % Math.max(1, operations.length)] : operations.at(-1)
      if (operation === undefined) return undefined
      return { type: 'RecordOutcome', opId: operation.opId, outcome: OUTCOMES[step.outcome]!(operation.amount) }
    }
  }
}

function run(
  steps: readonly Step[],
  captureMethod: 'automatic' | 'manual',
  check: (state: PaymentState) => void,
): SealedEvent[] {
  const sealed: SealedEvent[] = []
  let state = initialState
  const append = (command: PaymentCommand) => {
    const after = { paymentIntentId: 'pi_1', version: state.version, hash: sealed.at(-1)?.hash ?? NO_HASH }
    const events = seal(decide(command, state), after, { actor: 'test', timestampMs: sealed.length })
    sealed.push(...events)
    state = fold(
      events.map(({ event }) => event),
      state,
    )
    check(state)
  }
  const paymentMethod = { type: 'card', token: 'tok_ok' }
  append({
    type: 'CreatePayment',
    amount: 10_000n,
    currency: 'USD',
    paymentMethod,
    captureMethod,
    route: ['sandbox'],
  })
  steps.forEach((one, n) => {
    const command = commandOf(one, state, n)
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

const method = fc.constantFrom('automatic' as const, 'manual' as const)

describe('the payment model', () => {
  it('keeps every limit, whatever is asked for and whatever the processor tells', () => {
    // A property of histories in which nothing happens would say nothing: all kinds of facts must have come up.
    const seen = new Set<string>()
    fc.assert(
      fc.property(history, method, (steps, captureMethod) => {
        const events = run(steps, captureMethod, (state) => {
          const amounts = [state.authorized, state.capturePending, state.captured, state.refundPending, state.refunded]
          for (const amount of amounts) expect(amount).toBeGreaterThanOrEqual(0n)
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
