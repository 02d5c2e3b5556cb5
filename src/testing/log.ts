import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { AppError, isAppError } from '../core/errors.ts'
import { silentLogger } from '../core/logger.ts'
import { createMetrics } from '../core/metrics.ts'
import { type FoldContext, foldAll, foldRound, releaseQuarantine } from '../log/fold.ts'
import type { LogStore, Projection, ProjectionBatch } from '../log/port.ts'
import { rebuild, startProjector } from '../log/projector.ts'
import { until } from './until.ts'

/** One row of the read model under test: which event was folded, into which generation, by which version of the code. */
export interface FoldedRow {
  readonly shard: number
  readonly eventId: bigint
  readonly streamId: string
  readonly version: number
  readonly generation: number
  readonly codeVersion: number
}

/** A log with a read model that keeps one row per event, and counts that show a doubled or disordered one. */
export interface LogHarness<Tx> {
  readonly store: LogStore<Tx>
  /** Appends one event for each stream named, in one commit. */
  append(shard: number, streamIds: readonly string[]): Promise<void>
  /** A projection named `proof`; `onBatch` runs between its two writes and may throw. */
  projection(options?: {
    version?: number
    onBatch?: (batch: ProjectionBatch, tx: Tx) => Promise<void>
  }): Projection<Tx>
  /** The rows that readers see, in the order of shards and numbers, read in one snapshot. */
  live(): Promise<FoldedRow[]>
  /** Streams of the live generation whose events were counted double, missing or out of order. */
  disorderedStreams(): Promise<string[]>
  /** Generations that have rows. */
  generations(): Promise<number[]>
  /** Does to the log what must never happen: takes an event out. */
  damage(shard: number, eventId: bigint): Promise<void>
  /** Makes the database refuse for a reason that does not lie in the event, e.g. by asking for a table that is missing. */
  failForDatabase(tx: Tx): Promise<void>
  close(): Promise<void>
}

