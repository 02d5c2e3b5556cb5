/**
 * The four stores of the social model. Each may live on another engine, so nothing here spans two of them: what must
 * hold across stores is reached by marks (`pending`) that a sweeper works off.
 *
 * Words. *Author*: who published a post. *Follower* follows *followee*. *Candidate*: a post id in a timeline; whether
 * it may be shown is decided when it is read. *Ledger*: how far the fan-out of each post has come. *Floor*: everything due
 * in a timeline above this id is in it; at or below, the page goes on from the posts.
 *
 * User ids are compared byte by byte everywhere (`'B' < 'a'`). Lists of ids given to one call hold at most a few
 * thousand items. Every method may be repeated with the same arguments unless it says otherwise.
 */

// ---------------------------------------------------------------------------------------------------------- users

export interface StoredUser {
  readonly userId: string
  readonly handle: string
  readonly name: string
  readonly createdAt: Date
}

/** The caller's Idempotency-Key, kept in the row of what it made, so that it goes when that goes. */
export interface RowKey {
  readonly key: string
  readonly fingerprint: Uint8Array
}

export interface NewUser extends StoredUser {
  /** `scope` is who calls (the API key). */
  readonly idempotency?: (RowKey & { readonly scope: string }) | undefined
}

export type UserInsert =
  | { readonly kind: 'created' }
  /** The same key made this user before. */
  | { readonly kind: 'repeated'; readonly user: StoredUser; readonly fingerprint: Uint8Array }
  | { readonly kind: 'taken'; readonly field: 'user_id' | 'handle' }

export interface UserStore {
  /** Atomic. Ids, handles (whatever their case) and (scope, key) are unique. */
  insert(user: NewUser): Promise<UserInsert>
  /** Adds those whose id and handle are both free and skips the others; answers the ids added. For imports. */
  insertMany(users: readonly StoredUser[]): Promise<string[]>
  /** The users that exist, in no particular order. Users being erased don't. */
  find(userIds: readonly string[]): Promise<StoredUser[]>
  /** Ids above `after` in key order. */
  ids(after: string | undefined, limit: number): Promise<string[]>
  /**
   * From here on the user does not exist, the name and the handle are forgotten; only the id stays taken until
   * {@link UserStore.remove}. False when there is no such user.
   */
  markErasing(userId: string, at: Date): Promise<boolean>
  /** Ids of users marked before a moment, oldest first. */
  erasing(before: Date, limit: number): Promise<string[]>
  /** Forgets a marked user altogether. */
  remove(userId: string): Promise<void>
}

// --------------------------------------------------------------------------------------------------------- follows

export interface Edge {
  readonly followerId: string
  readonly followeeId: string
}

/** How one user stands to another, as policy needs it. */
export interface Relation {
  readonly follows: boolean
  /** Either of the two blocks the other. */
  readonly blocked: boolean
  readonly muted: boolean
}

export interface FollowItem {
  readonly userId: string
  readonly since: Date
}

export type FollowOutcome =
  /** The edge is there; `pending` until {@link FollowStore.backfilled} is called for it. */
  { readonly kind: 'following'; readonly pending: boolean } | { readonly kind: 'limit' }

export interface FollowStore {
  /**
   * Adds the edge, pending; an edge that is there is left as it is. Refused at `followsMax` follows, give or take the
   * requests of the same moment.
   */
  follow(edge: Edge, at: Date, followsMax: number): Promise<FollowOutcome>
  /** Adds many edges, pending; answers those that are new. */
  followMany(edges: readonly Edge[], at: Date): Promise<Edge[]>
  unfollow(edge: Edge): Promise<void>
  /** The followees' earlier posts are in the followers' timelines. */
  backfilled(edges: readonly Edge[]): Promise<void>
  /** Edges pending since before a moment, oldest first. */
  pendingBackfills(before: Date, limit: number): Promise<Edge[]>

  block(userId: string, otherId: string, at: Date): Promise<void>
  unblock(userId: string, otherId: string): Promise<void>
  mute(userId: string, otherId: string, at: Date): Promise<void>
  unmute(userId: string, otherId: string): Promise<void>

  /** How `userId` stands to each of the others; one entry each. */
  relations(userId: string, otherIds: readonly string[]): Promise<Map<string, Relation>>
  /** Whom a user follows, in key order, above `after`. */
  followees(userId: string, after: string | undefined, limit: number): Promise<FollowItem[]>
  /** Who follows a user, in key order, above `after` and, when given, not above `upTo`. */
  followers(userId: string, after: string | undefined, limit: number, upTo?: string): Promise<FollowItem[]>
  /**
   * Cuts the followers above `after` into chunks of `every`: answers the last key of each whole chunk, at most `limit`
   * of them. What remains behind the last one is less than a chunk, or was beyond the limit.
   */
  followerCuts(userId: string, after: string | undefined, every: number, limit: number): Promise<string[]>

