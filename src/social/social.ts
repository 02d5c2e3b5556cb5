import type { CommandContext } from '../core/command.ts'
import { decodeIdCursor, type Page, type PageRequest, pageLimit, pageOf } from '../core/cursor.ts'
import type { Closable } from '../core/lifecycle.ts'
import { createBackfill } from './backfill.ts'
import type { SocialDeps } from './deps.ts'
import { toPostDocument, userIdOf } from './documents.ts'
import { createEngagement } from './engagement.ts'
import { createFanout, type FanoutOptions } from './fanout.ts'
import { createHomeReader } from './home-timeline.ts'
import { type ImportFollowsOptions, type ImportFollowsReport, importFollows } from './import-follows.ts'
import { type ImportPostsOptions, type ImportPostsReport, importPosts } from './import-posts.ts'
import type { LineSource } from './import-source.ts'
import { createPosts, type ViewerOption } from './posts.ts'
import { createRelations } from './relations.ts'
import type { Comment, CreateCommentInput, CreateUserInput, FollowEntry, Post, PublishInput, User } from './schemas.ts'
import { createUsers } from './users.ts'
import { type SocialReport, type VerifyOptions, verifySocial } from './verify.ts'
import { type SocialWorkerOptions, startSocialWorkers, sweepSocial } from './workers.ts'

/**
 * Users, posts and home timelines. All methods throw {@link AppError}s: `invalid_input` for malformed arguments, the
 * `..._not_found` of what they name, and what stands beside each. Relations, likes and deletions may be repeated.
 */
export interface Social extends Closable {
  /** Creates a user; without `user_id` an id is made. Throws `already_exists`, `idempotency_key_reused`. */
  createUser(input: CreateUserInput, context?: CommandContext): Promise<User>
  user(userId: string): Promise<User>
  /**
   * Erases a user for good: posts, likes, comments, relations, timeline; counts of other people's posts fall exactly.
   * The id alone stays taken for a minute more.
   */
  eraseUser(userId: string): Promise<void>

  /**
   * From the next read on, the followee's posts (earlier ones too) are in the follower's timeline. Throws
   * `self_reference`, `interaction_blocked`, `too_many_follows`.
   */
  follow(followerId: string, followeeId: string): Promise<void>
  /** From the next read on, the followee's posts are not in the follower's timeline. */
  unfollow(followerId: string, followeeId: string): Promise<void>
  /**
   * Neither sees the other's posts, nor may follow, like or comment. Follows stay, and count again after unblocking.
   */
  block(userId: string, otherId: string): Promise<void>
  unblock(userId: string, otherId: string): Promise<void>
  /** The other's posts are left out of the user's timeline; the other is not told. */
  mute(userId: string, otherId: string): Promise<void>
  unmute(userId: string, otherId: string): Promise<void>
  /** Whom a user follows, by id. */
  follows(userId: string, page?: PageRequest): Promise<Page<FollowEntry>>
  /** Who follows a user, by id. */
  followers(userId: string, page?: PageRequest): Promise<Page<FollowEntry>>

  /**
   * Publishes a post: it is in the author's timeline and profile when this resolves, and on its way to the followers.
   * A repeat with the same `idempotencyKey` of the same author answers the first post. Throws `idempotency_key_reused`.
   */
  publish(input: PublishInput, context?: CommandContext): Promise<Post>
  /** With `viewer`, `post_not_found` also for what that user may not read. */
  post(postId: string, options?: ViewerOption): Promise<Post>
  /** From the next read on nobody sees it. */
  deletePost(postId: string): Promise<void>
  /** One author's posts, newest first; with `viewer`, those that user may read. */
  posts(userId: string, page?: PageRequest & ViewerOption): Promise<Page<Post>>
  /**
   * The home timeline: posts of the user and of everybody followed, newest first. A page is shorter than `limit` only
   * at the end; a walk by cursor shows every post once, whatever is published meanwhile.
   */
  timeline(userId: string, page?: PageRequest): Promise<Page<Post>>

  /** Throws `interaction_blocked`. */
  like(postId: string, userId: string): Promise<void>
  unlike(postId: string, userId: string): Promise<void>
  /** Throws `interaction_blocked`, `idempotency_key_reused`. */
  comment(postId: string, input: CreateCommentInput, context?: CommandContext): Promise<Comment>
  /** Oldest first. */
  comments(postId: string, page?: PageRequest & ViewerOption): Promise<Page<Comment>>
  deleteComment(commentId: string): Promise<void>

  /** Compares each timeline, as readers see it and as it is stored, with the naive pull query; and counts with rows. */
  verify(options?: VerifyOptions): Promise<SocialReport>
  /**
   * Adds the edges of lines `follower followee`, from a file or any source of lines; users who do not exist are made.
   * Running it again adds nothing. Bad lines are reported, never fatal.
   */
  importFollows(source: LineSource, options?: ImportFollowsOptions): Promise<ImportFollowsReport>
  /** Publishes the posts of a JSON Lines or CSV file; see {@link ImportPostsOptions}. Running it again adds nothing. */
  importPosts(source: LineSource, options?: ImportPostsOptions): Promise<ImportPostsReport>

  /** One round of the sweeper, which takes up what a crash left half-way; workers do this by themselves. */
  sweep(): Promise<boolean>
  /** Starts the background work: fan-out from the queue, and the sweeper. Close it before the queue. */
  startWorkers(options?: SocialWorkerOptions): Closable
}

export function createSocial(deps: SocialDeps, options: FanoutOptions = {}): Social {
  const users = createUsers(deps)
  const backfill = createBackfill(deps, options.timelineEntries)
  const fanout = createFanout(deps, options)
  const relations = createRelations(deps, users, backfill)
  const posts = createPosts(deps, users, fanout)
  const engagement = createEngagement(deps, users, posts)
  const home = createHomeReader(deps)
  const sweep = () => sweepSocial(deps, fanout, backfill, users)

  async function timeline(userId: string, request: PageRequest = {}): Promise<Page<Post>> {
    await users.require(userIdOf(userId))
    const list = `timeline:${userId}`
    const limit = pageLimit(request.limit)
    const rows = await home.read(userId, decodeIdCursor(list, request.cursor), limit + 1)
    return pageOf(list, rows, limit, (row) => [row.postId], toPostDocument)
  }

  return {
    createUser: users.create,
    user: users.get,
    eraseUser: users.erase,
    follow: relations.follow,
    unfollow: relations.unfollow,
    block: relations.block,
    unblock: relations.unblock,
    mute: relations.mute,
    unmute: relations.unmute,
    follows: relations.follows,
    followers: relations.followers,
    publish: posts.publish,
    post: posts.get,
    deletePost: posts.delete,
    posts: posts.profile,
    timeline,
    like: engagement.like,
    unlike: engagement.unlike,
    comment: engagement.comment,
    comments: engagement.comments,
    deleteComment: engagement.deleteComment,
    verify: (verifyOptions = {}) => verifySocial(deps, verifyOptions),
    importFollows: (source, importOptions = {}) => importFollows(deps, backfill, source, importOptions),
    importPosts: (source, importOptions = {}) => importPosts(deps, posts, fanout, source, importOptions),
    sweep,
    startWorkers: (workerOptions = {}) => startSocialWorkers(deps, fanout, sweep, workerOptions),
    /** Waits for the writes under way. */
    async close() {
      await Promise.all([posts.drain(), engagement.drain()])
      await fanout.drain()
    },
  }
}
