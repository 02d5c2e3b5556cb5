import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import type { LogEvent } from '../../src/log/port.ts'
import { decide } from '../../src/payments/model/decide.ts'
import { EVENT_VERSIONS, type PaymentEvent, type RecordedEvent } from '../../src/payments/model/events.ts'
import { evolve, fold } from '../../src/payments/model/evolve.ts'
import { initialState, type Operation, type PaymentState } from '../../src/payments/model/state.ts'
import type { DisputeRow } from '../../src/payments/ports/views.ts'
import { accountRule } from '../../src/payments/read-model/accounts.ts'
import { type BatchRows, foldBatch } from '../../src/payments/read-model/fold-batch.ts'
import { type Posting, postingsOf } from '../../src/payments/read-model/postings.ts'
import { commandOf, type Step } from '../setup/payment-steps.ts'

const DAY_MS = 86_400_000
const step = fc.record({ deed: fc.nat(15), pick: fc.nat(1_000) })
const life = fc.array(step, { minLength: 5, maxLength: 50, size: 'max' })
const lives = fc.array(life, { minLength: 1, maxLength: 4, size: 'max' })

/** The facts of one payment. */
function liveOn(steps: readonly Step[], n: number): RecordedEvent[] {
  const events: RecordedEvent[] = []
  let state = initialState
  let remembering = initialState
  const append = (decided: readonly PaymentEvent[]) => {
    for (const event of decided) {
      const recorded = { ...event, timestampMs: (events.length * DAY_MS) / 3 } as RecordedEvent
      events.push(recorded)
      state = evolve(state, recorded)
      remembering = fold([recorded], remembering, Number.POSITIVE_INFINITY)
    }
  }
  append(
    decide(
      {
        ...{ type: 'CreatePayment', amount: 1_000n, currency: n % 2 === 0 ? 'USD' : 'JPY', customerId: `c_${n}` },
        paymentMethod: { type: 'card', token: 'tok', tokens: { second: 'tok' } },
        ...{ captureMethod: n % 3 === 0 ? 'automatic' : 'manual', route: ['first', 'second'] },
      },
      state,
    ),
  )
  steps.forEach((one, index) => {
    const about = { paymentIntentId: `pi_${n}`, state, opId: `op_${n}x${index}` }
    const command = commandOf(one, about, [...remembering.operations.values()])
    if (command === undefined) return
    try {
      append(decide(command, state))
    } catch (error) {
      if (!(error instanceof AppError)) throw error
    }
  })
  return events
}

/** The log of several payments whose events lie mixed. */
function logOf(histories: readonly (readonly Step[])[]): LogEvent[] {
  const streams = histories.map(liveOn)
  const log: LogEvent[] = []
  for (let version = 1; streams.some((events) => events.length >= version); version++) {
    streams.forEach((events, n) => {
      const event = events[version - 1]
      if (event === undefined) return
      const { type, payload, timestampMs } = event
      log.push({
        ...{ shard: 0, eventId: BigInt(log.length + 1), streamId: `pi_${n}`, version, type, timestampMs },
        ...{ schemaVersion: EVENT_VERSIONS[type], payload: payload as unknown as Record<string, unknown> },
      })
    })
  }
  return log
}

/** What tables hold after these batches, as the projection writes them. */
function tables(batches: readonly (readonly LogEvent[])[]) {
  const states = new Map<string, PaymentState>()
  const disputes = new Map<string, DisputeRow>()
  const sums = new Map<string, number | bigint>()
  const rows: Pick<BatchRows, 'transactions' | 'entries'>[] = []
  const add = (key: string, more: number | bigint) => {
    const known = sums.get(key)
    sums.set(key, typeof more === 'bigint' ? BigInt(known ?? 0n) + more : Number(known ?? 0) + more)
  }
  for (const batch of batches) {
    const folded = foldBatch(batch, states)
    for (const [id, state] of folded.states) states.set(id, state)
    for (const row of folded.disputes) {
      const key = `${row.paymentIntentId} ${row.disputeId}`
      const known = disputes.get(key)
      disputes.set(key, known === undefined ? row : { ...known, status: row.status, updatedAtMs: row.updatedAtMs })
    }
    for (const { account, currency, debit, credit } of folded.balances) {
      add(`${account} ${currency} debit`, debit)
      add(`${account} ${currency} credit`, credit)
    }
    for (const { day, currency, processor, ...counts } of folded.days)
      for (const [name, count] of Object.entries(counts)) add(`${day} ${currency} ${processor} ${name}`, count)
    rows.push(folded)
  }
  return {
    ...{ states, disputes, sums },
    transactions: rows.flatMap(({ transactions }) => transactions),
    entries: rows.flatMap(({ entries }) => entries),
  }
}