  /** Deletes up to `limit` relations of any kind that name a user; answers how many. */
  erase(userId: string, limit: number): Promise<number>
}

// ----------------------------------------------------------------------------------------------------------- posts

export const VISIBILITIES = ['public', 'followers'] as const
export type Visibility = (typeof VISIBILITIES)[number]

/** How a post reaches the timelines, fixed when it is published: written to each, or merged in when one is read. */
export type DeliveryMode = 'push' | 'pull'

export const MEDIA_TYPES = ['image', 'video', 'audio'] as const

export interface Media {
  readonly url: string
  readonly type: (typeof MEDIA_TYPES)[number]
  readonly alt?: string
}

export interface PostContent {
  readonly text?: string
  readonly media?: readonly Media[]
}

export interface PostRecord {
  readonly postId: bigint
  readonly userId: string
  readonly content: PostContent
  readonly visibility: Visibility
  readonly mode: DeliveryMode
  readonly timestamp: Date
}

export interface StoredPost extends PostRecord {
  readonly likeCount: number
  readonly commentCount: number
}

export interface NewPost extends PostRecord {
  readonly idempotency?: RowKey | undefined
  /** When the sweeper shall look whether its fan-out is done. */
  readonly sweepAt: Date
}

export type PostInsert =
  | { readonly kind: 'created' }
  /** The author used this key before, for this post; `post` is absent when that was deleted since. */
  | { readonly kind: 'repeated'; readonly post: StoredPost | undefined; readonly fingerprint: Uint8Array }
  /** Another post has this id; it can happen with ids of the past, which imports make. */
  | { readonly kind: 'id_taken' }

export interface LikeChange {
  readonly postId: bigint
  readonly userId: string
  readonly liked: boolean
}

export type LikeOutcome = 'changed' | 'unchanged' | 'no_post'

export interface StoredComment {
  readonly commentId: bigint
  readonly postId: bigint
  readonly userId: string
  readonly text: string
  readonly timestamp: Date
}

export type CommentInsert =
  | { readonly kind: 'created' }
  | { readonly kind: 'repeated'; readonly comment: StoredComment; readonly fingerprint: Uint8Array }
  | { readonly kind: 'no_post' }

/** Where the counts of a post differ from its rows, or its ledger does not add up. */
export interface PostProblem {
  readonly postId: bigint
  readonly what: 'like_count' | 'comment_count' | 'ledger'
  readonly stored: number
  readonly actual: number
}

export interface PostStore {
  /** The post, its key and its ledger entry (pending) at once; each item by itself. Answers in the order given. */
  insert(posts: readonly NewPost[]): Promise<PostInsert[]>
  /** The posts that exist, in no particular order. */
  find(postIds: readonly bigint[]): Promise<StoredPost[]>
  /** Posts of one author below an id, newest first. */
  byAuthor(
    userId: string,
    visibilities: readonly Visibility[],
    below: bigint | undefined,
    limit: number,
  ): Promise<StoredPost[]>
  /** Ids of posts of several authors below an id (and, when given, above another), newest first. */
  idsByAuthors(userIds: readonly string[], below: bigint | undefined, limit: number, above?: bigint): Promise<bigint[]>
  /** Of each of these authors that has posts, the newest id. */
  newestByAuthor(userIds: readonly string[]): Promise<Map<string, bigint>>
  /** Hides the post for good and forgets its content. `gone` when that was done before. */
  delete(postId: bigint, at: Date): Promise<'deleted' | 'gone' | 'unknown'>
  /** Clears away up to `limit` likes and comments of deleted posts; answers how many. */
  clearLeftovers(limit: number): Promise<number>

  /**
   * The row (post, user) alone decides whether a like is new; counts change by rows really written, in the same
   * atomic step. At most one change per (post, user) in a call. Answers in the order given.
   */
  applyLikes(changes: readonly LikeChange[], at: Date): Promise<LikeOutcome[]>
  /** Which of these posts a user likes. */
  likedBy(userId: string, postIds: readonly bigint[]): Promise<bigint[]>

  /** Comment and count at once. */
  insertComment(comment: StoredComment, idempotency: RowKey | undefined): Promise<CommentInsert>
  /** Oldest first, above `after`. */
  comments(postId: bigint, after: bigint | undefined, limit: number): Promise<StoredComment[]>
  /** False when there is no such comment. */
  deleteComment(commentId: bigint): Promise<boolean>

