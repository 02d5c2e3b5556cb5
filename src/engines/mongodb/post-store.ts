import { type Closable, startLoop } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import type { PostStore } from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import { guarded } from './client.ts'
import { createCounting } from './counting.ts'
import { openFanoutLedger } from './fanout-ledger.ts'
import { openPostAudit } from './post-audit.ts'
import { openPostComments } from './post-comments.ts'
import { openPostDelete } from './post-delete.ts'
import { openPostEdits } from './post-edits.ts'
import { openPostEraser } from './post-eraser.ts'
import { openPostInsert } from './post-insert.ts'
import { openPostLikes } from './post-likes.ts'
import { openPostNotices } from './post-notices.ts'
import { openPostOutboxes, openPullAuthors } from './post-outboxes.ts'
import { between, POST_FIELDS, toPost } from './post-rows.ts'
import { ALIVE, type Collections } from './schema.ts'

/** Up to so many values the server reads an index for each in order and merges; with more it would sort everything. */
const AUTHORS_AT_ONCE = 100
const QUERIES_AT_ONCE = 8

const descending = (a: bigint, b: bigint) => (a < b ? 1 : a > b ? -1 : 0)

/** Posts with what belongs to them. Closing ends the loop that completes what dead processes left half done. */
export function openPostStore(
  collections: Collections,
  context: PortContext,
): Closable & { readonly store: PostStore } {
  const { posts } = collections
  const counting = createCounting(collections, context.clock)
  const likes = openPostLikes(collections, counting)
  const comments = openPostComments(collections, counting)
  const deletion = openPostDelete(collections, counting)

  async function idsOf(authors: readonly string[], below: bigint | undefined, limit: number, above?: bigint) {
    const query = { user_id: { $in: [...authors] }, ...between(below, above), ...ALIVE }
    const found = await posts
      .find(query, { projection: { _id: 1 } })
      .sort({ _id: -1 })
      .limit(limit)
      .toArray()
    return found.map((post) => post._id)
  }

  const store: PostStore = guarded({
    async find(postIds) {
      if (postIds.length === 0) return []
      const query = { _id: { $in: [...postIds] }, ...ALIVE }
      return (await posts.find(query, { projection: POST_FIELDS }).toArray()).map(toPost)
    },
    async byAuthor(userId, visibilities, below, limit) {
      const query = { user_id: userId, visibility: { $in: [...visibilities] }, ...between(below), ...ALIVE }
      const found = posts.find(query, { projection: POST_FIELDS }).sort({ _id: -1 }).limit(limit)
      return (await found.toArray()).map(toPost)
    },
    async idsByAuthors(userIds, below, limit, above) {
      let newest: bigint[] = []
      const groups: (readonly string[])[] = []
      for (let at = 0; at < userIds.length; at += AUTHORS_AT_ONCE) groups.push(userIds.slice(at, at + AUTHORS_AT_ONCE))
      while (groups.length > 0) {
        const some = groups.splice(0, QUERIES_AT_ONCE)
        // What is older than enough newer ones need not be read.
        const least = newest.length < limit ? above : newest.at(-1)
        const found = await Promise.all(some.map((group) => idsOf(group, below, limit, least)))
        newest = [...newest, ...found.flat()].sort(descending).slice(0, limit)
      }
      return newest
    },
    async byHashtag(tag, below, limit) {
      const query = { tags: tag, ...between(below), ...ALIVE }
      const found = posts.find(query, { projection: POST_FIELDS }).sort({ _id: -1 }).limit(limit)
      return (await found.toArray()).map(toPost)
    },
    ...deletion,
    ...openPostInsert(collections, counting, openPullAuthors(collections, context.clock)),
    ...openPostEdits(collections),
    ...openPostOutboxes(collections),
    ...likes,
    ...comments,
    ...openPostEraser(collections, counting, { ...likes, ...comments, ...deletion }),
    ...openPostAudit(collections, counting),
    ...openPostNotices(collections),
    ledger: openFanoutLedger(collections),
  })

  const sweeper = startLoop({
    name: 'MongoDB: changes of counts that were left half done',
    logger: context.logger,
    errorRestMs: LIMITS.mongodbSweepMs,
    async step() {
      return (await counting.sweep()) > 0 ? 0 : LIMITS.mongodbSweepMs
    },
  })
  return { store, close: () => sweeper.close() }
}
