import { createBatcher } from '../core/batcher.ts'
import { type CommandContext, idempotencyKeyOf, judgeKey } from '../core/command.ts'
import {
  cursorNumber,
  decodeCursor,
  decodeIdCursor,
  type Page,
  type PageRequest,
  pageLimit,
  pageOf,
} from '../core/cursor.ts'
import { AppError, assert, invalidField, messageOf } from '../core/errors.ts'
import { decomposeId, hashToBucket, ID_ROUTES } from '../core/ids.ts'
import { LIMITS } from '../core/limits.ts'
import { createLookup } from '../core/lookup.ts'
import { validator } from '../core/schema.ts'
import type { SocialDeps } from './deps.ts'
import { postIdOf, postNotFound, type ShownPost, toPostDocument, toVersionDocument, userIdOf } from './documents.ts'
import type { FanoutService } from './fanout/fanout.ts'
import type { ModeChooser } from './fanout/mode.ts'
import { mayRead, STRANGERS } from './policy.ts'
import {
  type DeliveryMode,
  type NewPost,
  type PostInsert,
  type Relation,
  type RowKey,
  type StoredPost,
  VISIBILITIES,
} from './ports.ts'
import { createPostEdits } from './post-edits.ts'
import { embedReposted, findRoot, relationsTo } from './reposts.ts'
import { type Post, type PostVersion, PublishInput } from './schemas.ts'
import { handlesIn, hashtagOf, hashtagsIn } from './text.ts'
import type { Outage } from './timelines/outage.ts'
import type { Users } from './users.ts'

/** Who looks: without a viewer nothing is hidden, for back ends that decide by themselves. */
export interface ViewerOption {
  readonly viewer?: string | undefined
}

const checkInput = validator(PublishInput)

/** A user may repost again while his earlier repost is being deleted; then the first try finds neither. */
const PUBLISH_TRIES = 3
const FILL_ROWS_MAX = 1_000

/** What a draft has beside what its author says. */
export interface DraftDetails {
  /** When it was published, for imports; now unless given. */
  readonly atMs?: number | undefined
  readonly mode?: DeliveryMode
  /** Ids of the users named in the text. */
  readonly mentions?: readonly string[]
  /** The post that it passes on. */
  readonly rootId?: bigint | undefined
}

/** The newest `limit` of the posts below an id that `keep` leaves; fewer only at the end. `fetch` reads them. */
async function fill(
  limit: number,
  below: bigint | undefined,
  fetch: (below: bigint | undefined, limit: number) => Promise<StoredPost[]>,
  keep: (posts: readonly StoredPost[]) => Promise<ShownPost[]>,
): Promise<ShownPost[]> {
  const shown: ShownPost[] = []
  for (let at = below, size = limit; ; size = Math.min(2 * size, FILL_ROWS_MAX)) {
    const rows = await fetch(at, size)
    shown.push(...(await keep(rows)))
    if (shown.length >= limit || rows.length < size) return shown.slice(0, limit)
    at = rows.at(-1)!.postId
  }
}

export interface PostParts {
  readonly users: Users
  readonly fanout: FanoutService
  readonly modes: ModeChooser
  readonly outage: Outage
}

