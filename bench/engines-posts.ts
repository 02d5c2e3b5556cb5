import { composeId } from '../src/core/ids.ts'
import type { PostStore } from '../src/social/ports.ts'
import { closedLoop } from './closed-loop.ts'
import type { Case } from './engines.ts'
import { names, pastIds, seeded } from './social-world.ts'

const POSTS = 2_000
const AUTHORS = names('a', 100)
const PAGE = 20
const CLIENTS = 32
const PUBLISHERS = 4
const POSTS_AT_ONCE = 16

const POST_IDS = pastIds(POSTS)
const stores = new WeakMap<object, Promise<PostStore>>()

async function postsOf(engine: Parameters<Case>[0]): Promise<PostStore> {
  let store = stores.get(engine)
  if (store === undefined) {
    store = engine.open('posts').then(async (opened) => {
      for (let at = 0; at < POSTS; at += 500)
        await opened.insert(POST_IDS.slice(at, at + 500).map((postId, n) => newPost(postId, AUTHORS[n % 100]!)))
      return opened
    })
    stores.set(engine, store)
  }
  return await store
}

function newPost(postId: bigint, userId: string) {
  const timestamp = new Date()
  const content = { text: 'The quick brown fox jumps over the lazy dog, and then it rests for a while in the sun.' }
  return { postId, userId, content, visibility: 'public', mode: 'push', timestamp, sweepAt: timestamp } as const
}

/** In the groups in which the model commits them. */
export const postPublishing: Case = async (engine) => {
  if (!engine.serves('posts')) return undefined
  const store = await postsOf(engine)
  let sequence = 0
  const start = Date.now()
  return {
    name: engine.name,
    unit: 'posts',
    async run(seconds) {
      const measured = await closedLoop(PUBLISHERS, seconds, async () => {
        const posts = Array.from({ length: POSTS_AT_ONCE }, () => {
          const n = sequence++
          const parts = { timestampMs: start + Math.floor(n / 1_000), route: n % 1_000, node: 3, sequence: 1 }
          return newPost(composeId(parts), AUTHORS[n % 100]!)
        })
        await store.insert(posts)
      })
      return { ...measured, operations: measured.latenciesMs.length * POSTS_AT_ONCE }
    },
  }
}

export const postReads: Case = async (engine) => {
  if (!engine.serves('posts')) return undefined
  const store = await postsOf(engine)
  const random = seeded(3)
  return {
    name: engine.name,
    unit: 'pages',
    run: (seconds) =>
      closedLoop(CLIENTS, seconds, async () => {
        const at = Math.floor(random() * (POSTS - PAGE))
        const found = await store.find(POST_IDS.slice(at, at + PAGE))
        if (found.length !== PAGE) throw new Error(`${engine.name} answered ${found.length} posts`)
      }),
  }
}

/** Different people like one post, in the groups in which the model sends them. */
export const postLikes: Case = async (engine) => {
  if (!engine.serves('posts')) return undefined
  const store = await postsOf(engine)
  const group = 100
  let next = 0
  return {
    name: engine.name,
    unit: 'likes',
    async run(seconds) {
      const measured = await closedLoop(2, seconds, async () => {
        const first = next
        next += group
        const likes = Array.from({ length: group }, (_, n) => ({
          ...{ postId: POST_IDS[0]!, liked: true },
          userId: `liker-${first + n}`,
        }))
        await store.applyLikes(likes, new Date())
      })
      return { ...measured, operations: measured.latenciesMs.length * group }
    },
  }
}
