import type { CommandContext } from '../core/command.ts'
import type { Page, PageRequest } from '../core/cursor.ts'
import type { Closable } from '../core/lifecycle.ts'
import type { SocialDeps } from './deps.ts'
import { createEngagement } from './engagement.ts'
import { createFanout, type FanoutOptions } from './fanout/fanout.ts'
import { createModeChooser, type ModeOptions } from './fanout/mode.ts'
import { createRepair } from './fanout/repair.ts'
import { type ImportFollowsOptions, type ImportFollowsReport, importFollows } from './import-follows.ts'
import { type ImportPostsOptions, type ImportPostsReport, importPosts } from './import-posts.ts'
import type { LineSource } from './import-source.ts'
import { createLiked } from './liked.ts'
import { createNotifications, type Notifications } from './notifications.ts'
import { createPosts, type ViewerOption } from './posts.ts'
import { createRelations, type UnfollowOptions } from './relations.ts'
import type {
  Comment,
  CreateCommentInput,
  CreateUserInput,
  EditPostInput,
  Fanout,
  FollowEntry,
  Liker,
  Post,
  PostVersion,
  PublishInput,
  Relations,
  SeenInput,
  SuggestionList,
  User,
} from './schemas.ts'
import { createSuggestions, type SuggestionsRequest } from './suggestions.ts'
import { createArrivals } from './timelines/arrivals.ts'
import { createBackfill } from './timelines/backfill.ts'
import { createTimelineBuilder } from './timelines/builder.ts'
import { createExplain } from './timelines/explain.ts'
import { createFeed, type TimelineRequest } from './timelines/feed.ts'
import { createHomeReader } from './timelines/home.ts'
import { createOutage } from './timelines/outage.ts'
import { createOutboxes } from './timelines/outboxes.ts'
import type { RankTimeline } from './timelines/ranking.ts'
import { type RebuildTimelinesOptions, rebuildTimelines } from './timelines/rebuild.ts'
import type { TimelineExplanation, TimelinePage } from './timelines/schemas.ts'
import {
  createTimelineStreams,
  type StreamOptions,
  type StreamRequest,
  type TimelineStream,
} from './timelines/stream.ts'
import { createUsers, type UsersRequest } from './users.ts'
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
  /** Users in the order of their handles, whatever their case; with `q`, those whose handle begins so. */
  users(request?: UsersRequest): Promise<Page<User>>
  /** Those of at most {@link LIMITS.pageItemsMax} users that are there, in the order asked for. */
  usersOf(userIds: readonly string[]): Promise<User[]>
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
  /**
   * From the next read on, the followee's posts are not in the follower's timeline; with `keep_history` those stay that
   * were published for everybody until now.
   */
  unfollow(followerId: string, followeeId: string, options?: UnfollowOptions): Promise<void>
  /**
   * Neither sees the other's posts, nor may follow, like or comment. Follows stay, and count again after unblocking.
   */
  block(userId: string, otherId: string): Promise<void>
  unblock(userId: string, otherId: string): Promise<void>
  /** The other's posts are left out of the user's timeline; the other is not told. */
  mute(userId: string, otherId: string): Promise<void>
  unmute(userId: string, otherId: string): Promise<void>
  /** How two users stand to one another; of the other's mutes nothing is told. */
  relations(userId: string, otherId: string): Promise<Relations>
  /** Whom a user follows, by id. */
  follows(userId: string, page?: PageRequest): Promise<Page<FollowEntry>>
  /** Who follows a user, by id. */
  followers(userId: string, page?: PageRequest): Promise<Page<FollowEntry>>
  /**
   * Whom those whom a user follows follow, and he does not: by how many of them, the most first, then by id. Left out is
   * whom he mutes and whoever blocks or is blocked by him. At most `limit` of them, fewer than there are maybe.
   */
  suggestions(userId: string, request?: SuggestionsRequest): Promise<SuggestionList>

  /**
   * Publishes a post: it is in the author's timeline and profile when this resolves, and on its way to the followers.
   * A repeat with the same `idempotencyKey` of the same author answers the first post. Throws `idempotency_key_reused`.
   *
   * With `repost_of` it passes a public post on: with content as a quote, without as a repost (of a repost: what that
   * passes on). Throws `not_repostable`, `interaction_blocked`, and `already_exists` with the `post_id` of the first
   * for a second repost of the same post.
   */
  publish(input: PublishInput, context?: CommandContext): Promise<Post>
  /** With `viewer`, `post_not_found` also for what that user may not read. */
  post(postId: string, options?: ViewerOption): Promise<Post>
  /**
   * Replaces the content, and with it mentions and hashtags; what the post said before is kept. The same content again
   * changes nothing. Throws `not_editable` for a repost, `version_mismatch`, `too_many_edits`.
   */
  editPost(postId: string, input: EditPostInput, context?: CommandContext): Promise<Post>
  /** What the post said before each edit, newest first; who may read the post may read them. */
  postVersions(postId: string, page?: PageRequest & ViewerOption): Promise<Page<PostVersion>>
  /** Public posts with a hashtag (no `#`, whatever its case), newest first; with `viewer`, nobody blocked or muted. */
  hashtag(tag: string, page?: PageRequest & ViewerOption): Promise<Page<Post>>
  /** From the next read on nobody sees it, its earlier versions, or reposts of it; quotes of it stay. */
  deletePost(postId: string): Promise<void>
  /** One author's posts, newest first; with `viewer`, those that user may read. */
  posts(userId: string, page?: PageRequest & ViewerOption): Promise<Page<Post>>
  /**
   * The home timeline: posts of the user and of everybody followed, newest first or ranked. A page is shorter than `limit`
   * only at the end; a walk by cursor shows every post once, whatever is published meanwhile. With `newer`, what came
   * since an earlier answer.
   */
  timeline(userId: string, page?: TimelineRequest): Promise<TimelinePage>
  /**
   * What comes to the home timeline from now on, or since an answer with `newer_token`, for as long as it is read; see
   * {@link TimelineStream}. Begins when it is first read: that may throw `too_many_streams`, `overloaded`, `invalid_cursor`.
   */
  timelineStream(userId: string, request?: StreamRequest): TimelineStream

  /** Throws `interaction_blocked`. */
  like(postId: string, userId: string): Promise<void>
  unlike(postId: string, userId: string): Promise<void>
  /** Who likes a post, newest first. */
  likers(postId: string, page?: PageRequest & ViewerOption): Promise<Page<Liker>>
  /** Throws `interaction_blocked`, `idempotency_key_reused`. */
  comment(postId: string, input: CreateCommentInput, context?: CommandContext): Promise<Comment>
  /** Oldest first. */
  comments(postId: string, page?: PageRequest & ViewerOption): Promise<Page<Comment>>
  deleteComment(commentId: string): Promise<void>

  /**
   * What others did that a user is to hear of, newest first: likes, comments and reposts by post and UTC day, follows by
   * day, mentions. They stay for as long as what they tell of.
   */
  notifications(userId: string, page?: PageRequest): Promise<Notifications>
  /** The user has seen the notifications up to a moment; an earlier one than said before changes nothing. */
  seeNotifications(userId: string, input: SeenInput): Promise<void>

  /** How far a post is on its way to the followers. */
  fanout(postId: string): Promise<Fanout>
  /** Why a post is or is not in a home timeline, step by step. */
  explainTimeline(userId: string, postId: string): Promise<TimelineExplanation>
  /** Builds timelines anew from follows and posts, while they are read and written; answers how many. */
  rebuildTimelines(options?: RebuildTimelinesOptions): Promise<number>
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