export function createPosts(deps: SocialDeps, { users, fanout, modes, outage }: PostParts) {
  const { posts, follows, timelines, ids, clock, logger } = deps
  const findPost = createLookup<bigint, StoredPost>(posts.find, (post) => post.postId)
  const findHandle = createLookup(deps.users.findByHandles, (user) => user.handle.toLowerCase())
  const inserting = createBatcher<NewPost, PostInsert>({
    run: async (items) => (await posts.insert(items)).map((value) => ({ ok: true, value })),
  })

  /** The users whose handles stand in a text, by id; at most {@link LIMITS.mentionsPerPostMax} are looked for. */
  async function mentionsIn(text: string | undefined): Promise<string[]> {
    const found = await Promise.all(handlesIn(text).map(findHandle))
    return found.flatMap((user) => user?.userId ?? []).sort()
  }

  /** A post of this moment, or of an earlier one for imports; not yet stored. */
  function draft(input: PublishInput, idempotency: RowKey | undefined, details: DraftDetails = {}): NewPost {
    const postId = ids.next(hashToBucket(input.user_id, ID_ROUTES), details.atMs)
    const visibility = input.visibility ?? 'public'
    return {
      postId,
      userId: input.user_id,
      content: (input.content ?? {}) as NewPost['content'],
      visibility,
      mode: details.mode ?? 'push',
      timestamp: new Date(decomposeId(postId).timestampMs),
      idempotency,
      sweepAt: new Date(clock.now() + LIMITS.fanoutPendingMs),
      repostOf: details.rootId,
      mentions: details.mentions,
      tags: visibility === 'public' ? hashtagsIn(input.content?.text) : [],
    }
  }

  /** Of the post that was published with this key: what its author was answered then. */
  async function replay(
    earlier: PostInsert & { kind: 'repeated' },
    key: RowKey & { scope: string },
    context: CommandContext,
  ): Promise<Post> {
    if (earlier.post === undefined) {
      throw new AppError('post_not_found', 'The post published with this Idempotency-Key has been deleted since')
    }
    const body = await toDocument({
      ...(await asPublished(earlier.post)),
      likeCount: 0,
      commentCount: 0,
      repostCount: 0,
    })
    const stored = { ...earlier, response: { status: 201, body }, operationId: undefined, leaseUntilMs: undefined }
    judgeKey(key, stored, clock.now())
    context.onReplay?.()
    return body
  }

  async function asPublished(post: StoredPost): Promise<StoredPost> {
    if (post.version === 1) return post
    const [first] = await posts.versions(post.postId, 2, 1)
    if (first === undefined) return post
    const mentions = await mentionsIn(first.content.text)
    return { ...post, content: first.content, mentions, version: 1, editedAt: undefined }
  }

  /** As its author sees it. */
  async function toDocument(post: StoredPost): Promise<Post> {
    const [shown = post] = await embedReposted(deps, [post], post.userId)
    return toPostDocument(shown)
  }

  async function publish(input: PublishInput, context: CommandContext = {}): Promise<Post> {
    const checked = checkInput(input)
    const { user_id: userId, content, repost_of: repostOf } = checked
    if (content === undefined && repostOf === undefined) {
      throw invalidField('/content', 'is required unless repost_of is given')
    }
    const key = idempotencyKeyOf(context, 'Publish', input)
    const [mode] = await Promise.all([modes.next(userId), users.require(userId)])
    let rootId: bigint | undefined
    if (repostOf !== undefined) {
      try {
        rootId = (await findRoot(follows, findPost, userId, repostOf)).postId
      } catch (error) {
        // What was reposted with this key then may be gone, or forbidden, by now.
        const earlier = key === undefined ? undefined : await posts.byKey(userId, key.key)
        if (earlier === undefined) throw error
        return replay(earlier, key!, context)
      }
    }
    const mentions = await mentionsIn(content?.text)
    for (let attempt = 1; attempt <= PUBLISH_TRIES; attempt++) {
      const post = draft(checked, key, { mode, rootId, mentions })
      const outcome = await inserting.add(post)
      if (outcome.kind === 'repeated') return replay(outcome, key!, context)
      if (outcome.kind === 'no_root') throw postNotFound(repostOf!)
      if (outcome.kind === 'reposted') throw repostedBefore(userId, outcome.postId)
      if (outcome.kind === 'created') {
        // In this order: a fan-out that is done says that the author has it too.
        await fanout.enqueue([post.postId], !(await showToAuthor(post)))
        return toDocument({ ...post, likeCount: 0, commentCount: 0, repostCount: 0, version: 1 })
      }
      assert(rootId !== undefined, `post id ${post.postId} was made twice`)
    }
    throw new AppError('write_contention')
  }

  /** The author sees the post at once; if that fails (false), with the fan-out. */
  async function showToAuthor(post: NewPost): Promise<boolean> {
    try {
      return (await outage.ask(() => timelines.append(post.postId, [post.userId]))) !== 'away'
    } catch (error) {
      logger.warn({ err: error }, `the author sees the post later: ${messageOf(error)}`)
      return false
    }
  }

  async function relationTo(authorId: string, viewer: string): Promise<Relation> {
    return (await follows.relations(viewer, [authorId])).get(authorId) ?? STRANGERS
  }

  /** The post, when it exists and `viewer` may read it; else `post_not_found`: nobody learns that it is there. */
  async function readable(
    postId: string,
    viewer: string | undefined,
  ): Promise<{ post: ShownPost; relation: Relation }> {
    const found = await findPost(postIdOf(postId))
    if (found === undefined) throw postNotFound(postId)
    let relation = STRANGERS
    if (viewer !== undefined) {
      relation = await relationTo(found.userId, userIdOf(viewer, 'query/viewer'))
      if (!mayRead(found, viewer, relation)) throw postNotFound(postId)
    }
    const [post] = await embedReposted(deps, [found], viewer)
    if (post === undefined) throw postNotFound(postId)
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
    if (shown.length === 0) return { items: [] }
    const rows = await fill(
      limit + 1,
      below,
      (at, count) => posts.byAuthor(userId, shown, at, count),
      (found) => embedReposted(deps, found, viewer),
    )
    return pageOf(list, rows, limit, (row) => [row.postId], toPostDocument)
  }

  async function byHashtag(text: string, request: PageRequest & ViewerOption = {}): Promise<Page<Post>> {
    const tag = hashtagOf(text)
    if (tag === undefined) {
      const detail = `must be letters, digits and _, at least one letter, at most ${LIMITS.hashtagCharsMax} characters`
      throw invalidField('params/tag', detail)
    }
    const viewer = request.viewer === undefined ? undefined : userIdOf(request.viewer, 'query/viewer')
    const list = `hashtag:${tag}`
    const limit = pageLimit(request.limit)
    const rows = await fill(
      limit + 1,
      decodeIdCursor(list, request.cursor),
      (at, count) => posts.byHashtag(tag, at, count),
      async (found) => {
        const relations = await relationsTo(follows, viewer, found)
        const shown = found.filter(({ userId }) => {
          const relation = relations.get(userId)
          return !relation?.blocked && !relation?.muted
        })
        return embedReposted(deps, shown, viewer)
      },
    )
    return pageOf(list, rows, limit, (row) => [row.postId], toPostDocument)
  }

  async function versions(postId: string, request: PageRequest & ViewerOption = {}): Promise<Page<PostVersion>> {
    const { post } = await readable(postId, request.viewer)
    const list = `versions:${post.postId}`
    const limit = pageLimit(request.limit)
    const [below] = decodeCursor(list, 1, request.cursor) ?? []
    const rows = await posts.versions(post.postId, below === undefined ? undefined : cursorNumber(below), limit + 1)
    return pageOf(list, rows, limit, (row) => [BigInt(row.version)], toVersionDocument)
  }

  return {
    draft,
    mentionsIn,
    publish,
    edit: createPostEdits(deps, { findPost, mentionsIn, toDocument }),
    versions,
    byHashtag,
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

function repostedBefore(userId: string, postId: bigint): AppError {
  return new AppError('already_exists', `User "${userId}" has reposted this post before, as post ${postId}`, {
    data: { post_id: postId.toString() },
  })
}
