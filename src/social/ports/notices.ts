import type { Visibility } from './posts.ts'

/** What others do to a post that its author hears of, and being mentioned in one. */
export type PostNoticeKind = 'like' | 'comment' | 'repost' | 'mention'

/** Where a notice stands in the list, which goes by time, then post, then kind, all falling. */
export interface NoticePlace {
  readonly latestAt: Date
  readonly postId: bigint
  readonly kind: string
}

/** What others did to one post on one UTC day, that of `latestAt`; or one mention. */
export interface StoredNotice extends NoticePlace {
  readonly kind: PostNoticeKind
  /** Likes, comments or reposts of that day, those of the reader himself not counted; 1 for a mention. */
  readonly count: number
  /** Of a mention, the post: whose it is and who may read it. */
  readonly post?: { readonly userId: string; readonly visibility: Visibility }
}

export interface PostNotices {
  /**
   * What a user is to hear of, newest first, below a place. `count` changes with the rows it counts, as the numbers of
   * a post do. Nothing of posts that are deleted.
   */
  notices(userId: string, below: NoticePlace | undefined, limit: number): Promise<StoredNotice[]>
  /**
   * Who did it, for each of these notices to `userId` (mentions aside): the user ids of the newest `limit` rows, newest
   * first. Whoever commented twice stands there twice. Shorter than `limit` only when there are no more.
   */
  noticeActors(userId: string, notices: readonly NoticePlace[], limit: number): Promise<string[][]>
}
