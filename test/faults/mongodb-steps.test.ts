import { randomBytes } from 'node:crypto'
import { type Collection, type Db, MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { openPostStore } from '../../src/engines/mongodb/post-store.ts'
import { type Collections, collectionsOf, makeIndexes, missingSteps } from '../../src/engines/mongodb/schema.ts'
import type { LikeChange, PostStore } from '../../src/social/ports.ts'
import { createGate, type Gate } from '../../src/testing/gate.ts'
import { aComment, aPost, auditAll, later, NOON } from '../../src/testing/social-values.ts'
import { until } from '../../src/testing/until.ts'
import { testContext } from '../setup/context.ts'
import { mongodbServer } from '../setup/mongodb.ts'

/**
 * Claim: whoever writes to posts may die before any of his writes, or pause there while others take him for dead and
 * complete what he began, and go on afterwards: once all is quiet the counts are those of the rows, and what was
 * answered is so.
 *
 * Method: each operation against a real server, stopped before its first write, its second, and so on; others see it
 * with a clock that is ahead, so that what it left is old to them.
 */
const server = mongodbServer()

const WRITES = new Set([
  ...['bulkWrite', 'updateOne', 'updateMany', 'insertOne', 'insertMany', 'deleteOne', 'deleteMany'],
  'findOneAndUpdate',
])

/** The same collections; `before` is asked ahead of each write. */
function watched(collections: Collections, before: () => Promise<void>): Collections {
  const watch = (collection: Collection) =>
    new Proxy(collection, {
      get(target, name) {
        const value = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        if (!WRITES.has(String(name))) return value.bind(target)
        return async (...args: unknown[]) => {
          await before()
          return value.apply(target, args)
        }
      },
    })
  return Object.fromEntries(Object.entries(collections).map(([name, each]) => [name, watch(each)])) as never
}

const ahead = (ms: number) => ({ ...testContext(), clock: { ...systemClock, now: () => Date.now() + ms } })

interface Scene {
  readonly ids: readonly [bigint, bigint, bigint, bigint]
  readonly posts: PostStore
}

interface Action {
  readonly name: string
  /** What there is before, made undisturbed. */
  prepare?(scene: Scene): Promise<unknown>
  act(scene: Scene): Promise<unknown>
  /** What must be so when the action was answered, whatever came in between. */
  answered(scene: Scene): Promise<void>
}

const like = (postId: bigint, userId: string, liked = true): LikeChange => ({ postId, userId, liked })
const countsOf = async ({ posts, ids }: Scene) => {
  const found = new Map((await posts.find(ids)).map((post) => [post.postId, post]))
  return ids.map((id) => {
    const post = found.get(id)
    return post && [post.likeCount, post.commentCount, post.repostCount]
  })
}

const ACTIONS: readonly Action[] = [
  {
    name: 'likes',
    act: ({ posts, ids }) => posts.applyLikes([like(ids[0], 'x'), like(ids[0], 'author'), like(ids[1], 'x')], later(5)),
    async answered(scene) {
      expect((await countsOf(scene)).slice(0, 2)).toEqual([
        [2, 0, 0],
        [1, 0, 0],
      ])
      expect(await scene.posts.likedBy('x', scene.ids)).toHaveLength(2)
    },
  },
  {
    name: 'unlikes',
    prepare: ({ posts, ids }) => posts.applyLikes([like(ids[0], 'x'), like(ids[0], 'y'), like(ids[1], 'x')], NOON),
    act: ({ posts, ids }) => posts.applyLikes([like(ids[0], 'x', false), like(ids[1], 'x', false)], later(5)),
    async answered(scene) {
      expect((await countsOf(scene)).slice(0, 2)).toEqual([
        [1, 0, 0],
        [0, 0, 0],
      ])
      expect(await scene.posts.likedBy('x', scene.ids)).toEqual([])
    },
  },
  {
    name: 'a comment',
    act: ({ posts, ids }) => posts.insertComment(aComment(ids[3], ids[0], 'x'), undefined),
    async answered(scene) {
      expect((await countsOf(scene))[0]).toEqual([0, 1, 0])
      expect(await scene.posts.comments(scene.ids[0], undefined, 5)).toHaveLength(1)
    },
  },
  {
    name: 'the deletion of a comment',
    prepare: ({ posts, ids }) => posts.insertComment(aComment(ids[3], ids[0], 'x'), undefined),
    act: ({ posts, ids }) => posts.deleteComment(ids[3]),
    async answered(scene) {
      expect((await countsOf(scene))[0]).toEqual([0, 0, 0])
      expect(await scene.posts.comments(scene.ids[0], undefined, 5)).toEqual([])
    },
  },
  {
    name: 'reposts',
    act: ({ posts, ids }) =>
      posts.insert([
        aPost(ids[2], 'x', { repostOf: ids[0], content: {} }),
        aPost(ids[3], 'x', { repostOf: ids[1], mode: 'pull' }),
      ]),
    async answered(scene) {
      expect((await countsOf(scene)).slice(0, 2)).toEqual([
        [0, 0, 1],
        [0, 0, 1],
      ])
    },
  },
  {
    name: 'the deletion of a repost that has likes',
    async prepare({ posts, ids }) {
      await posts.insert([aPost(ids[2], 'x', { repostOf: ids[0], content: {} })])
      await posts.applyLikes([like(ids[2], 'y')], NOON)
    },
    act: ({ posts, ids }) => posts.delete(ids[2], NOON),
    async answered(scene) {
      expect((await countsOf(scene)).slice(0, 3)).toEqual([[0, 0, 0], [0, 0, 0], undefined])
    },
  },
  {
    name: 'an edit',
    act: ({ posts, ids }) => {
      const said = { content: { text: 'new' }, mentions: ['m'], tags: ['t'] }
      return posts.edit({ postId: ids[0], version: 1, ...said }, later(1))
    },
    async answered({ posts, ids }) {
      expect(await posts.versions(ids[0], undefined, 5)).toMatchObject([
        { version: 1, content: { text: `post ${ids[0]}` } },
      ])
      expect((await posts.find([ids[0]]))[0]).toMatchObject({ version: 2, content: { text: 'new' } })
    },
  },
  {
    name: 'the erasure of a user',
    async prepare({ posts, ids }) {
      await posts.insert([aPost(ids[2], `e${ids[0]}`, { repostOf: ids[0] })])
      await posts.applyLikes([like(ids[0], `e${ids[0]}`), like(ids[1], `e${ids[0]}`), like(ids[2], 'y')], NOON)
      await posts.insertComment(aComment(ids[3], ids[0], `e${ids[0]}`), undefined)
    },
    async act({ posts, ids }) {
      while ((await posts.erase(`e${ids[0]}`, 2)) > 0);
    },
    async answered(scene) {
      expect((await countsOf(scene)).slice(0, 3)).toEqual([[0, 0, 0], [0, 0, 0], undefined])
    },
  },
]

describe.skipIf(server === undefined)('posts on mongodb, stopped before any write', () => {
  let client: MongoClient
  let db: Db
  let collections: Collections
  let lastId = 1_000n
  const closes: (() => Promise<void>)[] = []
  beforeAll(async () => {
    client = new MongoClient(server!, {
      useBigInt64: true,
      ignoreUndefined: true,
      promoteBuffers: true,
      maxPoolSize: 20,
    })
    db = client.db(`test-${randomBytes(6).toString('hex')}`)
    collections = collectionsOf(db, '')
    await makeIndexes(collections, await missingSteps(collections))
  })
  afterAll(async () => {
    for (const close of closes.splice(0)) await close()
    await db?.dropDatabase()
    await client?.close()
  })

  function open(context = testContext(), over = collections): PostStore {
    const { store, close } = openPostStore(over, context)
    closes.push(close)
    return store
  }

  /** Nothing is under way any more. */
  const isQuiet = async () => {
    const rows = [collections.posts, collections.likes, collections.comments] as unknown as Collection[]
    const open = await Promise.all(rows.map((each) => each.countDocuments({ op: { $gt: '' } })))
    const begun = await collections.posts.countDocuments({ 'ops.0': { $exists: true } } as object)
    return begun === 0 && open.every((count) => count === 0)
  }

  async function sceneOf(action: Action): Promise<Scene> {
    const ids = [++lastId, ++lastId, ++lastId, ++lastId] as const
    const scene = { ids, posts: open() }
    await scene.posts.insert([aPost(ids[0], 'author'), aPost(ids[1], 'author')])
    await action.prepare?.(scene)
    return scene
  }

  async function closeAll(): Promise<void> {
    for (const close of closes.splice(0)) await close()
  }

  for (const action of ACTIONS) {
    it(`${action.name}: who dies leaves nothing miscounted, and the same again has its effect`, async () => {
      for (let stop = 0, died = true; died; stop++) {
        const scene = await sceneOf(action)
        let writes = 0
        const dying = open(
          testContext(),
          watched(collections, async () => {
            writes += 1
            if (writes > stop) throw new Error('died')
          }),
        )
        died = await action.act({ ...scene, posts: dying }).then(
          () => false,
          (error: Error) => {
            expect(error.message).toBe('died')
            return true
          },
        )
        const others = open(ahead(2 * LIMITS.mongodbOperationMs))
        expect(await auditAll(others, 50)).toEqual([])
        await until('all is quiet', isQuiet)
        expect(await auditAll(others, 50)).toEqual([])
        // An insertion or an edit that is done is refused, anything else has no effect.
        await action.act({ ...scene, posts: others }).catch((error) => expect(error).toMatchObject({ code: 11_000 }))
        await action.answered({ ...scene, posts: others })
        expect(await auditAll(others, 50)).toEqual([])
        await closeAll()
        expect(stop).toBeLessThan(60)
      }
    })

    it(`${action.name}: who pauses and is taken for dead counts nothing twice and loses nothing`, async () => {
      for (let stop = 1, paused = true; paused; stop++) {
        const scene = await sceneOf(action)
        const reached: Gate = createGate()
        const on: Gate = createGate()
        let writes = 0
        const slow = open(
          testContext(),
          watched(collections, async () => {
            writes += 1
            if (writes !== stop) return
            reached.open()
            await on.opened
          }),
        )
        const acting = action.act({ ...scene, posts: slow })
        paused = await Promise.race([reached.opened.then(() => true), acting.then(() => false)])
        const others = open(ahead(2 * LIMITS.mongodbOperationMs))
        if (paused) await until('all is quiet', isQuiet)
        on.open()
        await acting
        expect(await auditAll(others, 50)).toEqual([])
        await until('all is quiet again', isQuiet)
        await action.answered({ ...scene, posts: others })
        expect(await auditAll(others, 50)).toEqual([])
        await closeAll()
        expect(stop).toBeLessThan(60)
      }
    })
  }

  it('a repost whose deletion is not counted yet is erased after it is', async () => {
    const [root, repost] = [++lastId, ++lastId]
    const posts = open()
    await posts.insert([aPost(root, 'author')])
    await posts.insert([aPost(repost, 'leaver', { repostOf: root, content: {} })])
    let writes = 0
    const dying = open(
      testContext(),
      watched(collections, async () => {
        writes += 1
        // Begun and written, and not counted.
        if (writes === 3) throw new Error('died')
      }),
    )
    await expect(dying.delete(repost, NOON)).rejects.toThrow('died')
    // Nobody can tell yet that it is dead.
    expect(await posts.erase('leaver', 100)).toBeGreaterThan(0)
    expect(await collections.posts.countDocuments({ _id: repost })).toBe(1)
    const others = open(ahead(2 * LIMITS.mongodbOperationMs))
    while ((await others.erase('leaver', 100)) > 0);
    expect(await collections.posts.countDocuments({ _id: repost })).toBe(0)
    expect(await posts.find([root])).toMatchObject([{ repostCount: 0 }])
    expect(await auditAll(others, 50)).toEqual([])
    await closeAll()
  })
})