export interface SocialOptions extends FanoutOptions, ModeOptions {
  /** Entries of a timeline that was just built; {@link LIMITS.timelineEntriesKept} unless a test says otherwise. */
  readonly timelineEntries?: number
  /** Orders the candidates of timelines that are asked for with `order: 'ranked'`. */
  readonly rankTimeline?: RankTimeline<Post> | undefined
  /** Other limits of streams; for tests. */
  readonly streams?: StreamOptions | undefined
}

export function createSocial(deps: SocialDeps, options: SocialOptions = {}): Social {
  const { clock } = deps
  const users = createUsers(deps)
  const outage = createOutage(deps)
  const backfill = createBackfill(deps, clock, outage, options.timelineEntries)
  const fanout = createFanout(deps, options)
  const modes = createModeChooser(deps, clock, outage, options)
  const relations = createRelations(deps, users, backfill)
  const posts = createPosts(deps, { users, fanout, modes, outage })
  const engagement = createEngagement(deps, users, posts)
  const notifications = createNotifications(deps, users)
  const liked = createLiked(deps)
  const builder = createTimelineBuilder(deps, options.timelineEntries)
  const outboxes = createOutboxes(deps, clock)
  const home = createHomeReader(deps, outboxes, clock, { outage, onAbsent: builder.request, liked })
  const arrivals = createArrivals(deps, outboxes, home, clock, { outage, onAbsent: builder.request })
  const feed = createFeed(deps, users, home, arrivals, options.rankTimeline)
  const streams = createTimelineStreams(deps, { users, home, arrivals, outboxes }, options.streams)
  const swept = { fanout, backfill, users, repair: createRepair(deps) }
  const sweep = () => sweepSocial(deps, swept)

  return {
    createUser: users.create,
    user: users.get,
    users: users.list,
    usersOf: users.known,
    eraseUser: users.erase,
    follow: relations.follow,
    unfollow: relations.unfollow,
    block: relations.block,
    unblock: relations.unblock,
    mute: relations.mute,
    unmute: relations.unmute,
    relations: relations.between,
    follows: relations.follows,
    followers: relations.followers,
    suggestions: createSuggestions(deps, users).list,
    publish: posts.publish,
    async post(postId, postOptions = {}) {
      return liked.one(await posts.get(postId, postOptions), postOptions.viewer)
    },
    editPost: posts.edit,
    postVersions: posts.versions,
    async hashtag(tag, request = {}) {
      const page = await posts.byHashtag(tag, request)
      return { ...page, items: await liked.withLiked(page.items, request.viewer) }
    },
    deletePost: posts.delete,
    async posts(userId, request = {}) {
      const page = await posts.profile(userId, request)
      return { ...page, items: await liked.withLiked(page.items, request.viewer) }
    },
    timeline: feed.timeline,
    timelineStream: streams.open,
    like: engagement.like,
    unlike: engagement.unlike,
    likers: engagement.likers,
    comment: engagement.comment,
    comments: engagement.comments,
    deleteComment: engagement.deleteComment,
    notifications: notifications.list,
    seeNotifications: notifications.seen,
    fanout: fanout.progress,
    explainTimeline: createExplain(deps, users, home, outboxes),
    rebuildTimelines: (rebuildOptions = {}) => rebuildTimelines(deps, users, builder, rebuildOptions),
    verify: (verifyOptions = {}) => verifySocial(deps, clock, verifyOptions),
    importFollows: (source, importOptions = {}) => importFollows(deps, backfill, source, importOptions),
    importPosts: (source, importOptions = {}) => importPosts(deps, posts, fanout, modes, source, importOptions),
    sweep,
    startWorkers: (workerOptions = {}) => startSocialWorkers(deps, fanout, sweep, workerOptions),
    /** Ends streams, and waits for the writes under way. */
    async close() {
      await streams.close()
      await Promise.all([posts.drain(), engagement.drain(), builder.drain()])
      await fanout.drain()
    },
  }
}
