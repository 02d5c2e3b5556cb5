import { systemClock } from '../src/core/clock.ts'
import { createIdMaker } from '../src/core/ids.ts'
import type { TimelineStore } from '../src/social/ports.ts'
import { closedLoop } from './closed-loop.ts'
import type { Case } from './engines.ts'
import { names, pastIds, seeded } from './social-world.ts'

const READERS = 2_048
const CHUNK = 512
const CHUNKS_AT_ONCE = 8
const ENTRIES = 100
const PAGE = 20
const CLIENTS = 32

const READER_IDS = names('r', READERS)
const chunks = Array.from({ length: READERS / CHUNK }, (_, n) => READER_IDS.slice(n * CHUNK, (n + 1) * CHUNK))

async function inGroups<T>(items: readonly T[], size: number, work: (item: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < items.length; at += size) await Promise.all(items.slice(at, at + size).map(work))
}

const filled = new WeakMap<object, Promise<TimelineStore>>()

/** Timelines of everybody, ready and with some entries. */
async function timelinesOf(engine: Parameters<Case>[0]): Promise<TimelineStore> {
  let store = filled.get(engine)
  if (store === undefined) {
    store = engine.open('timelines').then(async (opened) => {
      const postIds = pastIds(ENTRIES).toReversed()
      await inGroups(READER_IDS, 64, async (userId) => {
        await opened.install(userId, await opened.begin(userId), postIds, 0n)
      })
      return opened
    })
    filled.set(engine, store)
  }
  return await store
}

/** New posts appended to the timelines of all readers, by chunks as the fan-out does; every chunk counts that was begun. */
export const deliveries: Case = async (engine) => {
  if (!engine.serves('timelines')) return undefined
  const store = await timelinesOf(engine)
  const ids = createIdMaker({ node: 5, clock: systemClock })
  return {
    name: engine.name,
    unit: 'deliveries',
    async run(seconds) {
      const startedAt = performance.now()
      const end = startedAt + seconds * 1_000
      let appended = 0
      const lanes = Array.from({ length: CHUNKS_AT_ONCE }, async (_, lane) => {
        for (let turn = lane; performance.now() < end; turn++) {
          const { delivered } = await store.append(ids.next(lane), chunks[turn % chunks.length]!)
          appended += delivered
        }
      })
      await Promise.all(lanes)
      const took = (performance.now() - startedAt) / 1_000
      return { seconds: took, latenciesMs: new Float64Array(), operations: appended }
    },
  }
}

export const pageReads: Case = async (engine) => {
  if (!engine.serves('timelines')) return undefined
  const store = await timelinesOf(engine)
  const random = seeded(1)
  return {
    name: engine.name,
    unit: 'pages',
    run: (seconds) =>
      closedLoop(CLIENTS, seconds, async () => {
        const slice = await store.read(READER_IDS[Math.floor(random() * READERS)]!, undefined, PAGE)
        if (slice?.postIds.length !== PAGE) throw new Error(`${engine.name} answered ${slice?.postIds.length} entries`)
      }),
  }
}
