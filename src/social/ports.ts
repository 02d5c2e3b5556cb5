/**
 * The four stores of the social model. Each may live on another engine, so nothing here spans two of them: what must
 * hold across stores is reached by marks (`pending`) that a sweeper works off.
 *
 * Words. *Author*: who published a post. *Follower* follows *followee*. *Candidate*: a post id in a timeline; whether
 * it may be shown is decided when it is read. *Ledger*: how far the fan-out of each post has come. *Floor*: everything due
 * in a timeline above this id is in it; at or below, the page goes on from the posts. *Outbox*: the pull posts of an
 * author, merged in by readers.
 *
 * User ids are compared byte by byte everywhere (`'B' < 'a'`). Lists of ids given to one call hold at most a few
 * thousand items. Every method may be repeated with the same arguments unless it says otherwise.
 */
export * from './ports/fanout.ts'
export * from './ports/follow-copies.ts'
export * from './ports/follows.ts'
export * from './ports/notices.ts'
export * from './ports/posts.ts'
export * from './ports/timelines.ts'
export * from './ports/users.ts'
