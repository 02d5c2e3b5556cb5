import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PostEdit, PostStore } from '../social/ports.ts'
import { aPost, auditAll, fingerprint, later, NOON, type StoreHarness, withPlainBytes } from './social-values.ts'

/** The promises of {@link PostStore} about what posts say: edits, reposts, mentions and hashtags, for any engine. */
export function testPostContent(name: string, create: () => Promise<StoreHarness<PostStore>>): void {
  describe(`content of posts on ${name}`, () => {
    let posts: PostStore
    let close: () => Promise<void>
    let lastId = 1_000n
    beforeAll(async () => {
      const harness = await create()
      posts = harness.store
      close = () => harness.close()
    })
    afterAll(() => close())

    const nextId = () => ++lastId
    async function published(userId: string, more: Parameters<typeof aPost>[2] = {}): Promise<bigint> {
      const id = nextId()
      expect(await posts.insert([aPost(id, userId, more)])).toEqual([{ kind: 'created' }])
      return id
    }
    const repost = (userId: string, repostOf: bigint, postId = nextId()) =>
      aPost(postId, userId, { repostOf, content: {} })
    const quote = (userId: string, repostOf: bigint) => aPost(nextId(), userId, { repostOf })
    const one = async (id: bigint) => (await posts.find([id]))[0]
    const edit = (postId: bigint, version: number, more: Partial<PostEdit> = {}): PostEdit => ({
      postId,
      version,
      content: { text: `text ${version + 1}` },
      mentions: [],
      tags: [],
      ...more,
    })
    const tagged = async (tag: string, below?: bigint, limit = 100) =>
      (await posts.byHashtag(tag, below, limit)).map((post) => post.postId)
    const everyProblem = () => auditAll(posts, 50)

    describe('edits', () => {
      it('replace the content and keep what was there, once per version', async () => {
        const id = await published('editor', { content: { text: 'text 1' } })
        const { post } = (await posts.edit(edit(id, 1), later(1_000))) as { post: object }
        expect(post).toMatchObject({ version: 2, editedAt: later(1_000), content: { text: 'text 2' }, timestamp: NOON })
        expect(post).toEqual(await one(id))
        expect(await posts.edit(edit(id, 1), later(2_000))).toEqual({ kind: 'conflict' })
        expect(await posts.edit(edit(id, 2), later(3_000))).toMatchObject({ kind: 'edited', post: { version: 3 } })
        const [first, second] = [
          { version: 1, content: { text: 'text 1' }, writtenAt: NOON, replacedAt: later(1_000) },
          { version: 2, content: { text: 'text 2' }, writtenAt: later(1_000), replacedAt: later(3_000) },
        ]
        expect(await posts.versions(id, undefined, 10)).toEqual([second, first])
        expect(await posts.versions(id, undefined, 1)).toEqual([second])
        expect(await posts.versions(id, 2, 10)).toEqual([first])
      })

      it('keep the counts, and know no post that is gone', async () => {
        const id = await published('liked')
        await posts.applyLikes([{ postId: id, userId: 'x', liked: true }], NOON)
        await posts.insert([repost('y', id)])
        const { post } = (await posts.edit(edit(id, 1), NOON)) as { post: object }
        expect(post).toMatchObject({ likeCount: 1, repostCount: 1, version: 2 })
        await posts.delete(id, NOON)
        expect(await posts.edit(edit(id, 2), NOON)).toEqual({ kind: 'conflict' })
        expect(await posts.edit(edit(7n, 1), NOON)).toEqual({ kind: 'conflict' })
        expect(await posts.versions(id, undefined, 10)).toEqual([])
      })

      it('of one version let one of many through, whose content, mentions and hashtags stand', async () => {
        const id = await published('raced')
        for (let version = 1; version <= 3; version++) {
          const tries = Array.from({ length: 8 }, (_, n) =>
            posts.edit(edit(id, version, { content: { text: `${n}` }, mentions: [`m${n}`], tags: [`race${n}`] }), NOON),
          )
          const won = (await Promise.all(tries)).map((outcome) => outcome.kind).indexOf('edited')
          expect(await one(id)).toMatchObject({
            version: version + 1,
            content: { text: `${won}` },
            mentions: [`m${won}`],
          })
          const under = await Promise.all(Array.from({ length: 8 }, (_, n) => tagged(`race${n}`)))
          expect(under.map((ids) => ids.length)).toEqual(Array.from({ length: 8 }, (_, n) => (n === won ? 1 : 0)))
        }
        expect((await posts.versions(id, undefined, 10)).map((version) => version.version)).toEqual([3, 2, 1])
      })
    })

    describe('mentions and hashtags', () => {
      it('are stored with the post and follow its edits', async () => {
        const id = await published('speaker', { mentions: ['B', 'a'], tags: ['old', 'both'] })
        expect((await one(id))?.mentions).toEqual(['B', 'a'])
        expect([await tagged('old'), await tagged('both')]).toEqual([[id], [id]])
        const { post } = (await posts.edit(edit(id, 1, { mentions: ['a', 'c'], tags: ['both', 'new'] }), NOON)) as {
          post: object
        }
        expect(post).toMatchObject({ mentions: ['a', 'c'] })
        expect((await one(id))?.mentions).toEqual(['a', 'c'])
        expect([await tagged('old'), await tagged('both'), await tagged('new')]).toEqual([[], [id], [id]])
        await posts.edit(edit(id, 2), NOON)
        expect(await one(id)).not.toHaveProperty('mentions')
        expect([await tagged('both'), await tagged('new')]).toEqual([[], []])
      })

      it('of a post that was not stored are not stored', async () => {
        const id = await published('first', { tags: ['kept'] })
        expect(await posts.insert([aPost(id, 'second', { mentions: ['x'], tags: ['lost'] })])).toEqual([
          { kind: 'id_taken' },
        ])
        expect(await one(id)).not.toHaveProperty('mentions')
        expect([await tagged('lost'), await tagged('kept')]).toEqual([[], [id]])
      })

      it('list posts newest first below an id, and no post that is gone', async () => {
        const ids = []
        for (let n = 0; n < 5; n++) ids.unshift(await published(`lister${n}`, { tags: ['list'] }))
        expect(await tagged('list')).toEqual(ids)
        expect(await tagged('list', ids[1], 2)).toEqual([ids[2], ids[3]])
        await posts.delete(ids[2]!, NOON)
        expect(await tagged('list')).toEqual(ids.filter((_, n) => n !== 2))
        while ((await posts.erase('lister4', 10)) > 0);
        expect(await tagged('list')).toEqual(ids.filter((_, n) => n !== 2 && n !== 0))
      })

      it('take one batch of posts with some, with none, and with the same', async () => {
        const batch = [
          aPost(nextId(), 'batch', { tags: ['same', 'one'], mentions: ['m'] }),
          aPost(nextId(), 'batch'),
          aPost(nextId(), 'batch', { tags: ['same'], mentions: ['m', 'n'] }),
        ] as const
        await posts.insert(batch)
        const [first, , third] = batch.map((post) => post.postId)
        expect([await tagged('same'), await tagged('one')]).toEqual([[third, first], [first]])
        const found = new Map((await posts.find(batch.map((post) => post.postId))).map((post) => [post.postId, post]))
        expect(batch.map((post) => found.get(post.postId)?.mentions)).toEqual([['m'], undefined, ['m', 'n']])
      })
    })

    describe('reposts', () => {
      it('are made once per user and post, quotes as often as one likes', async () => {
        const root = await published('root')
        const first = repost('fan', root)
        const outcomes = await posts.insert([first, repost('fan', root), repost('other', root), quote('fan', root)])
        const reposted = { kind: 'reposted', postId: first.postId }
        expect(outcomes).toEqual([{ kind: 'created' }, reposted, { kind: 'created' }, { kind: 'created' }])
        expect(await posts.insert([repost('fan', root), quote('fan', root)])).toEqual([reposted, { kind: 'created' }])
        expect((await one(root))?.repostCount).toBe(4)
        expect(await one(first.postId)).toMatchObject({ repostOf: root, content: {}, repostCount: 0 })
        await posts.delete(first.postId, NOON)
        expect(await posts.insert([repost('fan', root)])).toEqual([{ kind: 'created' }])
        expect((await one(root))?.repostCount).toBe(4)
      })

      it('of a post that is gone are refused', async () => {
        const root = await published('gone')
        await posts.delete(root, NOON)
        expect(await posts.insert([repost('fan', root), quote('fan', root), repost('fan', 7n)])).toEqual([
          { kind: 'no_root' },
          { kind: 'no_root' },
          { kind: 'no_root' },
        ])
      })

      it('with a key that was used answer what was made with it, also when the post is gone since', async () => {
        const root = await published('keyed')
        const idempotency = { key: 'k', fingerprint: fingerprint(1) }
        const made = { ...repost('fan', root), idempotency }
        await posts.insert([made])
        const again = () => posts.insert([{ ...repost('fan', root), idempotency }])
        const repeated = { kind: 'repeated', post: { postId: made.postId }, fingerprint: fingerprint(1) }
        expect(withPlainBytes((await again())[0])).toMatchObject(repeated)
        await posts.delete(root, NOON)
        expect(withPlainBytes((await again())[0])).toMatchObject(repeated)
        expect(withPlainBytes(await posts.byKey('fan', 'k'))).toMatchObject(repeated)
        expect(await posts.byKey('fan', 'other')).toBeUndefined()
        await posts.delete(made.postId, NOON)
        expect(withPlainBytes(await posts.byKey('fan', 'k'))).toEqual({ ...repeated, post: undefined })
      })

      it('are counted exactly when many are made, repeated and deleted at once', async () => {
        const roots = [await published('hot'), await published('hot'), await published('hot')]
        const fans = Array.from({ length: 12 }, (_, n) => `fan-${n}`)
        const made = fans.map((fan) => roots.map((root) => repost(fan, root)))
        const outcomes = await Promise.all([
          ...made.map((batch) => posts.insert(batch)),
          ...fans.map((fan) => posts.insert([...roots].reverse().map((root) => repost(fan, root)))),
          ...fans.map((fan) => posts.insert(roots.map((root) => quote(fan, root)))),
        ])
        expect(outcomes.flat().filter((outcome) => outcome.kind === 'created')).toHaveLength(2 * 3 * fans.length)
        expect((await posts.find(roots)).map((post) => post.repostCount)).toEqual([24, 24, 24])
        const some = (await posts.byAuthor('fan-0', ['public'], undefined, 100)).slice(0, 3)
        const gone = await Promise.all([...some, ...some].map((post) => posts.delete(post.postId, NOON)))
        expect(gone.filter((outcome) => outcome === 'deleted')).toHaveLength(3)
        while ((await posts.erase('fan-1', 2)) > 0);
        const counts = (await posts.find(roots)).map((post) => post.repostCount)
        expect(counts.reduce((sum, count) => sum + count)).toBe(72 - 3 - 6)
        expect(await everyProblem()).toEqual([])
      })

      it('crossing the deletion of what they pass on leave exact counts', async () => {
        for (let round = 0; round < 5; round++) {
          const inner = await published('inner')
          const outer = quote('outer', inner)
          await posts.insert([outer])
          const reposts = [repost('a', outer.postId), repost('b', outer.postId), repost('c', inner)]
          const [outcomes] = await Promise.all([
            Promise.all(reposts.map((post) => posts.insert([post]))),
            posts.delete(outer.postId, NOON),
            posts.delete(inner, NOON),
          ])
          for (const [n, [outcome]] of outcomes.entries()) {
            expect(['created', 'no_root']).toContain(outcome!.kind)
            expect(await posts.find([reposts[n]!.postId])).toHaveLength(outcome!.kind === 'created' ? 1 : 0)
          }
          // Deleting what was passed on does not change posts that are gone.
          for (const post of reposts) await posts.delete(post.postId, NOON)
        }
        expect(await everyProblem()).toEqual([])
      })
    })
  })
}
