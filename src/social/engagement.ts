import { createBatcher } from '../core/batcher.ts'
import { type CommandContext, idempotencyKeyOf, judgeKey } from '../core/command.ts'
import {
  cursorTime,
  decodeCursor,
  decodeIdCursor,
  type Page,
  type PageRequest,
  pageLimit,
  pageOf,
} from '../core/cursor.ts'
import { decomposeId, hashToBucket, ID_ROUTES } from '../core/ids.ts'
import { LIMITS } from '../core/limits.ts'
import { validator } from '../core/schema.ts'
import { createBlockLookup } from './blocks.ts'
import type { SocialDeps } from './deps.ts'
import { commentIdOf, commentNotFound, postIdOf, postNotFound, toCommentDocument, userIdOf } from './documents.ts'
import type { LikeChange, LikeOutcome, Liker, StoredComment, StoredPost } from './ports.ts'
import type { Posts, ViewerOption } from './posts.ts'
import { interactionBlocked } from './relations.ts'
import { type Comment, CreateCommentInput, type Liker as LikerEntry } from './schemas.ts'
import { createTurnstile } from './turnstile.ts'
import type { Users } from './users.ts'

const checkInput = validator(CreateCommentInput)

function decodeLiker(list: string, cursor: string | undefined): Liker | undefined {
  const key = decodeCursor(list, 2, cursor)
  if (key === undefined) return undefined
  const [since, userId] = key as [string, string]
  return { since: cursorTime(since), userId }
}

/** Likes and comments. */
export function createEngagement(deps: SocialDeps, users: Users, posts: Posts) {
  const { posts: store, follows, ids, clock } = deps
  const isBlocked = createBlockLookup(deps)
  const pass = createTurnstile<bigint>(LIMITS.batchItemsMax)
  const liking = createBatcher<LikeChange, LikeOutcome>({
    run: async (items) => (await applyLast(items)).map((value) => ({ ok: true, value })),
  })

  /** What one person wanted of one post last is what counts. */
  async function applyLast(items: readonly LikeChange[]): Promise<LikeOutcome[]> {
    const nameOf = (item: LikeChange) => `${item.postId} ${item.userId}`
    const last = new Map(items.map((item) => [nameOf(item), item]))
    const changes = [...last.values()]
    const outcomes = await store.applyLikes(changes, new Date(clock.now()))
    const outcomeOf = new Map(changes.map((change, index) => [nameOf(change), outcomes[index]!]))
    return items.map((item) => outcomeOf.get(nameOf(item))!)
  }

  /** The post that `userId` wants to do something with. */
  async function open(postId: string, userId: string): Promise<StoredPost> {
    const [{ post }] = await Promise.all([posts.readable(postId, undefined), users.require(userId)])
    if (post.userId === userId) return post
    if (await isBlocked(userId, post.userId)) throw interactionBlocked()
    if (post.visibility === 'followers') {
      const relation = (await follows.relations(userId, [post.userId])).get(post.userId)
      if (!relation?.follows) throw postNotFound(postId)
    }
    return post
  }

  async function change(postId: bigint, userId: string, liked: boolean): Promise<void> {
    // A post that everybody likes at once fills one batch at most, so a like of another one is in the next.
    const outcome = await pass(postId, () => liking.add({ postId, userId, liked }))
    if (outcome === 'no_post') throw postNotFound(postId)
  }

  async function comment(postId: string, input: CreateCommentInput, context: CommandContext = {}): Promise<Comment> {
    const { user_id: userId, text } = checkInput(input)
    const key = idempotencyKeyOf(context, 'CreateComment', { post_id: postId, ...input })
    const post = await open(postId, userId)
    const commentId = ids.next(hashToBucket(userId, ID_ROUTES))
    const timestamp = new Date(decomposeId(commentId).timestampMs)
    const stored: StoredComment = { commentId, postId: post.postId, userId, text, timestamp }
    const outcome = await store.insertComment(stored, key)
    if (outcome.kind === 'no_post') throw postNotFound(postId)
    if (outcome.kind === 'created') return toCommentDocument(stored)
    const body = toCommentDocument(outcome.comment)
    judgeKey(
      key!,
      { ...outcome, response: { status: 201, body }, operationId: undefined, leaseUntilMs: undefined },
      clock.now(),
    )
    context.onReplay?.()
    return body
  }

  return {
    async like(postId: string, userId: string): Promise<void> {
      const post = await open(postId, userIdOf(userId, 'params/user_id'))
      await change(post.postId, userId, true)
    },
    async unlike(postId: string, userId: string): Promise<void> {
      await change(postIdOf(postId), userIdOf(userId, 'params/user_id'), false)
    },
    async likers(postId: string, request: PageRequest & ViewerOption = {}): Promise<Page<LikerEntry>> {
      const { post } = await posts.readable(postId, request.viewer)
      const list = `likes:${post.postId}`
      const limit = pageLimit(request.limit)
      const rows = await store.likers(post.postId, decodeLiker(list, request.cursor), limit + 1)
      const found = new Map((await deps.users.find(rows.map((row) => row.userId))).map((user) => [user.userId, user]))
      return pageOf(
        list,
        rows,
        limit,
        (row) => [row.since.toISOString(), row.userId],
        ({ userId, since }) => {
          const { handle, name } = found.get(userId) ?? { handle: '', name: '' }
          return { user_id: userId, handle, name, since: since.toISOString() }
        },
      )
    },
    comment,
    async comments(postId: string, request: PageRequest & ViewerOption = {}): Promise<Page<Comment>> {
      const { post } = await posts.readable(postId, request.viewer)
      const list = `comments:${post.postId}`
      const limit = pageLimit(request.limit)
      const rows = await store.comments(post.postId, decodeIdCursor(list, request.cursor), limit + 1)
      return pageOf(list, rows, limit, (row) => [row.commentId], toCommentDocument)
    },
    async deleteComment(commentId: string): Promise<void> {
      if (!(await store.deleteComment(commentIdOf(commentId)))) throw commentNotFound(commentId)
    },
    drain: () => liking.drain(),
  }
}