const total = (amounts: readonly bigint[]) => amounts.reduce((sum, amount) => sum + amount, 0n)

describe('the ledger of payments', () => {
  it('adds up to nothing with each event, and to what the payments say by account', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(lives, (histories) => {
        const log = logOf(histories)
        const { states, entries } = tables([log])
        const sums = new Map<string, bigint>()
        for (const { eventId, amount, account } of entries) {
          sums.set(String(eventId), (sums.get(String(eventId)) ?? 0n) + amount)
          expect(accountRule(account)).toBeDefined()
          seen.add(account)
        }
        for (const sum of sums.values()) expect(sum).toBe(0n)
        for (const [id, { captured, refunded, disputed }] of states) {
          const of = (isWanted: (account: string) => boolean) =>
            total(
              entries
                .filter((entry) => entry.paymentIntentId === id && isWanted(entry.account))
                .map(({ amount }) => amount),
            )
          expect(of((account) => account === 'sales')).toBe(-captured)
          expect(of((account) => account === 'refunds')).toBe(refunded)
          expect(of((account) => account.startsWith('dispute'))).toBe(disputed)
          const excess = of((account) => account === 'refunds_excess')
          expect(of((account) => account.startsWith('processor:'))).toBe(captured - refunded - disputed - excess)
        }
      }),
      { numRuns: 300, seed: 20_261_122 },
    )
    // A property of payments in which nothing happens would say nothing.
    expect([...seen].sort()).toEqual([
      ...[
        'dispute_losses',
        'disputes_held',
        'processor:first',
        'processor:second',
        'refunds',
        'refunds_excess',
        'sales',
      ],
    ])
  })

  it('and all other read models are the same folded in any batches', () => {
    fc.assert(
      fc.property(lives, fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (histories, sizes) => {
        const log = logOf(histories)
        const batches: LogEvent[][] = []
        for (let at = 0, n = 0; at < log.length; n++) {
          const size = sizes[n % sizes.length]!
          batches.push(log.slice(at, at + size))
          at += size
        }
        expect(tables(batches)).toEqual(tables([log]))
      }),
      { numRuns: 150 },
    )
  })

  it('counts in the sums of days what the payments say', () => {
    fc.assert(
      fc.property(lives, (histories) => {
        const { states, sums } = tables([logOf(histories)])
        const of = (currency: string, name: string) =>
          [...sums].filter(([key]) => key.split(' ')[1] === currency && key.endsWith(` ${name}`)).map(([, sum]) => sum)
        for (const currency of ['USD', 'JPY']) {
          const payments = [...states.values()].filter((state) => state.currency === currency)
          expect(total(of(currency, 'capturedAmount') as bigint[])).toBe(total(payments.map((each) => each.captured)))
          expect(total(of(currency, 'refundedAmount') as bigint[])).toBe(total(payments.map((each) => each.refunded)))
          expect(total(of(currency, 'created').map(BigInt))).toBe(BigInt(payments.length))
        }
      }),
      { numRuns: 150 },
    )
  })
})

