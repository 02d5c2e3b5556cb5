import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NO_HASH, sha256 } from '../core/canonical-json.ts'
import { systemClock } from '../core/clock.ts'
import { judgeKey } from '../core/command.ts'
import { hashToBucket, prefixedId } from '../core/ids.ts'
import { foldStored } from '../payments/commands/writer.ts'
import type { PaymentEvent } from '../payments/model/events.ts'
import { fold } from '../payments/model/evolve.ts'
import { chainBreaks, seal } from '../payments/model/hash-chain.ts'
import { statusOf } from '../payments/model/state.ts'
import type { PaymentPorts } from '../payments/ports/ports.ts'
import type { NewPayment, OperationRow, PaymentAppend, PlacedKey } from '../payments/ports/store.ts'

/** The ports of payments on a fresh, migrated database. */
export interface PaymentHarness {
  readonly ports: PaymentPorts
  close(): Promise<void>
}

const NO_CHANGE = { authorized: 0n, capturePending: 0n, captured: 0n, refundPending: 0n, refunded: 0n, disputed: 0n }
const ANSWER = { status: 200, body: { payment_intent_id: 'pi_1', version: 2 } }
const paymentMethod = { type: 'card', token: 'tok_ok' }

/** The promises of {@link PaymentPorts.store} for any engine: atomic, exact per item, contiguous in the log. */
export function testPaymentStore(name: string, create: () => Promise<PaymentHarness>): void {
  describe(`payment store on ${name}`, () => {
    let harness: PaymentHarness
    let keys = 0
    beforeAll(async () => {
      harness = await create()
    })
    afterAll(() => harness.close())

    function newKey(text = `key-${++keys}`): PlacedKey {
      const { shards } = harness.ports.store
      return { scope: 'tests', key: text, fingerprint: sha256(text), shard: hashToBucket(`tests\n${text}`, shards) }
    }

    function newPayment(key: PlacedKey | undefined, more: Partial<NewPayment> = {}): NewPayment {
      const shard = key?.shard ?? 0
      const paymentIntentId = prefixedId('pi', shard, systemClock)
      const initiated: PaymentEvent = {
        type: 'INITIATED',
        payload: {
          amount: 1_000,
          currency: 'USD',
          payment_method: paymentMethod,
          capture_method: 'manual',
          route: ['sandbox'],
        },
      }
      const by = { actor: 'tests', timestampMs: systemClock.now() }
      const event = seal([initiated], { paymentIntentId, version: 0, hash: NO_HASH }, by)[0]!
      const answer = { status: 201, body: { payment_intent_id: paymentIntentId, version: 1 } }
      return { shard, paymentIntentId, state: fold([event.event]), event, key, answer, ...more }
    }

    /** An append of the given events to a payment that is at the state of `payment`. */
    function appendTo(
      payment: NewPayment,
      events: readonly PaymentEvent[],
      more: Partial<PaymentAppend> = {},
    ): PaymentAppend {
      const { paymentIntentId, shard } = payment
      const after = { paymentIntentId, version: payment.state.version, hash: payment.event.hash }
      const sealed = seal(events, after, { actor: 'tests', timestampMs: systemClock.now() })
      const state = fold(
        sealed.map(({ event }) => event),
        payment.state,
      )
      return {
        ...{ shard, paymentIntentId, expectedVersion: payment.state.version, events: sealed, status: statusOf(state) },
        ...{ delta: NO_CHANGE, expiresAtMs: undefined, operations: [], key: undefined, ...more },
      }
    }

    const voided: PaymentEvent[] = [{ type: 'VOIDED', payload: { amount: 0 } }]

    async function expectContiguous(): Promise<void> {
      for (const count of await harness.ports.audit.counts()) {
        expect(count.events).toBe(count.head)
        expect(count.lastEventId).toBe(count.head)
      }
    }

    it('creates many at once, each with its own key, event and number', async () => {
      const { store } = harness.ports
      const payments = Array.from({ length: 300 }, (_, n) => newPayment(n % 3 === 0 ? undefined : newKey()))
      expect(await Promise.all(payments.map((payment) => store.create(payment)))).toEqual(
        payments.map(() => 'appended'),
      )
      for (const payment of payments.slice(0, 20)) {
        const events = await store.events(payment.paymentIntentId, 0)
        expect(chainBreaks(events)).toEqual([])
        expect(foldStored(events)).toEqual(payment.state)
        if (payment.key === undefined) continue
        const stored = await store.readKey(payment.key)
        expect(stored?.response).toEqual(payment.answer)
      }
      await expectContiguous()
    })

    it('lets one of many creations with the same key through, in one batch or in several', async () => {
      const { store } = harness.ports
      const key = newKey()
      const payments = Array.from({ length: 20 }, () => newPayment(key))
      const outcomes = await Promise.all(payments.map((payment) => store.create(payment)))
      expect(outcomes.filter((outcome) => outcome === 'appended')).toHaveLength(1)
      expect(await store.create(newPayment(key))).toBe('key_taken')
      const winner = payments[outcomes.indexOf('appended')]!
      expect((await store.readKey(key))?.response?.body).toEqual(winner.answer.body)
      for (const loser of payments)
        if (loser !== winner) expect(await store.events(loser.paymentIntentId, 0)).toEqual([])
      await expectContiguous()
    })

    it('lets one of many appends to the same version through, and writes nothing of the others', async () => {
      const { store } = harness.ports
      const payment = newPayment(newKey())
      await store.create(payment)
      const appends = Array.from({ length: 10 }, () => {
        const key = newKey()
        return appendTo(payment, voided, {
          key: { kind: 'take', key, opId: undefined, leaseUntilMs: undefined, answer: ANSWER },
        })
      })
      const outcomes = await Promise.all(appends.map((append) => store.append(append)))
      expect(outcomes.filter((outcome) => outcome === 'appended')).toHaveLength(1)
      expect(outcomes.filter((outcome) => outcome === 'conflict')).toHaveLength(9)
      for (const [index, append] of appends.entries()) {
        const taken = append.key?.kind === 'take' ? await store.readKey(append.key.key) : undefined
        expect(taken === undefined).toBe(outcomes[index] !== 'appended')
      }
      expect(await store.events(payment.paymentIntentId, 0)).toHaveLength(2)
      await expectContiguous()
    })

    it('refuses an append whose key is taken, without touching the payment', async () => {
      const { store } = harness.ports
      const first = newPayment(newKey())
      const second = newPayment(newKey())
      await Promise.all([store.create(first), store.create(second)])
      const key = {
        kind: 'take',
        key: newKey(),
        opId: undefined,
        leaseUntilMs: undefined,
        answer: ANSWER,
      } as const
      expect(await store.append(appendTo(first, voided, { key }))).toBe('appended')
      expect(await store.append(appendTo(second, voided, { key }))).toBe('key_taken')
      expect(await store.events(second.paymentIntentId, 0)).toHaveLength(1)
      await expectContiguous()
    })

    it('writes nothing that would break a money limit, whoever asks', async () => {
      const { store } = harness.ports
      const payment = newPayment(newKey())
      await store.create(payment)
      const neighbour = newPayment(newKey())
      await store.create(neighbour)
      const delta = { ...NO_CHANGE, captured: 1n }
      const outcomes = await Promise.all([
        store.append(appendTo(payment, voided, { delta })),
        store.append(appendTo(neighbour, voided)),
      ])
      expect(outcomes).toEqual(['conflict', 'appended'])
      expect(await store.events(payment.paymentIntentId, 0)).toHaveLength(1)
    })

    it('keeps operations with their events, hands out what is due once, and lets them be postponed', async () => {
      const { store } = harness.ports
      const payment = newPayment(newKey())
      await store.create(payment)
      const opId = prefixedId('op', payment.shard, systemClock)
      const key = newKey()
      const row: OperationRow = {
        ...{ opId, paymentIntentId: payment.paymentIntentId, kind: 'authorize', amount: 1_000n, settled: 0n },
        ...{ processor: 'sandbox', disputeId: undefined },
        ...{ status: 'requested', reference: undefined, attempts: 0, requestedAtMs: 1_000, nextCheckAtMs: 5_000 },
        key: { shard: key.shard, scope: key.scope, key: key.key, opId },
      }
      const requested: PaymentEvent[] = [{ type: 'AUTHORIZATION_REQUESTED', payload: { op_id: opId, amount: 1_000 } }]
      const take = { kind: 'take', key, opId, leaseUntilMs: 9_000, answer: undefined } as const
      expect(await store.append(appendTo(payment, requested, { operations: [row], key: take }))).toBe('appended')
      expect(await store.operation(opId)).toEqual(row)
      const ofOperation = await store.events(payment.paymentIntentId, 0, 10, opId)
      expect(ofOperation.map(({ type }) => type)).toEqual(['AUTHORIZATION_REQUESTED'])

      expect(await store.claimOperations(4_999, 8_000, 10)).toEqual([])
      const claims = await Promise.all(Array.from({ length: 5 }, () => store.claimOperations(5_000, 8_000, 10)))
      expect(claims.flat()).toEqual([{ ...row, nextCheckAtMs: 8_000 }])
      expect(await store.claimOperation(opId, 7_999, 9_000)).toBe(false)
      expect(await store.claimOperation(opId, 8_000, 9_000)).toBe(true)
      await store.postpone(opId, 3, 20_000)
      expect(await store.operation(opId)).toMatchObject({ attempts: 3, nextCheckAtMs: 20_000 })
      expect(await store.openOperations()).toMatchObject({ requested: 1 })
    })

    it('lets a lease that ran out be taken over once, and an answer end it for good', async () => {
      const { store } = harness.ports
      const payment = newPayment(newKey())
      await store.create(payment)
      const opId = prefixedId('op', payment.shard, systemClock)
      const key = newKey()
      const requested: PaymentEvent[] = [{ type: 'AUTHORIZATION_REQUESTED', payload: { op_id: opId, amount: 1_000 } }]
      const take = { kind: 'take', key, opId, leaseUntilMs: 9_000, answer: undefined } as const
      const append = appendTo(payment, requested, { key: take })
      await store.append(append)
      expect(() => judgeKey(key, { ...storedOf(), leaseUntilMs: 9_000 }, 8_999)).toThrow()
      expect(await store.takeOverKey(key, 8_999, 20_000)).toBe(false)
      const takers = await Promise.all(Array.from({ length: 5 }, () => store.takeOverKey(key, 9_000, 20_000)))
      expect(takers.filter(Boolean)).toHaveLength(1)

      const declined: PaymentEvent = {
        type: 'DECLINED',
        payload: { op_id: opId, amount: 1_000, code: 'no', message: 'No' },
      }
      const [event] = append.events
      const next = seal(
        [declined],
        { paymentIntentId: payment.paymentIntentId, version: 2, hash: event!.hash },
        { actor: 'tests', timestampMs: 1 },
      )
      const finish = { kind: 'finish', key: { ...key, opId }, answer: ANSWER } as const
      const end: PaymentAppend = { ...append, expectedVersion: 2, events: next, status: 'declined', key: finish }
      expect(await store.append(end)).toBe('appended')
      expect((await store.readKey(key))?.response).toEqual(finish.answer)
      expect(await store.takeOverKey(key, 99_000, 100_000)).toBe(false)

      function storedOf() {
        return { fingerprint: key.fingerprint, response: undefined, operationId: opId }
      }
    })

    it('does not keep the answer of a key that is gone, but the events all the same', async () => {
      const { store } = harness.ports
      const payment = newPayment(newKey())
      await store.create(payment)
      const gone = newKey()
      const finish = { kind: 'finish', key: { ...gone, opId: 'op_x' }, answer: ANSWER } as const
      expect(await store.append(appendTo(payment, voided, { key: finish }))).toBe('appended')
      expect(await store.readKey(gone)).toBeUndefined()
    })

    it('reads a payment from a version on, and nothing of one that does not exist', async () => {
      const { store } = harness.ports
      const payment = newPayment(newKey())
      await store.create(payment)
      await store.append(appendTo(payment, voided))
      expect((await store.events(payment.paymentIntentId, 1)).map((event) => event.type)).toEqual(['VOIDED'])
      expect(await store.events(payment.paymentIntentId, 0, 1)).toHaveLength(1)
      expect(await store.events(prefixedId('pi', 0, systemClock), 0)).toEqual([])
      expect(await store.events('nonsense', 0)).toEqual([])
      expect(await store.events(payment.paymentIntentId, 0, 10, 'op_other')).toEqual([])
      expect(await store.operation('nonsense')).toBeUndefined()
    })
  })
}
