import type { Binary, Collection, Db, IndexDescription } from 'mongodb'
import type { DeliveryMode, PostContent, Visibility } from '../../social/ports.ts'
import type { Migration } from '../sql/migrate.ts'

/** What a row that a post counts has for the counting. */
export interface CountedRow {
  readonly user_id: string
  /** The UTC day on which it counts for the author's notices, in days since 1970. */
  readonly day?: number
  /** Done by the author himself: counted, but not told to him. */
  readonly own?: true
  /** The change of it that is not counted yet, see `counting.ts`. */
  readonly op?: string
}

export interface LikeDoc extends CountedRow {
  /** Post and user, so that the one index which every collection has says that a like is given once. */
  readonly _id: string
  readonly post_id: bigint
  readonly since: Date
  /** Taken back; the row goes once that is counted. */
  readonly gone?: true
}

export interface CommentDoc extends CountedRow {
  readonly _id: bigint
  readonly post_id: bigint
  readonly text: string
  readonly since: Date
  readonly once?: string
  readonly fingerprint?: Uint8Array | Binary
  readonly gone?: true
}

/** Followers after a key (absent: from the start), up to and with another (absent: to the end). */
export interface OpenChunk {
  readonly c: number
  readonly after?: string
  readonly up_to?: string
}

/** The ledger of the fan-out, part of the post: each of its changes is one of one document. */
export interface FanDoc {
  readonly round: number
  readonly planned_chunks: number
  readonly planned: boolean
  readonly planned_up_to?: string
  readonly done_chunks: number
  readonly delivered: number
  readonly duplicate: number
  readonly inactive: number
  readonly sweeps: number
  readonly done_at?: Date
  /** Chunks that are planned and not done. */
  readonly open: readonly OpenChunk[]
  /** The call that changed it last; tells that call which of many it changed. */
  readonly by?: string
}

export interface VersionDoc {
  readonly _id: string
  readonly post_id: bigint
  readonly version: number
  readonly content: PostContent
  readonly written_at: Date
  readonly replaced_at: Date
}

export interface PostDoc extends CountedRow {
  readonly _id: bigint
  readonly content: PostContent
  readonly visibility: Visibility
  readonly mode: DeliveryMode
  readonly timestamp: Date
  readonly like_count: number | bigint
  readonly comment_count: number | bigint
  readonly repost_count: number | bigint
  readonly version: number
  readonly edited_at?: Date
  readonly mentions?: readonly string[]
  readonly tags?: readonly string[]
  readonly repost_of?: bigint
  /** Of a repost, the post and the user, who makes it once. */
  readonly reposted?: string
  readonly once?: string
  readonly fingerprint?: Uint8Array | Binary
  /** A deleted post keeps its document, emptied, so that its idempotency key stays used. */
  readonly deleted_at?: Date
  /** A deleted post may still have likes, comments and more to clear away. */
  readonly leftovers?: true
  /** Changes to rows that it counts: begun, or counted and not finished (with a "+" behind). */
  readonly ops?: readonly string[]
  /** Likes, comments and reposts of others by day, as `l20484`. */
  readonly days?: Readonly<Record<string, { readonly n: number | bigint; readonly at?: Date }>>
  /** Raised with each change of `days`. */
  readonly revision?: number | bigint
  /** What the last edit replaced, until it is among the versions. */
  readonly replaced?: VersionDoc
  /** When the sweeper looks at it; absent when the fan-out is done. */
  readonly sweep_at?: Date
  readonly fan?: FanDoc
}

/** One entry of `days`, by author and time. A copy: what counts is in the post. */
export interface NoticeDoc {
  readonly _id: string
  readonly post_id: bigint
  readonly user_id: string
  readonly kind: 'like' | 'comment' | 'repost'
  readonly count: number
  readonly latest_at: Date
  /** That of the post from which it was copied. */
  readonly revision: number
}

export interface PullAuthorDoc {
  readonly _id: string
  readonly since: Date
}

export interface IncarnationDoc {
  readonly _id: 'timelines'
  readonly value: string
  readonly confirmed_at: Date
}

export interface Collections {
  readonly posts: Collection<PostDoc>
  readonly likes: Collection<LikeDoc>
  readonly comments: Collection<CommentDoc>
  readonly versions: Collection<VersionDoc>
  readonly notices: Collection<NoticeDoc>
  readonly pullAuthors: Collection<PullAuthorDoc>
  readonly incarnation: Collection<IncarnationDoc>
}

const NAMES = {
  posts: 'posts',
  likes: 'post_likes',
  comments: 'comments',
  versions: 'post_versions',
  notices: 'post_notices',
  pullAuthors: 'pull_authors',
  incarnation: 'timeline_incarnation',
} as const satisfies Record<keyof Collections, string>

export function collectionsOf(db: Db, prefix: string): Collections {
  const open = (name: keyof Collections) => db.collection(`${prefix}${NAMES[name]}`)
  return Object.fromEntries(Object.keys(NAMES).map((name) => [name, open(name as keyof Collections)])) as never
}

