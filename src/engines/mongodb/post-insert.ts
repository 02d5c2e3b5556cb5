import type { NewPost, PostInsert, PostStore } from '../../social/ports.ts'
import { duplicatesOf } from './client.ts'
import { type Counting, rowOf } from './counting.ts'
import type { PullAuthors } from './post-outboxes.ts'
import { toBytes, toPost } from './post-rows.ts'
import { ALIVE, type Collections, onceOf, type PostDoc } from './schema.ts'

type Repeated = PostInsert & { kind: 'repeated' }

const NEW_FAN = {
  ...{ round: 0, planned_chunks: 0, planned: false, done_chunks: 0, delivered: 0, duplicate: 0, inactive: 0 },
  ...{ sweeps: 0, open: [] },
}

const isRepost = (post: NewPost) => post.repostOf !== undefined && Object.keys(post.content).length === 0
const repostedOf = (post: NewPost) => `${post.repostOf}/${post.userId}`

function toDoc(post: NewPost, authors: ReadonlyMap<bigint, string>, op: string): PostDoc {
  const { repostOf, idempotency, mentions, tags } = post
  const asRow = repostOf === undefined ? {} : rowOf(post.userId, authors.get(repostOf), post.timestamp, op)
  return {
    _id: post.postId,
    user_id: post.userId,
    content: post.content,
    visibility: post.visibility,
    mode: post.mode,
    timestamp: post.timestamp,
    ...{ like_count: 0, comment_count: 0, repost_count: 0, version: 1 },
    ...(mentions === undefined || mentions.length === 0 ? {} : { mentions }),
    ...(tags === undefined || tags.length === 0 ? {} : { tags }),
    ...(repostOf === undefined ? {} : { repost_of: repostOf }),
    ...(isRepost(post) ? { reposted: repostedOf(post) } : {}),
    ...asRow,
    ...(idempotency === undefined
      ? {}
      : { once: onceOf(post.userId, idempotency.key), fingerprint: idempotency.fingerprint }),
    sweep_at: post.sweepAt,
    fan: NEW_FAN,
  }
}

const toRepeated = (doc: PostDoc): Repeated => ({
  kind: 'repeated',
  post: doc.deleted_at === undefined ? toPost(doc) : undefined,
  fingerprint: toBytes(doc.fingerprint!),
})

export function openPostInsert(
  { posts }: Collections,
  counting: Counting,
  pullAuthors: PullAuthors,
): Pick<PostStore, 'insert' | 'byKey'> {
  /** Inserts what it can; answers what was not inserted, because something of it is taken. */
  async function write(docs: readonly PostDoc[]): Promise<Set<bigint>> {
    if (docs.length === 0) return new Set()
    try {
      await posts.insertMany([...docs], { ordered: false })
      return new Set()
    } catch (error) {
      return new Set([...duplicatesOf(error)].map((index) => docs[index]!._id))
    }
  }

  async function byKeys(keyed: readonly NewPost[]): Promise<Map<string, Repeated>> {
    const onces = keyed.flatMap(({ userId, idempotency }) => (idempotency ? [onceOf(userId, idempotency.key)] : []))
    if (onces.length === 0) return new Map()
    const found = await posts.find({ once: { $in: onces } }).toArray()
    return new Map(found.map((doc) => [doc.once!, toRepeated(doc)]))
  }

  async function byReposts(some: readonly NewPost[]): Promise<Map<string, bigint>> {
    const names = some.filter(isRepost).map(repostedOf)
    if (names.length === 0) return new Map()
    const query = { reposted: { $in: names }, ...ALIVE }
    const found = await posts.find(query, { projection: { reposted: 1 } }).toArray()
    return new Map(found.map((doc) => [doc.reposted!, doc._id]))
  }

  return {
    async insert(items) {
      const roots = [...new Set(items.flatMap((post) => post.repostOf ?? []))]
      const op = counting.newOp('repost')
      const [authors] = await Promise.all([counting.begin(roots, op), pullAuthors.note(items)])
      const rooted = (post: NewPost) => post.repostOf === undefined || authors.has(post.repostOf)
      const possible = items.filter(rooted)
      const taken = await write(possible.map((post) => toDoc(post, authors, op)))
      await counting.finish(op, [...authors.keys()])
      const left = items.filter((post) => !rooted(post) || taken.has(post.postId))
      const [keyed, reposts] = await Promise.all([byKeys(left), byReposts(left)])
      return items.map((post): PostInsert => {
        if (!left.includes(post)) return { kind: 'created' }
        const { idempotency } = post
        const repeated = idempotency && keyed.get(onceOf(post.userId, idempotency.key))
        if (repeated !== undefined) return repeated
        if (!rooted(post)) return { kind: 'no_root' }
        const repost = isRepost(post) ? reposts.get(repostedOf(post)) : undefined
        return repost === undefined ? { kind: 'id_taken' } : { kind: 'reposted', postId: repost }
      })
    },
    async byKey(userId, key) {
      const doc = await posts.findOne({ once: onceOf(userId, key) })
      return doc === null ? undefined : toRepeated(doc)
    },
  }
}
