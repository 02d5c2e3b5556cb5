import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { type PaymentHistory, paymentHistory, stateAt, storeHistory } from '../../src/testing/payment-history.ts'
import { openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'

const COUNT = 2 * LIMITS.snapshotEveryEvents + 10
const START_MS = Date.UTC(2026, 2, 1)
/** Two events share each moment, as those of one command do; the clock of who wrote the last but one was ahead. */
const timeOf = (version: number) => START_MS + Math.floor(version / 2) * 1_000 + (version === COUNT - 1 ? 3_600_000 : 0)
const at = (ms: number) => new Date(ms).toISOString()

for (const engine of sqlEngines()) {
  describe(`a payment as of a moment on ${engine.name}`, () => {
    let bench: PaymentBench
    let history: PaymentHistory
    let eventIds: bigint[]
    beforeAll(async () => {
      bench = await openPaymentBench(engine)
      const neighbour = paymentHistory(3)
      await storeHistory(bench.ports.store, neighbour)
      history = paymentHistory(COUNT, 0, timeOf)
      await storeHistory(bench.ports.store, history)
      eventIds = (await bench.ports.store.events(history.paymentIntentId, 0)).map(({ eventId }) => eventId)
    })
    afterAll(() => bench.close())

    const asOf = (moment: string) => bench.payments.get(history.paymentIntentId, { as_of: moment })
    async function expectVersion(moment: string, version: number): Promise<void> {
      const captured = Number(stateAt(history, version).captured)
      expect(await asOf(moment)).toMatchObject({ version, captured })
    }

    for (const snapshots of ['without snapshots', 'with snapshots']) {
      describe(snapshots, () => {
        beforeAll(async () => {
          if (snapshots === 'with snapshots') await bench.project()
          const rows = await bench.sql.query('select version from payment_snapshots')
          expect(rows).toHaveLength(snapshots === 'with snapshots' ? 2 : 0)
        })

        it('is right at each version, and not there before the first or after the last', async () => {
          for (const version of [1, 2, 3, 49, 50, 51, 99, 100, 101, COUNT])
            await expectVersion(String(version), version)
          for (const version of [0, COUNT + 1])
            await expect(asOf(String(version))).rejects.toMatchObject({ code: 'payment_not_found' })
        })

        it('is right at each position in the log, also those of other payments', async () => {
          for (const version of [1, 2, 50, 51, COUNT]) await expectVersion(`@${eventIds[version - 1]}`, version)
          await expectVersion(`@${eventIds.at(-1)! + 1_000n}`, COUNT)
          await expect(asOf(`@${eventIds[0]! - 1n}`)).rejects.toMatchObject({ code: 'payment_not_found' })
          await expect(asOf('@0')).rejects.toMatchObject({ code: 'payment_not_found' })
        })

        it('has all events of a millisecond or none, and is that of the last event between two', async () => {
          const second = 30
          await expectVersion(at(START_MS + second * 1_000), 2 * second + 1)
          await expectVersion(at(START_MS + second * 1_000 - 1), 2 * second - 1)
          await expectVersion(at(START_MS + second * 1_000 + 999), 2 * second + 1)
        })

        it('is the present one at any later time, and not there before it began', async () => {
          await expectVersion(at(START_MS + 10 ** 9), COUNT)
          await expect(asOf(at(START_MS - 1))).rejects.toMatchObject({ code: 'payment_not_found' })
        })

        it('never has an event without those before it, though a clock was ahead', async () => {
          await expectVersion(at(timeOf(COUNT)), COUNT - 2)
          await expectVersion(at(timeOf(COUNT - 1)), COUNT)
        })
      })
    }

    it('is not there for a payment that never was', async () => {
      const nobody = paymentHistory(1).paymentIntentId
      await expect(bench.payments.get(nobody, { as_of: '1' })).rejects.toMatchObject({ code: 'payment_not_found' })
    })
  })
}
