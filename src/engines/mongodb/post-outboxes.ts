import type { Clock } from '../../core/clock.ts'
import type { NewPost, PostStore } from '../../social/ports.ts'
import { duplicatesOf } from './client.ts'
import { between } from './post-rows.ts'
import { ALIVE, type Collections } from './schema.ts'

/** Authors whose outboxes one query reads: so the index is read in order, with no sorting. */
const AUTHORS_AT_ONCE = 100

export interface PullAuthors {
  /** Notes the authors of pull posts, before those are stored: one without such a post harms nobody. */
  note(posts: readonly NewPost[]): Promise<void>
}

export function openPullAuthors({ pullAuthors }: Collections, clock: Clock): PullAuthors {
  return {
    async note(posts) {
      const authors = [...new Set(posts.filter((post) => post.mode === 'pull').map((post) => post.userId))]
      if (authors.length === 0) return
      const known = await pullAuthors.find({ _id: { $in: authors } }, { projection: { _id: 1 } }).toArray()
      const unknown = authors.filter((author) => !known.some(({ _id }) => _id === author))
      if (unknown.length === 0) return
      // Behind all others, so that who asks for later ones does not miss it.
      const newest = await pullAuthors.findOne({ since: { $gt: new Date(0) } }, { sort: { since: -1, _id: -1 } })
      const since = Math.max(clock.now(), (newest?.since.getTime() ?? 0) + 1)
      await pullAuthors
        .insertMany(
          unknown.map((_id, n) => ({ _id, since: new Date(since + n) })),
          { ordered: false },
        )
        .catch(duplicatesOf)
    },
  }
}

export function openPostOutboxes({ posts, pullAuthors }: Collections): Pick<PostStore, 'pullAuthors' | 'outboxes'> {
  const idOnly = { projection: { _id: 1 } } as const

  async function outbox(userId: string, below: bigint | undefined, limit: number): Promise<[string, bigint[]]> {
    const query = { mode: 'pull' as const, user_id: userId, ...between(below), ...ALIVE }
    const found = await posts.find(query, idOnly).sort({ _id: -1 }).limit(limit).toArray()
    return [userId, found.map((post) => post._id)]
  }

  return {
    async pullAuthors(after, limit) {
      const query = { since: { $gt: after ?? new Date(0) } }
      const found = await pullAuthors.find(query).sort({ since: 1, _id: 1 }).limit(limit).toArray()
      return found.map(({ _id, since }) => ({ userId: _id, since }))
    },
    async outboxes(userIds, below, limit) {
      const all: [string, bigint[]][] = []
      for (let at = 0; at < userIds.length; at += AUTHORS_AT_ONCE) {
        const some = userIds.slice(at, at + AUTHORS_AT_ONCE)
        all.push(...(await Promise.all(some.map((userId) => outbox(userId, below, limit)))))
      }
      return new Map(all.filter(([, ids]) => ids.length > 0))
    },
  }
}