/** The promises of {@link LogStore} and of what folds it. */
export function testLog<Tx>(name: string, create: () => Promise<LogHarness<Tx>>): void {
  describe(`log on ${name}`, () => {
    let harness: LogHarness<Tx>
    let context: FoldContext<Tx>
    const harnesses: LogHarness<Tx>[] = []

    beforeEach(async () => {
      harness = await create()
      harnesses.push(harness)
      context = { store: harness.store, logger: silentLogger, batchEvents: 10 }
    })
    afterAll(async () => {
      for (const each of harnesses) await each.close()
    })

    const streams = (count: number, prefix = 's') => Array.from({ length: count }, (_, n) => `${prefix}${n}`)
    const numbers = (rows: readonly FoldedRow[], shard: number) =>
      rows.filter((row) => row.shard === shard).map((row) => row.eventId)
    const upTo = (count: number) => Array.from({ length: count }, (_, n) => BigInt(n + 1))
    const anyShard = () => harness.store.shards - 1
    /** Fails for the events of one stream until mended. */
    function poisonous(streamId: string) {
      const poison = { mended: false }
      const onBatch = async (batch: ProjectionBatch) => {
        if (!poison.mended && batch.events.some((event) => event.streamId === streamId)) throw new Error('indigestible')
      }
      return { poison, onBatch }
    }
    async function registered(options?: Parameters<LogHarness<Tx>['projection']>[0]): Promise<Projection<Tx>> {
      const projection = harness.projection(options)
      await harness.store.register(projection)
      return projection
    }
    const projector = (projection: Projection<Tx>) =>
      startProjector({ store: harness.store, projection, logger: silentLogger, metrics: createMetrics(), pollMs: 5 })

    it('numbers the events of each shard from 1 without a gap', async () => {
      const { store } = harness
      for (let n = 0; n < 3; n++) {
        for (let shard = 0; shard < store.shards; shard++) await harness.append(shard, streams(4))
      }
      expect(await store.heads()).toEqual(Array.from({ length: store.shards }, () => 12n))
      const events = await store.read(anyShard(), 5n, 4)
      expect(events.map((event) => event.eventId)).toEqual([6n, 7n, 8n, 9n])
      expect(events.map((event) => [event.streamId, event.version])).toEqual([
        ['s1', 2],
        ['s2', 2],
        ['s3', 2],
        ['s0', 3],
      ])
      expect(await store.read(anyShard(), 12n, 4)).toEqual([])
    })

    it('folds every event once, in order, in transactions of a batch', async () => {
      const sizes: number[] = []
      const projection = await registered({ onBatch: async (batch) => void sizes.push(batch.events.length) })
      for (let n = 0; n < 5; n++) await harness.append(anyShard(), streams(5))
      expect(await foldAll(context, projection)).toBe(25)
      expect(sizes).toEqual([10, 10, 5])
      expect(numbers(await harness.live(), anyShard())).toEqual(upTo(25))
      expect(await foldAll(context, projection)).toBe(0)
      await harness.append(anyShard(), ['s0'])
      expect(await foldAll(context, projection)).toBe(1)
      expect(await harness.disorderedStreams()).toEqual([])
    })

    it('folds every event once when several workers fold at the same time', async () => {
      const projection = await registered()
      const { store } = harness
      for (let n = 0; n < 10; n++)
        for (let shard = 0; shard < store.shards; shard++) await harness.append(shard, streams(7, `${shard}-`))
      const folded = await Promise.all(streams(4).map(() => foldAll(context, projection)))
      expect(folded.reduce((sum, one) => sum + one, 0)).toBe(70 * store.shards)
      expect(await harness.live()).toHaveLength(70 * store.shards)
      expect(await harness.disorderedStreams()).toEqual([])
    })

    it('leaves no trace of a batch that failed for a passing reason, and folds it later', async () => {
      let broken = true
      const projection = await registered({
        onBatch: async () => {
          if (broken) throw Object.assign(new Error('connection lost'), { code: 'ECONNRESET' })
        },
      })
      await harness.append(0, streams(3))
      await expect(foldAll(context, projection)).rejects.toThrow('connection lost')
      expect(await harness.live()).toEqual([])
      expect(await harness.store.quarantines('proof')).toEqual([])
      broken = false
      expect(await foldAll(context, projection)).toBe(3)
    })

    it('sets only the stream of a poison event aside, from that event on', async () => {
      const { onBatch } = poisonous('bad')
      const projection = await registered({ onBatch })
      await harness.append(0, streams(6))
      await harness.append(0, ['s1', 'bad', 's2'])
      await harness.append(0, ['bad', 's3'])
      await foldAll(context, projection)
      await harness.append(0, ['bad', 's4'])
      await foldAll(context, projection)
      expect(numbers(await harness.live(), 0)).toEqual([1n, 2n, 3n, 4n, 5n, 6n, 7n, 9n, 11n, 13n])
      expect(await harness.store.quarantines('proof')).toEqual([
        {
          projection: 'proof',
          generation: 1,
          shard: 0,
          streamId: 'bad',
          fromEventId: 8n,
          reason: 'indigestible',
          quarantinedAt: expect.any(Date),
        },
      ])
    })

    it('folds what a released stream has missed, in order, and lets it go on', async () => {
      const { poison, onBatch } = poisonous('bad')
      const projection = await registered({ onBatch })
      for (let n = 0; n < 4; n++) await harness.append(0, ['s0', 'bad'])
      await foldAll(context, projection)
      const [quarantine] = await harness.store.quarantines('proof')

      await expect(releaseQuarantine(harness.store, projection, quarantine!)).rejects.toThrow('indigestible')
      expect(await harness.store.quarantines('proof')).toEqual([quarantine])

      poison.mended = true
      expect(await releaseQuarantine(harness.store, projection, quarantine!)).toBe(4)
      expect(await releaseQuarantine(harness.store, projection, quarantine!)).toBe(0)
      expect(await harness.store.quarantines('proof')).toEqual([])
      await harness.append(0, ['bad'])
      await foldAll(context, projection)
      expect(numbers(await harness.live(), 0)).toEqual(upTo(9))
      expect(await harness.disorderedStreams()).toEqual([])
    })

    it('loses and doubles nothing when a stream is released while others fold', async () => {
      const { poison, onBatch } = poisonous('bad')
      const projection = await registered({ onBatch })
      await harness.append(0, ['s0', 'bad'])
      await foldAll(context, projection)
      const [quarantine] = await harness.store.quarantines('proof')
      poison.mended = true
      for (let n = 0; n < 10; n++) await harness.append(0, ['bad', 's0'])
      const small = { ...context, batchEvents: 3 }
      await Promise.all([
        foldAll(small, projection),
        releaseQuarantine(harness.store, projection, quarantine!),
        foldAll(small, projection),
      ])
      await foldAll(context, projection)
      expect(numbers(await harness.live(), 0)).toEqual(upTo(22))
      expect(await harness.disorderedStreams()).toEqual([])
    })

    it('sets nothing aside when the reason does not lie in the event: the shard stands still', async () => {
      const reasons: ((tx: Tx) => Promise<void>)[] = [
        (tx) => harness.failForDatabase(tx),
        () => Promise.reject(new AppError('unknown_event_version')),
      ]
      let failing = reasons[0]
      const projection = await registered({
        onBatch: async (batch, tx) => {
          if (batch.shard === 0) await failing?.(tx)
        },
      })
      for (let shard = 0; shard < harness.store.shards; shard++) await harness.append(shard, streams(3))
      for (const reason of reasons) {
        failing = reason
        await expect(foldAll(context, projection)).rejects.toThrow()
      }
      expect(await harness.store.quarantines('proof')).toEqual([])
      expect(await harness.live()).toHaveLength(3 * (harness.store.shards - 1))
      failing = undefined
      expect(await foldAll(context, projection)).toBe(3)
    })

    it('stops a shard with a gap loudly, and only that one', async () => {
      const projection = await registered()
      for (let shard = 0; shard < harness.store.shards; shard++) await harness.append(shard, streams(30))
      await harness.damage(0, 15n)
      await expect(foldAll(context, projection)).rejects.toSatisfy(
        (error) => isAppError(error, 'log_gap') && /shard 0/.test(error.message),
      )
      const rows = await harness.live()
      expect(numbers(rows, 0)).toEqual(upTo(10))
      expect(rows).toHaveLength(10 + 30 * (harness.store.shards - 1))
    })

    it('notices that the last events are gone', async () => {
      const projection = await registered()
      await harness.append(0, streams(5))
      await foldAll(context, projection)
      await harness.append(0, ['s0'])
      await harness.damage(0, 6n)
      await expect(foldAll(context, projection)).rejects.toSatisfy((error) => isAppError(error, 'log_gap'))
    })

    it('does not let a busy shard keep the others waiting', async () => {
      const projection = await registered()
      const last = anyShard()
      await harness.append(0, streams(60))
      if (last > 0) await harness.append(last, streams(3))
      const round = await foldRound(context, projection)
      expect(round).toMatchObject({ folded: last > 0 ? 13 : 10, caughtUp: false, failures: [] })
    })

    it('registers a projection once and knows no other', async () => {
      const projection = await registered()
      await harness.append(0, streams(2))
      await foldAll(context, projection)
      await harness.store.register({ name: 'proof', version: 9 })
      expect(await harness.store.projection('proof')).toMatchObject({
        version: 1,
        liveGeneration: 1,
        buildingGeneration: undefined,
      })
      expect((await harness.store.checkpoints('proof', 1))[0]).toEqual({ shard: 0, generation: 1, lastEventId: 2n })
      for (const call of [() => harness.store.projection('other'), () => harness.store.startGeneration('other', 1)]) {
        await expect(call()).rejects.toSatisfy((error) => isAppError(error, 'projection_not_found'))
      }
    })

    it('rebuilds beside the live rows and flips only when it has caught up', async () => {
      const projection = await registered()
      await harness.append(0, streams(25))
      await foldAll(context, projection)
      expect(await harness.store.startGeneration('proof', 1)).toBe(2)
      expect(await harness.store.startGeneration('proof', 1)).toBe(2)
      await foldRound(context, projection)
      expect(await harness.store.flipGeneration('proof', 1)).toBe(false)
      expect((await harness.live()).every((row) => row.generation === 1)).toBe(true)
      await foldAll(context, projection)
      expect(await harness.store.flipGeneration('proof', 1)).toBe(true)
      expect(await harness.store.flipGeneration('proof', 1)).toBe(false)
      const rows = await harness.live()
      expect(rows.every((row) => row.generation === 2)).toBe(true)
      expect(numbers(rows, 0)).toEqual(upTo(25))
    })

    it('never shows readers a hole or an earlier state during rebuilds under load', async () => {
      const projection = harness.projection()
      const running = projector(projection)
      await until('it is registered', () => harness.store.projection('proof').catch(() => undefined))
      let writing = true
      const writer = (async () => {
        for (let n = 0; writing; n++) {
          const shard = n % harness.store.shards
          await harness.append(shard, streams(5, `${shard}-`))
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      })()
      let looks = 0
      const reader = (async () => {
        let before = { rows: 0, generation: 0 }
        while (writing) {
          const rows = await harness.live()
          for (let shard = 0; shard < harness.store.shards; shard++) {
            const seen = numbers(rows, shard)
            expect(seen).toEqual(upTo(seen.length))
          }
          const generation = rows[0]?.generation ?? 0
          expect(rows.every((row) => row.generation === generation)).toBe(true)
          expect(generation).toBeGreaterThanOrEqual(before.generation)
          expect(rows.length).toBeGreaterThanOrEqual(before.rows)
          before = { rows: rows.length, generation }
          looks += 1
        }
      })()
      await until('some rows are there', async () => (await harness.live()).length > 50)
      for (let n = 0; n < 3; n++) await rebuild({ ...context, batchEvents: 100 }, projection)
      writing = false
      await Promise.all([writer, reader])
      await foldAll(context, projection)
      await running.close()
      const total = (await harness.store.heads()).reduce((sum, head) => sum + head, 0n)
      expect(await harness.live()).toHaveLength(Number(total))
      expect(await harness.disorderedStreams()).toEqual([])
      expect((await harness.store.projection('proof')).liveGeneration).toBe(4)
      expect(await harness.generations()).toEqual([4])
      expect(looks).toBeGreaterThan(3)
    })

    it('rebuilds at start when the code is newer, and old and new code never fold the same rows', async () => {
      for (let n = 0; n < 8; n++) await harness.append(0, streams(6))
      const old = projector(harness.projection({ version: 1 }))
      await until('the old code has folded', async () => (await harness.live()).length === 48)
      const renewed = projector(harness.projection({ version: 2 }))
      for (let n = 0; n < 8; n++) await harness.append(0, streams(6))
      await until('the new rows are live', async () => (await harness.store.projection('proof')).version === 2)
      await harness.append(0, streams(6))
      await until('the new code has folded the rest', async () => (await harness.live()).length === 102)
      const rows = await harness.live()
      expect(rows.every((row) => row.codeVersion === 2)).toBe(true)
      expect(await harness.disorderedStreams()).toEqual([])
      expect(await foldAll(context, harness.projection({ version: 1 }))).toBe(0)
      await expect(rebuild(context, harness.projection({ version: 1 }))).rejects.toSatisfy((error) =>
        isAppError(error, 'schema_outdated'),
      )
      await old.close()
      await renewed.close()
      expect(await harness.generations()).toEqual([2])
    })

    it('abandons a rebuild for an older version and removes its rows', async () => {
      await harness.append(0, streams(30))
      await foldAll(context, await registered({ version: 1 }))
      await harness.store.startGeneration('proof', 2)
      await foldRound(context, harness.projection({ version: 2 }))
      expect(await harness.generations()).toEqual([1, 2])
      expect(await harness.store.startGeneration('proof', 3)).toBe(3)
      expect(await foldAll(context, harness.projection({ version: 2 }))).toBe(0)
      const running = projector(harness.projection({ version: 3 }))
      await until('the newest is live', async () => (await harness.store.projection('proof')).liveGeneration === 3)
      await until('the others are gone', async () => (await harness.generations()).length === 1)
      await running.close()
      expect(await harness.live()).toHaveLength(30)
    })

    it('removes at start what a crash between flip and cleaning has left', async () => {
      const projection = await registered()
      await harness.append(0, streams(12))
      await foldAll(context, projection)
      await harness.store.startGeneration('proof', 1)
      await foldAll(context, projection)
      await harness.store.flipGeneration('proof', 1)
      expect(await harness.generations()).toEqual([1, 2])
      const running = projector(projection)
      await until('the leftovers are gone', async () => (await harness.generations()).length === 1)
      await running.close()
      expect(await harness.live()).toHaveLength(12)
      expect(await harness.store.checkpoints('proof', 1)).toEqual([])
    })

    it('lets nobody fold into a generation that is retired', async () => {
      const projection = await registered()
      const { store } = harness
      await harness.append(0, streams(3))
      await foldAll(context, projection)
      await store.startGeneration('proof', 1)
      await foldAll(context, projection)
      await store.flipGeneration('proof', 1)
      expect(await store.retireGenerations('proof')).toEqual([1])
      expect(await store.transaction((tx) => store.moveCheckpoint('proof', 1, 0, 3n, 4n, tx))).toBe(false)
      expect(await store.transaction((tx) => store.holdCheckpoint('proof', 1, 0, tx))).toBeUndefined()
      expect(await store.checkpoints('proof', 1)).toEqual([])
      await store.dropGeneration('proof', 1)
      expect(await store.retireGenerations('proof')).toEqual([])
    })
  })
}
