import type { FanoutLedger } from './fanout.ts'
import type { PostNotices } from './notices.ts'
import type { RowKey } from './users.ts'

export const VISIBILITIES = ['public', 'followers'] as const
export type Visibility = (typeof VISIBILITIES)[number]

/** How a post reaches the timelines, fixed when it is published: written to each, or merged in when one is read. */
export const DELIVERY_MODES = ['push', 'pull'] as const
export type DeliveryMode = (typeof DELIVERY_MODES)[number]

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
  /** The post that this one passes on: as a repost when its own content is empty, else as a quote. */
  readonly repostOf?: bigint | undefined
  /** Ids of the users named in the text, in key order; absent when there are none. */
  readonly mentions?: readonly string[] | undefined
}

export interface StoredPost extends PostRecord {
  readonly likeCount: number
  readonly commentCount: number
  /** Reposts and quotes of it. */
  readonly repostCount: number
  /** 1 at first, one more with each edit. */
  readonly version: number
  /** When it was last edited; absent when never. */
  readonly editedAt?: Date | undefined
}

export interface NewPost extends PostRecord {
  readonly idempotency?: RowKey | undefined
  /** When the sweeper shall look whether its fan-out is done. */
  readonly sweepAt: Date
  /** The hashtags under which it is listed, normalised. */
  readonly tags?: readonly string[] | undefined
}

export type PostInsert =
  | { readonly kind: 'created' }
  /** The author used this key before, for this post; `post` is absent when that was deleted since. */
  | { readonly kind: 'repeated'; readonly post: StoredPost | undefined; readonly fingerprint: Uint8Array }
  /** Another post has this id; it can happen with ids of the past, which imports make. */
  | { readonly kind: 'id_taken' }
  /** The post to pass on does not exist (any more). */
  | { readonly kind: 'no_root' }
  /** This user's repost of that post, which is made once. */
  | { readonly kind: 'reposted'; readonly postId: bigint }

export interface PostEdit {
  readonly postId: bigint
  /** The version that is to be replaced. */
  readonly version: number
  readonly content: PostContent
  readonly mentions: readonly string[]
  readonly tags: readonly string[]
}

export type EditOutcome =
  | { readonly kind: 'edited'; readonly post: StoredPost }
  /** Nothing was changed: the post is at another version, or gone. */
  | { readonly kind: 'conflict' }

/** What a post said before it was edited. */
export interface PostVersion {
  readonly version: number
  readonly content: PostContent
  readonly writtenAt: Date
  readonly replacedAt: Date
}

export interface LikeChange {
  readonly postId: bigint
  readonly userId: string
  readonly liked: boolean
}

export type LikeOutcome = 'changed' | 'unchanged' | 'no_post'

export interface Liker {
  readonly userId: string
  readonly since: Date
}

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
  readonly what:
    | 'like_count'
    | 'comment_count'
    | 'repost_count'
    /** Over the days that differ: what the notices say and what the rows say. */
    | 'like_notices'
    | 'comment_notices'
    | 'repost_notices'
    | 'ledger'
  readonly stored: number
  readonly actual: number
}

/**
 * Numbers of a post (likes, comments, reposts, and what its notices count) are those of the rows. Engines with
 * transactions change both at once. Others change the rows first, and a call is answered when both are done: so no
 * answered change is lost or counted twice, and once nothing is under way numbers and rows agree. A reader may see a row
 * that is not counted yet. What a call that failed, or a process that died, has left half done is completed by another
 * call that comes across it, by {@link PostStore.audit}, or by a loop of the engine, within a minute.
 */
export interface PostStore extends PostNotices {
  /**
   * The post, its key, its mentions and hashtags, its ledger entry (pending) and the repost count of the post that it
   * passes on, at once; each item by itself. Answers in the order given.
   */
  insert(posts: readonly NewPost[]): Promise<PostInsert[]>
  /** What {@link PostStore.insert} would say of an author's key that was used before. */
  byKey(userId: string, key: string): Promise<(PostInsert & { kind: 'repeated' }) | undefined>
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
  /** Authors whose first pull post was stored after a moment (all: `undefined`), at most `limit`, in order of that. */
  pullAuthors(after: Date | undefined, limit: number): Promise<{ userId: string; since: Date }[]>
  /** Of each of these authors that has some, the ids of the newest `limit` pull posts below an id, newest first. */
  outboxes(userIds: readonly string[], below: bigint | undefined, limit: number): Promise<Map<string, bigint[]>>
  /** Public posts under a hashtag below an id, newest first. */
  byHashtag(tag: string, below: bigint | undefined, limit: number): Promise<StoredPost[]>

  /** Replaces one version by the next one and keeps what it said, all at once. Not to be repeated. */
  edit(edit: PostEdit, at: Date): Promise<EditOutcome>
  /** What the post said before, newest first, versions below `below`. */
  versions(postId: bigint, below: number | undefined, limit: number): Promise<PostVersion[]>
  /**
   * Hides the post for good and forgets its content, earlier versions, mentions and hashtags; the repost count of the
   * post that it passed on falls. `gone` when that was done before.
   */
  delete(postId: bigint, at: Date): Promise<'deleted' | 'gone' | 'unknown'>
  /** Clears away up to `limit` likes and comments of deleted posts; answers how many. */
  clearLeftovers(limit: number): Promise<number>

  /**
   * The row (post, user) alone decides whether a like is new; counts change by rows really written. At most one change
   * per (post, user) in a call. Answers in the order given.
   */
  applyLikes(changes: readonly LikeChange[], at: Date): Promise<LikeOutcome[]>
  /** Which of these posts a user likes. */
  likedBy(userId: string, postIds: readonly bigint[]): Promise<bigint[]>
  /** Which of these likes there are, in no particular order. */
  likesAmong(likes: readonly Omit<LikeChange, 'liked'>[]): Promise<Omit<LikeChange, 'liked'>[]>
  /** Who likes a post: newest first, of one moment by id; behind `after`. */
  likers(postId: bigint, after: Liker | undefined, limit: number): Promise<Liker[]>

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
  /**
   * Looks at up to `limit` posts above `after`, each in one consistent view; `last` is absent at the end. An engine
   * without such views leaves out a post that differs and does not stand still.
   */
  audit(
    after: bigint | undefined,
    limit: number,
  ): Promise<{ checked: number; last: bigint | undefined; problems: PostProblem[] }>

  readonly ledger: FanoutLedger
}
