import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { foldAll } from '../../src/log/fold.ts'
import { EVENT_VERSIONS } from '../../src/payments/model/events.ts'
import { type PaymentHistory, paymentHistory, stateAt, storeHistory } from '../../src/testing/payment-history.ts'
import { openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'

const UNKNOWN = expect.objectContaining({ code: 'unknown_event_version' })

for (const engine of sqlEngines()) {
  describe(`events of a newer program on ${engine.name}`, () => {
    let bench: PaymentBench
    let history: PaymentHistory
    beforeAll(async () => {
      bench = await openPaymentBench(engine)
      history = paymentHistory(5)
      await storeHistory(bench.ports.store, history)
      await bench.project()
    })
    afterAll(() => bench.close())

    /** As a newer program appends it. */
    async function appendUnknown(type: string, schemaVersion: number): Promise<void> {
      const { shard, paymentIntentId } = history
      await bench.sql.transaction(async (tx) => {
        await tx.query(
          `insert into payment_events (shard, event_id, payment_intent_id, version, event_type, schema_version, timestamp,
            payload, actor, prev_hash, hash)
          select shard, last_event_id + 1, $2, p.version + 1, $3, $4, now(), '{"amount": 1}', 'newer', p.hash, p.hash
          from log_head h join payment_intents p using (shard)
          where shard = $1 and log = 'payments' and payment_intent_id = $2`,
          [shard, paymentIntentId, type, schemaVersion],
        )
        await tx.query(`update log_head set last_event_id = last_event_id + 1 where shard = $1 and log = 'payments'`, [
          shard,
        ])
        await tx.query('update payment_intents set version = version + 1 where payment_intent_id = $1', [
          paymentIntentId,
        ])
      })
    }

    async function expectRefused(): Promise<void> {
      const { paymentIntentId: id } = history
      await expect(bench.payments.capture(id, { amount: 1 }, {})).rejects.toEqual(UNKNOWN)
      await expect(bench.payments.get(id)).rejects.toEqual(UNKNOWN)
      await expect(bench.payments.get(id, { as_of: '6' })).rejects.toEqual(UNKNOWN)
      // What it was before that can be told.
      expect(await bench.payments.get(id, { as_of: '5' })).toMatchObject({
        ...{ version: 5, captured: Number(stateAt(history, 5).captured) },
      })
    }

    it('are refused by commands and readers, and stop the projection of their shard until the program is updated', async () => {
      await appendUnknown('TELEPORTED', 1)
      await expectRefused()
      const { log, projections } = bench.ports
      const view = projections.find(({ name }) => name === 'payment_view')!
      const before = await log.checkpoints('payment_view', 1)
      await expect(foldAll({ store: log, logger: silentLogger }, view)).rejects.toEqual(UNKNOWN)
      // Neither folded nor set aside: nothing may be missing once it can be read.
      expect(await log.checkpoints('payment_view', 1)).toEqual(before)
      expect(await log.quarantines('payment_view')).toEqual([])
    })

    it('do not keep other shards from being folded', async () => {
      if (bench.ports.store.shards === 1) return
      const other = paymentHistory(3, 1)
      await storeHistory(bench.ports.store, other)
      await expect(bench.project()).rejects.toEqual(UNKNOWN)
      const [row] = await bench.sql.query('select version from payment_view where payment_intent_id = $1', [
        other.paymentIntentId,
      ])
      expect(row).toEqual({ version: 3 })
    })

    it('are refused by a known name in a version of the future, too', async () => {
      history = paymentHistory(5)
      await storeHistory(bench.ports.store, history)
      await appendUnknown('CAPTURED', EVENT_VERSIONS.CAPTURED + 1)
      await expectRefused()
    })
  })
}