describe('a posting', () => {
  const operation = (opId: string, kind: Operation['kind'], status: Operation['status'], amount: bigint): Operation => {
    return { opId, kind, amount, settled: 0n, status, processor: 'bank', requestedAtMs: 0 }
  }
  const paid: PaymentState = {
    ...{ ...initialState, version: 9, phase: 'authorized', currency: 'USD', processor: 'bank' },
    ...{ authorized: 1_000n, captured: 800n, capturePending: 200n, refunded: 500n, refundPending: 100n },
    operations: new Map(
      [
        operation('op_c', 'capture', 'requested', 200n),
        operation('op_r', 'refund', 'requested', 100n),
        operation('op_f', 'refund', 'failed', 300n),
      ].map((each) => [each.opId, each]),
    ),
  }
  /** The lines of the last of these events. */
  function linesOf(...events: PaymentEvent[]): readonly Posting[] {
    const recorded = events.map((event) => ({ ...event, timestampMs: 1 }) as RecordedEvent)
    const before = fold(recorded.slice(0, -1), paid)
    return postingsOf(recorded.at(-1)!, before, evolve(before, recorded.at(-1)!))
  }
  const move = (amount: bigint, from: string, to: string): Posting[] => {
    return [
      { account: to, amount },
      { account: from, amount: -amount },
    ]
  }
  const reference = 'ref'
  const opened: PaymentEvent = {
    type: 'DISPUTE_OPENED',
    payload: { dispute_id: 'dp', amount: 70, reason: 'fraudulent', reference },
  }
  const won: PaymentEvent = { type: 'DISPUTE_WON', payload: { dispute_id: 'dp', amount: 70 } }
  const lost: PaymentEvent = { type: 'DISPUTE_LOST', payload: { dispute_id: 'dp', amount: 70 } }
  const refunded: PaymentEvent = { type: 'REFUNDED', payload: { op_id: 'op_r', amount: 100, reference } }
  const BANK = 'processor:bank'

  it('moves what is captured from sales to what the processor owes', () => {
    const event: PaymentEvent = { type: 'CAPTURED', payload: { op_id: 'op_c', amount: 200, reference } }
    expect(linesOf(event)).toEqual(move(200n, 'sales', BANK))
  })

  it('takes a refund from the processor, and gives it back when it is reversed', () => {
    expect(linesOf(refunded)).toEqual(move(100n, BANK, 'refunds'))
    const reversed: PaymentEvent = {
      type: 'REFUND_REVERSED',
      payload: { op_id: 'op_r', amount: 100, code: 'closed', message: 'Account closed' },
    }
    expect(linesOf(refunded, reversed)).toEqual([
      { account: 'refunds', amount: -100n },
      { account: BANK, amount: 100n },
    ])
  })

  it('keeps apart what a corrected refund gave back beyond what the payment allows', () => {
    const corrected: PaymentEvent = { type: 'OUTCOME_CORRECTED', payload: { op_id: 'op_f', amount: 300, reference } }
    expect(linesOf(corrected)).toEqual([...move(200n, BANK, 'refunds'), ...move(100n, BANK, 'refunds_excess')])
  })

  it('follows a dispute wherever its status takes the money, back and forth', () => {
    expect(linesOf(opened)).toEqual(move(70n, BANK, 'disputes_held'))
    expect(linesOf(opened, won)).toEqual(move(70n, 'disputes_held', BANK))
    expect(linesOf(opened, lost)).toEqual(move(70n, 'disputes_held', 'dispute_losses'))
    expect(linesOf(opened, won, lost)).toEqual(move(70n, BANK, 'dispute_losses'))
    expect(linesOf(opened, lost, won)).toEqual(move(70n, 'dispute_losses', BANK))
  })

  it('is empty where no money moves', () => {
    const requested: PaymentEvent = { type: 'REFUND_REQUESTED', payload: { op_id: 'op_2', amount: 10 } }
    expect(linesOf(requested)).toEqual([])
  })
})

describe('an authorization that was corrected', () => {
  it('is captured by the processor that has the money, also after a failover', () => {
    const requested = (op_id: string, processor: string): PaymentEvent => {
      return { type: 'AUTHORIZATION_REQUESTED', payload: { op_id, amount: 100, processor } }
    }
    const declined = (op_id: string): PaymentEvent => {
      return { type: 'DECLINED', payload: { op_id, amount: 100, code: 'down', message: 'Down' } }
    }
    const corrected: PaymentEvent = {
      type: 'OUTCOME_CORRECTED',
      payload: { op_id: 'op_1', amount: 100, reference: 'ref', kind: 'authorize' },
    }
    const events = [requested('op_1', 'first'), declined('op_1'), requested('op_1_2', 'second'), declined('op_1_2')]
    const state = fold([...events, corrected].map((event) => ({ ...event, timestampMs: 1 }) as RecordedEvent))
    expect(state).toMatchObject({ phase: 'authorized', processor: 'first', authorized: 100n })
  })
})