const among = (field: string) => ({ partialFilterExpression: { [field]: { $exists: true } } })

/** By name; a step of `migrate` each. One that was released is not changed: another takes its place. */
export const INDEXES: Readonly<Record<keyof Collections, readonly (IndexDescription & { readonly name: string })[]>> = {
  posts: [
    { name: 'posts_once', key: { once: 1 }, unique: true, sparse: true },
    { name: 'posts_reposted_once', key: { reposted: 1 }, unique: true, sparse: true },
    { name: 'posts_op', key: { op: 1 }, sparse: true },
    { name: 'posts_ops', key: { ops: 1 }, sparse: true },
    { name: 'posts_of_author', key: { user_id: 1, _id: -1 } },
    {
      name: 'posts_of_outbox',
      key: { mode: 1, user_id: 1, _id: -1 },
      partialFilterExpression: { mode: 'pull' },
    },
    { name: 'posts_reposts', key: { repost_of: 1, timestamp: -1, user_id: 1 }, ...among('repost_of') },
    { name: 'posts_mentions', key: { mentions: 1, _id: -1 }, ...among('mentions') },
    { name: 'posts_hashtags', key: { tags: 1, _id: -1 }, ...among('tags') },
    { name: 'posts_pending', key: { sweep_at: 1, _id: 1 }, ...among('sweep_at') },
    { name: 'posts_done', key: { 'fan.done_at': 1 }, sparse: true },
    { name: 'posts_leftovers', key: { leftovers: 1, _id: 1 }, ...among('leftovers') },
  ],
  likes: [
    { name: 'post_likes_op', key: { op: 1 }, sparse: true },
    { name: 'post_likes_by_time', key: { post_id: 1, since: -1, user_id: 1 } },
    { name: 'post_likes_of_user', key: { user_id: 1 } },
  ],
  comments: [
    { name: 'comments_once', key: { once: 1 }, unique: true, sparse: true },
    { name: 'comments_op', key: { op: 1 }, sparse: true },
    { name: 'comments_of_post', key: { post_id: 1, _id: 1 } },
    { name: 'comments_by_time', key: { post_id: 1, since: -1, user_id: 1 } },
    { name: 'comments_of_user', key: { user_id: 1, _id: 1 } },
  ],
  versions: [{ name: 'post_versions_of_post', key: { post_id: 1, version: -1 } }],
  notices: [
    { name: 'post_notices_by_time', key: { user_id: 1, latest_at: -1, post_id: -1, kind: -1 } },
    { name: 'post_notices_of_post', key: { post_id: 1 } },
  ],
  pullAuthors: [{ name: 'pull_authors_since', key: { since: 1, _id: 1 } }],
  incarnation: [],
}

interface Step extends Migration {
  readonly collection: keyof Collections
  readonly index: IndexDescription & { readonly name: string }
}

const STEPS: readonly Step[] = Object.entries(INDEXES)
  .flatMap(([collection, indexes]) => indexes.map((index) => ({ collection: collection as keyof Collections, index })))
  .map((step, at) => ({ ...step, version: at + 1, name: step.index.name, sql: JSON.stringify(step.index) }))

const NO_SUCH_COLLECTION = 26

async function namesOf(collection: Collection): Promise<readonly string[]> {
  try {
    return (await collection.listIndexes().toArray()).map((index) => index['name'] as string)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === NO_SUCH_COLLECTION) return []
    throw error
  }
}

/** The indexes that the database lacks. */
export async function missingSteps(collections: Collections): Promise<readonly Step[]> {
  const missing = await Promise.all(
    (Object.keys(INDEXES) as (keyof Collections)[]).map(async (name) => {
      const present = INDEXES[name].length === 0 ? [] : await namesOf(collections[name] as unknown as Collection)
      return STEPS.filter((step) => step.collection === name && !present.includes(step.name))
    }),
  )
  return missing.flat()
}

export const LAST_VERSION = STEPS.length

/** Makes indexes; the server does nothing for those that are there. */
export async function makeIndexes(collections: Collections, steps: readonly Step[]): Promise<void> {
  for (const name of new Set(steps.map((step) => step.collection))) {
    const indexes = steps.filter((step) => step.collection === name).map((step) => step.index)
    await (collections[name] as unknown as Collection).createIndexes([...indexes])
  }
}

/** Filters what is not deleted. */
export const ALIVE = { deleted_at: { $exists: false } } as const
/** Filters rows that were not taken back. */
export const THERE = { gone: { $exists: false } } as const
/** Filters rows whose last change is counted. */
export const SETTLED = { op: { $exists: false } } as const

export const DAY_MS = 86_400_000
export const dayOf = (at: Date) => Math.floor(at.getTime() / DAY_MS)
/** The field of an idempotency key: of one user, whatever the characters. */
export const onceOf = (userId: string, key: string) => JSON.stringify([userId, key])
