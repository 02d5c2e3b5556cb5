import type { FollowStore } from '../src/social/ports.ts'
import { closedLoop } from './closed-loop.ts'
import type { Case } from './engines.ts'
import { names, seeded } from './social-world.ts'

const FOLLOWERS = 20_000
const CHUNK = 2_000
const EDGES_AT_ONCE = 2_000
const CLIENTS = 16
const OTHERS = 20
const STAR = 'star'

const FOLLOWER_IDS = names('f', FOLLOWERS)
const filled = new WeakMap<object, Promise<FollowStore>>()

/** Everybody follows one, and the next twenty in the list. */
async function followsOf(engine: Parameters<Case>[0]): Promise<FollowStore> {
  let store = filled.get(engine)
  if (store === undefined) {
    store = engine.open('follows').then(async (opened) => {
      const edges = FOLLOWER_IDS.map((followerId) => ({ followerId, followeeId: STAR }))
      FOLLOWER_IDS.slice(0, 1_000).forEach((followerId, at) => {
        for (let n = 1; n <= OTHERS; n++) edges.push({ followerId, followeeId: FOLLOWER_IDS[at + n]! })
      })
      for (let at = 0; at < edges.length; at += EDGES_AT_ONCE)
        await opened.followMany(edges.slice(at, at + EDGES_AT_ONCE), new Date())
      return opened
    })
    filled.set(engine, store)
  }
  return await store
}

/** The followers of a large author, walked in the chunks of the fan-out. */
export const followScans: Case = async (engine) => {
  if (!engine.serves('follows')) return undefined
  const store = await followsOf(engine)
  const starts = Array.from({ length: FOLLOWERS / CHUNK }, (_, n) =>
    n === 0 ? undefined : FOLLOWER_IDS[n * CHUNK - 1],
  )
  let next = 0
  return {
    name: engine.name,
    unit: 'followers',
    async run(seconds) {
      const measured = await closedLoop(4, seconds, async () => {
        const turn = next++ % starts.length
        const range = { userId: STAR, after: starts[turn], upTo: starts[turn + 1] }
        const [ids] = await store.followerIds([range], CHUNK)
        if (ids?.length !== CHUNK) throw new Error(`${engine.name} answered ${ids?.length} followers`)
      })
      return { ...measured, operations: measured.latenciesMs.length * CHUNK }
    },
  }
}

/** What reading a page asks: how one user stands to twenty others. */
export const relationChecks: Case = async (engine) => {
  if (!engine.serves('follows')) return undefined
  const store = await followsOf(engine)
  const random = seeded(2)
  return {
    name: engine.name,
    unit: 'checks',
    run: (seconds) =>
      closedLoop(CLIENTS, seconds, async () => {
        const at = Math.floor(random() * 1_000)
        const found = await store.relations(FOLLOWER_IDS[at]!, FOLLOWER_IDS.slice(at + 1, at + 1 + OTHERS))
        if (found.size !== OTHERS) throw new Error(`${engine.name} answered ${found.size} relations`)
      }),
  }
}
