import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import type { SqlTx } from '../../src/engines/sql/sql.ts'
import { type FoldContext, flip, foldAll, foldRound } from '../../src/log/fold.ts'
import type { ProjectionBatch } from '../../src/log/port.ts'
import { startProjector } from '../../src/log/projector.ts'
import { until } from '../../src/testing/until.ts'
import { sqlEngines, type TestDatabase } from '../setup/sql.ts'
import { appendProof, createProofLog, openProofStore, proofProjection, removeProofLog } from './proof-log.ts'

const LIVE = 'select event_id as "eventId", generation from proof_model where shard = 0 order by event_id'

for (const engine of sqlEngines()) {
  describe(`the flip to a rebuilt read model on ${engine.name}`, () => {
    let database: TestDatabase
    let context: FoldContext<SqlTx>
    beforeAll(async () => {
      database = await engine.create()
    })
    afterAll(() => database.drop())
    beforeEach(async () => {
      await removeProofLog(database.sql)
      await createProofLog(database.sql)
      context = { store: await openProofStore(database.sql), logger: silentLogger, batchEvents: 10 }
    })

    const append = async (...streams: string[]) => {
      await appendProof(
        database.sql,
        0,
        streams.map((streamId) => ({ streamId, payload: {} })),
      )
    }
    const many = (count: number, prefix = 's') => Array.from({ length: count }, (_, n) => `${prefix}${n}`)
    const live = () => database.sql.query<{ eventId: bigint; generation: number }>(LIVE)
    /** A generation that was folded up to 20 events, and `more` that only the live one has. */
    async function building(more: readonly string[], onBatch?: (batch: ProjectionBatch) => Promise<void>) {
      const projection = proofProjection(onBatch === undefined ? {} : { onBatch })
      await context.store.register(projection)
      await append(...many(20))
      await foldAll(context, projection)
      await context.store.startGeneration('proof', 1)
      await foldAll(context, projection)
      await append(...more)
      // The round sees the heads of both generations; only the live one is moved here.
      const [head] = await context.store.heads()
      const events = await context.store.read(0, 20n, more.length)
      await context.store.transaction(async (tx) => {
        await context.store.moveCheckpoint('proof', 1, 0, 20n, head!, tx)
        await proofProjection().handle({ shard: 0, generation: 1, events }, tx)
      })
      return projection
    }

    it('folds the last events itself, so that a busy log can not keep it waiting', async () => {
      const projection = await building(many(10, 'late'))
      expect(await flip(context, projection)).toBe(true)
      const rows = await live()
      expect(rows).toHaveLength(30)
      expect(new Set(rows.map(({ generation }) => generation))).toEqual(new Set([2]))
      const [checkpoint] = await context.store.checkpoints('proof', 2)
      expect(checkpoint!.lastEventId).toBe(30n)
    })

    it('waits while more than a batch is left', async () => {
      const projection = await building(many(11, 'late'))
      expect(await flip(context, projection)).toBe(false)
      expect((await context.store.checkpoints('proof', 2))[0]!.lastEventId).toBe(20n)
      await foldRound(context, projection)
      expect(await flip(context, projection)).toBe(true)
    })

    it('waits for an event that can not be folded to be set aside, and leaves everything as it was', async () => {
      const projection = await building(['late0', 'poison'], async ({ generation, events }) => {
        if (generation === 2 && events.some(({ streamId }) => streamId === 'poison')) throw new Error('indigestible')
      })
      expect(await flip(context, projection)).toBe(false)
      expect((await context.store.checkpoints('proof', 2))[0]!.lastEventId).toBe(20n)
      await foldAll(context, projection)
      expect(await flip(context, projection)).toBe(true)
      expect(await live()).toHaveLength(21)
    })

    it('leaves out the streams that are set aside', async () => {
      const projection = await building(['late0', 's3'])
      await context.store.transaction((tx) =>
        context.store.addQuarantine(
          { projection: 'proof', generation: 2, shard: 0, streamId: 's3', fromEventId: 22n, reason: 'test' },
          tx,
        ),
      )
      expect(await flip(context, projection)).toBe(true)
      expect(await live()).toHaveLength(21)
    })

    it('has nothing to do with a projector that catches up at times: that one folds when it is woken', async () => {
      const projection = proofProjection()
      const metrics = createMetrics()
      const projector = startProjector({ ...context, projection, metrics, everyMs: 3_600_000 })
      const folded = async () => (await context.store.checkpoints('proof', 1))[0]?.lastEventId ?? -1n
      await until('it is registered', async () => (await folded().catch(() => -1n)) === 0n)
      await append(...many(25))
      await until('everything is folded', async () => {
        projector.wake()
        return (await folded()) === 25n
      })
      await projector.close()
    })
  })
}