  /**
   * Deletes up to `limit` posts, likes and comments of a user (and what hangs on the posts) with the counts of other
   * posts kept exact; answers how many rows went.
   */
  erase(userId: string, limit: number): Promise<number>
  /** Looks at up to `limit` posts above `after`, each in one consistent view; `last` is absent at the end. */
  audit(
    after: bigint | undefined,
    limit: number,
  ): Promise<{ checked: number; last: bigint | undefined; problems: PostProblem[] }>

  readonly ledger: FanoutLedger
}

export interface Fanout {
  readonly postId: bigint
  readonly authorId: string
  readonly mode: DeliveryMode
  readonly timestamp: Date
  readonly plannedChunks: number
  /** True when no more chunks will be added. */
  readonly planned: boolean
  /** The last key of the last planned chunk; absent when there is none or it goes to the end. */
  readonly plannedUpTo: string | undefined
  readonly done: boolean
}

export interface Chunk {
  readonly authorId: string
  /** Followers above this key; absent: from the start. */
  readonly after: string | undefined
  /** Followers not above this key; absent: to the end. */
  readonly upTo: string | undefined
  readonly done: boolean
}

/** followersScanned = delivered + duplicate + inactive. */
export interface DeliveryCounts {
  readonly delivered: number
  readonly duplicate: number
  readonly inactive: number
}

export interface FanoutState extends DeliveryCounts {
  readonly followersScanned: number
  readonly plannedChunks: number
  readonly doneChunks: number
  readonly doneAt: Date | undefined
}

/** What was done twice is recorded once; nothing is done before every chunk of a complete plan is. */
export interface FanoutLedger {
  /** Absent when the post is gone. */
  find(postId: bigint): Promise<Fanout | undefined>
  /**
   * Adds the next chunks: each ends at its key, the last one of a finished plan at `undefined`. False, and nothing
   * changed, when the plan does not stand at `expectedChunks` any more (another planner was faster).
   */
  plan(
    postId: bigint,
    expectedChunks: number,
    upTo: readonly (string | undefined)[],
    finished: boolean,
  ): Promise<boolean>
  /** Records a fan-out that was done in one piece without a plan; false when there is a plan or it is done. */
  finishWhole(postId: bigint, counts: DeliveryCounts, at: Date): Promise<boolean>
  /** Absent when the post is gone or its fan-out done. */
  chunk(postId: bigint, chunk: number): Promise<Chunk | undefined>
  /** Chunks that are planned and not done. */
  openChunks(postId: bigint): Promise<number[]>
  /** Records a chunk; `postDone` when it was the last. False `recorded`: it was recorded before. */
  finishChunk(
    postId: bigint,
    chunk: number,
    counts: DeliveryCounts,
    at: Date,
  ): Promise<{ recorded: boolean; postDone: boolean }>
  /** The posts are in the queue: the sweeper need not look at those that are not done before this moment. */
  enqueued(postIds: readonly bigint[], lookAgainAt: Date): Promise<void>
  /** Pending posts whose time has come; each is handed to one caller and comes again after twice the wait. */
  claimPending(now: Date, firstWaitMs: number, limit: number): Promise<bigint[]>
  /** Which of these posts are not done. */
  pending(postIds: readonly bigint[]): Promise<bigint[]>
  state(postId: bigint): Promise<FanoutState | undefined>
}

// ------------------------------------------------------------------------------------------------------- timelines

export interface TimelineSlice {
  /** Unique, newest first, all above `floor`. Shorter than asked for only when the floor is reached. */
  readonly postIds: readonly bigint[]
  readonly floor: bigint
}

export interface TimelineStore {
  /** Adds a post to many timelines; answers how many of them did not have it. */
  append(postId: bigint, userIds: readonly string[]): Promise<number>
  /** Adds many posts to one timeline. */
  backfill(userId: string, postIds: readonly bigint[]): Promise<void>
  /** Raises the floors to at least this id; they never fall. */
  raiseFloor(userIds: readonly string[], floor: bigint): Promise<void>
  /** One consistent view of the candidates below an id. */
  read(userId: string, below: bigint | undefined, limit: number): Promise<TimelineSlice>
  /** Cuts each of these timelines to its newest `keep` candidates and raises its floor to the largest one cut. */
  trim(userIds: readonly string[], keep: number): Promise<void>
  /** Deletes up to `limit` entries of a user's timeline, at last all that names the user; answers how many. */
  erase(userId: string, limit: number): Promise<number>
}
