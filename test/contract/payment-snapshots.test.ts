import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { rebuild } from '../../src/log/projector.ts'
import { foldStored } from '../../src/payments/commands/writer.ts'
import { STATE_VERSION } from '../../src/payments/model/state.ts'
import type { Moment } from '../../src/payments/ports/store.ts'
import { type PaymentHistory, paymentHistory, stateAt, storeHistory } from '../../src/testing/payment-history.ts'
import { openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { seededRandom } from '../setup/random.ts'
import { sqlEngines } from '../setup/sql.ts'

const EVERY = LIMITS.snapshotEveryEvents
const COUNT = 4 * EVERY + 7

for (const engine of sqlEngines()) {
  describe(`snapshots of payments on ${engine.name}`, () => {
    let bench: PaymentBench
    beforeAll(async () => {
      bench = await openPaymentBench(engine)
    })
    afterAll(() => bench.close())

    async function storedHistory(count = COUNT): Promise<PaymentHistory> {
      const history = paymentHistory(count)
      await storeHistory(bench.ports.store, history)
      await bench.project()
      return history
    }

    async function versions({ paymentIntentId }: PaymentHistory): Promise<number[]> {
      const rows = await bench.sql.query<{ version: number }>(
        'select version from payment_snapshots where payment_intent_id = $1 order by version',
        [paymentIntentId],
      )
      return rows.map(({ version }) => version)
    }

    /** What a load finds: its state, and at which version its snapshot was taken. */
    async function loaded({ paymentIntentId }: PaymentHistory, until?: Moment) {
      const { snapshot, events } = await bench.ports.store.load(paymentIntentId, until)
      return { state: foldStored(events, snapshot?.state), from: snapshot?.state.version, events: events.length }
    }

    /** Changes the snapshots of a payment behind the back of the program. */
    async function spoil({ paymentIntentId }: PaymentHistory, change: string): Promise<void> {
      await bench.sql.query(`update payment_snapshots_gen set ${change} where payment_intent_id = $1`, [
        paymentIntentId,
      ])
    }

    it('are taken at every multiple of so many events, and none before', async () => {
      expect(await versions(await storedHistory(EVERY - 1))).toEqual([])
      expect(await versions(await storedHistory(EVERY))).toEqual([EVERY])
      expect(await versions(await storedHistory())).toEqual([1, 2, 3, 4].map((n) => n * EVERY))
    })

    it('are the same whether the events came in one batch or one by one', async () => {
      const history = paymentHistory(COUNT)
      const { events, paymentIntentId, shard } = history
      await storeHistory(bench.ports.store, { ...history, events: events.slice(0, EVERY - 2) })
      await bench.project()
      for (const event of events.slice(EVERY - 2, EVERY + 2)) {
        const expectedVersion = event.version - 1
        const [before, after] = [stateAt(history, expectedVersion), stateAt(history, event.version)]
        const capturePending = after.capturePending - before.capturePending
        const captured = after.captured - before.captured
        await bench.ports.store.append({
          ...{ shard, paymentIntentId, expectedVersion, events: [event], status: 'authorized' },
          delta: { authorized: 0n, capturePending, captured, refundPending: 0n, refunded: 0n, disputed: 0n },
          ...{ expiresAtMs: undefined, operations: [], key: undefined },
        })
        await bench.project()
      }
      expect(await versions(history)).toEqual([EVERY])
      expect(await loaded(history)).toEqual({ state: stateAt(history, EVERY + 2), from: EVERY, events: 2 })
    })

    it('spare the events before them: as many are read as came since', async () => {
      const history = await storedHistory()
      expect(await loaded(history)).toEqual({ state: stateAt(history, COUNT), from: 4 * EVERY, events: 7 })
      expect(await loaded(history, { version: 3 * EVERY })).toEqual({
        ...{ state: stateAt(history, 3 * EVERY), from: 3 * EVERY, events: 0 },
      })
      expect(await loaded(history, { version: 3 * EVERY - 1 })).toMatchObject({ from: 2 * EVERY, events: EVERY - 1 })
    })

    it.each([
      ['of another fold', `state_version = ${STATE_VERSION + 1}`],
      ['whose event is not the stored one', `event_hash = decode('00', 'hex')`],
    ])('%s are left aside, and the state is the same', async (_, change) => {
      const history = await storedHistory()
      await spoil(history, change)
      expect(await loaded(history)).toEqual({ state: stateAt(history, COUNT), from: undefined, events: COUNT })
    })

    it('that are valid are used where a newer one is not', async () => {
      const history = await storedHistory()
      await spoil(history, `event_hash = case when version > ${2 * EVERY} then decode('00', 'hex') else event_hash end`)
      expect(await loaded(history)).toMatchObject({ state: stateAt(history, COUNT), from: 2 * EVERY })
    })

    it('give the state of a replay at every version, whichever of them are left', async () => {
      const history = await storedHistory()
      const random = seededRandom(20_260_301)
      for (let round = 0; round < 4; round++) {
        for (let n = 0; n < 40; n++) {
          const version = 1 + random.int(COUNT)
          expect((await loaded(history, { version })).state).toEqual(stateAt(history, version))
        }
        const left = await versions(history)
        const gone = left[random.int(left.length)]
        await bench.sql.query('delete from payment_snapshots_gen where payment_intent_id = $1 and version = $2', [
          history.paymentIntentId,
          gone,
        ])
      }
      expect(await versions(history)).toEqual([])
    })

    it('come back by a rebuild, and commands go on meanwhile and after', async () => {
      const history = await storedHistory()
      await bench.sql.query('delete from payment_snapshots_gen')
      const projection = bench.ports.projections.find(({ name }) => name === 'payment_snapshots')!
      await rebuild({ store: bench.ports.log, logger: silentLogger, batchEvents: 33 }, projection)
      expect(await versions(history)).toHaveLength(4)
      const captured = await bench.payments.capture(history.paymentIntentId, { amount: 5 }, {}).catch((error) => error)
      expect(captured).toMatchObject({ version: COUNT + 2 })
    })
  })
}
