import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LikeChange, PostStore } from '../social/ports.ts'
import { aComment, aPost, auditAll, fingerprint, NOON, type StoreHarness, withPlainBytes } from './social-values.ts'

const like = (postId: bigint, userId: string): LikeChange => ({ postId, userId, liked: true })
const unlike = (postId: bigint, userId: string): LikeChange => ({ postId, userId, liked: false })

/** The promises of {@link PostStore} but for its ledger, for any engine. */
export function testPostStore(name: string, create: () => Promise<StoreHarness<PostStore>>): void {
  describe(`post store on ${name}`, () => {
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
    async function published(userId: string): Promise<bigint> {
      const id = nextId()
      await posts.insert([aPost(id, userId)])
      return id
    }
    const one = async (id: bigint) => (await posts.find([id]))[0]
    const everyProblem = () => auditAll(posts, 3)

    describe('posts', () => {
      it('gives back what was stored', async () => {
        const content = {
          text: 'a "quoted" \\ text\nñ 🎉',
          media: [{ url: 'https://x.example/a.jpg', type: 'image' as const, alt: 'a' }],
        }
        const id = nextId()
        expect(await posts.insert([aPost(id, 'author', { content, visibility: 'followers' })])).toEqual([
          { kind: 'created' },
        ])
        expect(await posts.find([id, 1n])).toEqual([
          {
            postId: id,
            userId: 'author',
            content,
            visibility: 'followers',
            mode: 'push',
            timestamp: NOON,
            likeCount: 0,
            commentCount: 0,
            repostCount: 0,
            version: 1,
          },
        ])
      })

      it('makes one post per author and key, and says which', async () => {
        const key = { key: 'k', fingerprint: fingerprint(1) }
        const [first, second, third, fourth] = [nextId(), nextId(), nextId(), nextId()] as const
        const outcomes = await posts.insert([
          aPost(first, 'keyed', { idempotency: key }),
          aPost(second, 'keyed', { idempotency: { ...key, fingerprint: fingerprint(2) } }),
          aPost(third, 'other', { idempotency: key }),
          aPost(fourth, 'keyed'),
        ])
        expect(outcomes.map((outcome) => outcome.kind)).toEqual(['created', 'repeated', 'created', 'created'])
        expect(withPlainBytes(outcomes[1])).toMatchObject({ post: { postId: first }, fingerprint: fingerprint(1) })
        expect(await posts.find([second])).toEqual([])
        expect(await posts.ledger.find([second])).toEqual([])
        await posts.delete(first, NOON)
        const [again] = await posts.insert([aPost(nextId(), 'keyed', { idempotency: key })])
        expect(withPlainBytes(again)).toEqual({ kind: 'repeated', post: undefined, fingerprint: fingerprint(1) })
      })

      it('lets one of many simultaneous repeats through', async () => {
        const key = { key: 'race', fingerprint: fingerprint(1) }
        const tries = Array.from({ length: 12 }, () => posts.insert([aPost(nextId(), 'racer', { idempotency: key })]))
        const kinds = (await Promise.all(tries)).map(([outcome]) => outcome!.kind)
        expect(kinds.filter((kind) => kind === 'created')).toHaveLength(1)
        expect(await posts.byAuthor('racer', ['public'], undefined, 100)).toHaveLength(1)
      })

      it('says when an id is taken, and leaves the post that has it alone', async () => {
        const id = await published('first')
        const key = { key: 'taken', fingerprint: fingerprint(1) }
        expect(await posts.insert([aPost(id, 'second', { idempotency: key })])).toEqual([{ kind: 'id_taken' }])
        expect((await one(id))?.userId).toBe('first')
        expect(await posts.insert([aPost(nextId(), 'second', { idempotency: key })])).toEqual([{ kind: 'created' }])
      })

      it('lists one author, newest first, by visibility', async () => {
        const ids = [nextId(), nextId(), nextId()]
        for (const [n, id] of ids.entries()) {
          await posts.insert([aPost(id, 'lister', { visibility: n === 1 ? 'followers' : 'public' })])
        }
        const list = async (...args: Parameters<PostStore['byAuthor']>) =>
          (await posts.byAuthor(...args)).map((post) => post.postId)
        expect(await list('lister', ['public', 'followers'], undefined, 10)).toEqual([ids[2], ids[1], ids[0]])
        expect(await list('lister', ['public'], undefined, 10)).toEqual([ids[2], ids[0]])
        expect(await list('lister', ['public', 'followers'], ids[2], 1)).toEqual([ids[1]])
      })

      it('merges several authors, between two ids', async () => {
        const ids: bigint[] = []
        for (const author of ['p', 'q', 'p', 'r', 'q']) ids.push(await published(`merge-${author}`))
        const [a, b, c, , e] = ids as [bigint, bigint, bigint, bigint, bigint]
        expect(await posts.idsByAuthors(['merge-p', 'merge-q', 'merge-none'], undefined, 10)).toEqual([e, c, b, a])
        expect(await posts.idsByAuthors(['merge-p', 'merge-q'], e, 2)).toEqual([c, b])
        expect(await posts.idsByAuthors(['merge-p', 'merge-q'], undefined, 10, b)).toEqual([e, c])
        expect(await posts.idsByAuthors([], undefined, 10)).toEqual([])
      })

      it('hides a deleted post everywhere, and stays quiet when it is deleted again', async () => {
        const id = await published('deleter')
        expect(await posts.delete(id, NOON)).toBe('deleted')
        expect(await posts.delete(id, NOON)).toBe('gone')
        expect(await posts.delete(7n, NOON)).toBe('unknown')
        expect(await posts.find([id])).toEqual([])
        expect(await posts.byAuthor('deleter', ['public'], undefined, 10)).toEqual([])
        expect(await posts.idsByAuthors(['deleter'], undefined, 10)).toEqual([])
        expect(await posts.ledger.find([id])).toEqual([])
      })
    })

    describe('likes', () => {
      it('counts a like once, however often it is given', async () => {
        const id = await published('liked')
        expect(await posts.applyLikes([like(id, 'x'), like(id, 'y'), like(1n, 'x')], NOON)).toEqual([
          'changed',
          'changed',
          'no_post',
        ])
        expect(await posts.applyLikes([like(id, 'x')], NOON)).toEqual(['unchanged'])
        expect((await one(id))?.likeCount).toBe(2)
        expect(await posts.likedBy('x', [id, 1n])).toEqual([id])
      })

      it('takes likes and unlikes of several posts in one batch', async () => {
        const [a, b] = [await published('batch'), await published('batch')]
        await posts.applyLikes([like(a, 'x'), like(a, 'y'), like(b, 'x')], NOON)
        const outcomes = await posts.applyLikes(
          [unlike(a, 'x'), like(b, 'y'), unlike(b, 'z'), unlike(1n, 'x'), like(a, 'z')],
          NOON,
        )
        expect(outcomes).toEqual(['changed', 'changed', 'unchanged', 'no_post', 'changed'])
        expect((await one(a))?.likeCount).toBe(2)
        expect((await one(b))?.likeCount).toBe(2)
        expect(await posts.applyLikes([], NOON)).toEqual([])
      })

      it('takes no like for a deleted post', async () => {
        const id = await published('gone')
        await posts.delete(id, NOON)
        expect(await posts.applyLikes([like(id, 'x')], NOON)).toEqual(['no_post'])
        expect(await posts.likedBy('x', [id])).toEqual([])
      })

      it('keeps counts exact when batches overlap', async () => {
        const ids = [await published('hot'), await published('hot'), await published('hot')]
        const people = Array.from({ length: 20 }, (_, n) => `fan-${n}`)
        const batches = people.flatMap((person) => [
          posts.applyLikes(
            ids.map((id) => like(id, person)),
            NOON,
          ),
          posts.applyLikes(
            [...ids].reverse().map((id) => like(id, person)),
            NOON,
          ),
        ])
        const outcomes = (await Promise.all(batches)).flat()
        expect(outcomes.filter((outcome) => outcome === 'changed')).toHaveLength(60)
        const rest = people.slice(0, 7).map((person) =>
          posts.applyLikes(
            ids.map((id) => unlike(id, person)),
            NOON,
          ),
        )
        await Promise.all(rest)
        expect((await posts.find(ids)).map((post) => post.likeCount)).toEqual([13, 13, 13])
        expect(await everyProblem()).toEqual([])
      })
    })

    describe('comments', () => {
      it('adds a comment and its count at once, once per key', async () => {
        const id = await published('commented')
        const key = { key: 'c', fingerprint: fingerprint(1) }
        const comment = aComment(nextId(), id, 'x')
        expect(await posts.insertComment(comment, key)).toEqual({ kind: 'created' })
        const again = await posts.insertComment(
          { ...comment, commentId: nextId() },
          { ...key, fingerprint: fingerprint(2) },
        )
        expect(withPlainBytes(again)).toEqual({ kind: 'repeated', comment, fingerprint: fingerprint(1) })
        expect(await posts.insertComment(aComment(nextId(), 1n, 'x'), undefined)).toEqual({ kind: 'no_post' })
        expect((await one(id))?.commentCount).toBe(1)
        expect(await posts.comments(id, undefined, 10)).toEqual([comment])
      })

      it('lists comments oldest first, in pages', async () => {
        const id = await published('thread')
        const ids = [nextId(), nextId(), nextId()]
        for (const commentId of ids) await posts.insertComment(aComment(commentId, id, 'x'), undefined)
        const list = async (after: bigint | undefined, limit: number) =>
          (await posts.comments(id, after, limit)).map((comment) => comment.commentId)
        expect(await list(undefined, 2)).toEqual(ids.slice(0, 2))
        expect(await list(ids[1], 2)).toEqual(ids.slice(2))
      })

      it('deletes a comment once, with its count', async () => {
        const id = await published('pruned')
        const [a, b] = [nextId(), nextId()]
        await posts.insertComment(aComment(a, id, 'x'), undefined)
        await posts.insertComment(aComment(b, id, 'x'), undefined)
        const gone = await Promise.all([posts.deleteComment(a), posts.deleteComment(a), posts.deleteComment(2n)])
        expect(gone.filter(Boolean)).toHaveLength(1)
        expect((await one(id))?.commentCount).toBe(1)
      })

      it('keeps the count exact when comments come and go at once', async () => {
        const id = await published('busy')
        const ids = Array.from({ length: 20 }, nextId)
        await Promise.all(
          ids.map((commentId) => posts.insertComment(aComment(commentId, id, `c-${commentId}`), undefined)),
        )
        await Promise.all(ids.slice(0, 8).map((commentId) => posts.deleteComment(commentId)))
        expect((await one(id))?.commentCount).toBe(12)
        expect(await everyProblem()).toEqual([])
      })

      it('shows and deletes no comment of a deleted post, and clears them away later', async () => {
        const id = await published('closed')
        const commentId = nextId()
        await posts.insertComment(aComment(commentId, id, 'x'), undefined)
        await posts.applyLikes([like(id, 'x'), like(id, 'y')], NOON)
        await posts.delete(id, NOON)
        expect(await posts.deleteComment(commentId)).toBe(false)
        let cleared = 0
        for (let n = await posts.clearLeftovers(2); n > 0; n = await posts.clearLeftovers(2)) cleared += n
        expect(cleared).toBe(3)
        expect(await posts.comments(id, undefined, 10)).toEqual([])
        expect(await posts.likedBy('x', [id])).toEqual([])
      })
    })

    describe('erasing', () => {
      it('leaves nothing of a user and keeps the counts of others exact', async () => {
        const [mine, other] = [await published('me'), await published('you')]
        await published('me')
        await posts.applyLikes([like(other, 'me'), like(other, 'z'), like(mine, 'you'), like(mine, 'me')], NOON)
        const comments = [
          aComment(nextId(), other, 'me'),
          aComment(nextId(), other, 'me'),
          aComment(nextId(), mine, 'you'),
        ]
        for (const comment of comments) await posts.insertComment(comment, undefined)
        await posts.insertComment(aComment(nextId(), other, 'z'), undefined)
        for (let rounds = 0; (await posts.erase('me', 2)) > 0; rounds++) expect(rounds).toBeLessThan(50)
        expect(await one(other)).toMatchObject({ likeCount: 1, commentCount: 1 })
        expect(await posts.byAuthor('me', ['public'], undefined, 10)).toEqual([])
        expect(await posts.likedBy('you', [mine])).toEqual([])
        expect(await posts.comments(mine, undefined, 10)).toEqual([])
        expect(await posts.ledger.state(mine)).toBeUndefined()
        expect(await posts.delete(mine, NOON)).toBe('unknown')
        expect(await everyProblem()).toEqual([])
      })
    })

    it('finds nothing wrong over everything done so far', async () => {
      expect(await everyProblem()).toEqual([])
    })
  })
}
