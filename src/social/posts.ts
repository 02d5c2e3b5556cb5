import { createBatcher } from '../core/batcher.ts'
import { type CommandContext, idempotencyKeyOf, judgeKey } from '../core/command.ts'
import { decodeIdCursor, type Page, type PageRequest, pageLimit, pageOf } from '../core/cursor.ts'
import { AppError, assert, messageOf } from '../core/errors.ts'
import { decomposeId, hashToBucket, ID_ROUTES } from '../core/ids.ts'
import { LIMITS } from '../core/limits.ts'
import { createLookup } from '../core/lookup.ts'
import { validator } from '../core/schema.ts'
import type { SocialDeps } from './deps.ts'
import { postIdOf, postNotFound, toPostDocument, userIdOf } from './documents.ts'
import type { FanoutService } from './fanout.ts'
import { mayRead, STRANGERS } from './policy.ts'
import { type NewPost, type PostInsert, type Relation, type RowKey, type StoredPost, VISIBILITIES } from './ports.ts'
import { type Post, PublishInput } from './schemas.ts'
import type { Users } from './users.ts'

/** Who looks: without a viewer nothing is hidden, for back ends that decide by themselves. */
export interface ViewerOption {
  readonly viewer?: string | undefined
}

const checkInput = validator(PublishInput)

export function createPosts(deps: SocialDeps, users: Users, fanout: FanoutService) {
  const { posts, follows, timelines, ids, clock, logger } = deps
  const findPost = createLookup<bigint, StoredPost>(posts.find, (post) => post.postId)
  const inserting = createBatcher<NewPost, PostInsert>({
    run: async (items) => (await posts.insert(items)).map((value) => ({ ok: true, value })),
  })

  /** A post of this moment, or of an earlier one for imports; not yet stored. */
  function draft(input: PublishInput, idempotency: RowKey | undefined, atMs?: number): NewPost {
    const postId = ids.next(hashToBucket(input.user_id, ID_ROUTES), atMs)
    return {
      postId,
      userId: input.user_id,
      content: input.content as NewPost['content'],
      visibility: input.visibility ?? 'public',
      mode: 'push',
      timestamp: new Date(decomposeId(postId).timestampMs),
      idempotency,
      sweepAt: new Date(clock.now() + LIMITS.fanoutPendingMs),
    }
  }

  async function publish(input: PublishInput, context: CommandContext = {}): Promise<Post> {
    const checked = checkInput(input)
    const key = idempotencyKeyOf(context, 'Publish', input)
    await users.require(checked.user_id)
    const post = draft(checked, key)
    const fresh: StoredPost = { ...post, likeCount: 0, commentCount: 0 }
    const outcome = await inserting.add(post)
    assert(outcome.kind !== 'id_taken', `post id ${post.postId} was made twice`)
    if (outcome.kind === 'repeated') {
      if (outcome.post === undefined) {
        throw new AppError('post_not_found', 'The post published with this Idempotency-Key has been deleted since')
      }
      const body = toPostDocument({ ...outcome.post, likeCount: 0, commentCount: 0 })
      const stored = { ...outcome, response: { status: 201, body }, operationId: undefined, leaseUntilMs: undefined }
      judgeKey(key!, stored, clock.now())
      context.onReplay?.()
      return body
    }
    await Promise.all([showToAuthor(post), fanout.enqueue([post.postId])])
    return toPostDocument(fresh)
  }

  /** The author sees the post at once; if that fails, with the fan-out. */
  async function showToAuthor(post: NewPost): Promise<void> {
    try {
      await timelines.append(post.postId, [post.userId])
    } catch (error) {
      logger.warn({ err: error }, `the author sees the post later: ${messageOf(error)}`)
    }
  }

  async function relationTo(authorId: string, viewer: string): Promise<Relation> {
    return (await follows.relations(viewer, [authorId])).get(authorId) ?? STRANGERS
  }

  /** The post, when it exists and `viewer` may read it; else `post_not_found`: nobody learns that it is there. */
  async function readable(
    postId: string,
    viewer: string | undefined,
  ): Promise<{ post: StoredPost; relation: Relation }> {
    const post = await findPost(postIdOf(postId))
    if (post === undefined) throw postNotFound(postId)
    if (viewer === undefined) return { post, relation: STRANGERS }
    const relation = await relationTo(post.userId, userIdOf(viewer, 'query/viewer'))
    if (!mayRead(post, viewer, relation)) throw postNotFound(postId)
    return { post, relation }
  }

  async function profile(userId: string, request: PageRequest & ViewerOption = {}): Promise<Page<Post>> {
    const { viewer } = request
    await users.require(userIdOf(userId))
    const list = `posts:${userId}`
    const limit = pageLimit(request.limit)
    const below = decodeIdCursor(list, request.cursor)
    const relation = viewer === undefined ? undefined : await relationTo(userId, userIdOf(viewer, 'query/viewer'))
    const shown = VISIBILITIES.filter(
      (visibility) =>
        viewer === undefined || relation === undefined || mayRead({ userId, visibility }, viewer, relation),
    )
    const rows = shown.length === 0 ? [] : await posts.byAuthor(userId, shown, below, limit + 1)
    return pageOf(list, rows, limit, (row) => [row.postId], toPostDocument)
  }

  return {
    draft,
    publish,
    readable,
    profile,
    async get(postId: string, { viewer }: ViewerOption = {}): Promise<Post> {
      return toPostDocument((await readable(postId, viewer)).post)
    },
    async delete(postId: string): Promise<void> {
      if ((await posts.delete(postIdOf(postId), new Date(clock.now()))) === 'unknown') throw postNotFound(postId)
    },
    drain: () => inserting.drain(),
  }
}

export type Posts = ReturnType<typeof createPosts>
