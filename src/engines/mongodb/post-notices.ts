import type { Collection } from 'mongodb'
import { firstIdAt } from '../../core/ids.ts'
import type { NoticePlace, PostNotices, StoredNotice } from '../../social/ports.ts'
import { ALIVE, type Collections, DAY_MS, type NoticeDoc, THERE } from './schema.ts'

/** Notices whose actors are looked up at the same time. */
const LOOKUPS_AT_ONCE = 20

const isBelow = (notice: NoticePlace, { latestAt, postId, kind }: NoticePlace) => {
  const by = notice.latestAt.getTime() - latestAt.getTime()
  if (by !== 0) return by < 0
  return notice.postId === postId ? notice.kind < kind : notice.postId < postId
}

function toNotice(doc: NoticeDoc): StoredNotice {
  return { kind: doc.kind, postId: doc.post_id, count: doc.count, latestAt: doc.latest_at }
}

export function openPostNotices({ posts, likes, comments, notices }: Collections): PostNotices {
  async function counted(userId: string, below: NoticePlace | undefined, limit: number): Promise<NoticeDoc[]> {
    const place =
      below === undefined
        ? {}
        : {
            latest_at: { $lte: below.latestAt },
            $or: [
              { latest_at: { $lt: below.latestAt } },
              { post_id: { $lt: below.postId } },
              { post_id: below.postId, kind: { $lt: below.kind as NoticeDoc['kind'] } },
            ],
          }
    const order = { latest_at: -1, post_id: -1, kind: -1 } as const
    return notices
      .find({ user_id: userId, ...place, count: { $gt: 0 } })
      .sort(order)
      .limit(limit)
      .toArray()
  }

  /** Those of posts that are there: a copy may outlive the post for a moment. */
  async function countedOfPosts(userId: string, below: NoticePlace | undefined, limit: number) {
    const found: StoredNotice[] = []
    for (let from = below; ; ) {
      const page = (await counted(userId, from, limit)).map(toNotice)
      const query = { _id: { $in: [...new Set(page.map((notice) => notice.postId))] }, ...ALIVE }
      const there = new Set((await posts.find(query, { projection: { _id: 1 } }).toArray()).map((post) => post._id))
      found.push(...page.filter((notice) => there.has(notice.postId)))
      if (found.length >= limit || page.length < limit) return found.slice(0, limit)
      from = page.at(-1)
    }
  }

  /** Ids go by time, so a mention is as new as the id of its post. */
  async function mentioned(userId: string, below: NoticePlace | undefined, limit: number): Promise<StoredNotice[]> {
    const found: StoredNotice[] = []
    let under = below === undefined ? undefined : firstIdAt(below.latestAt.getTime() + 1)
    for (;;) {
      const range = under === undefined ? {} : { _id: { $lt: under } }
      const query = { mentions: userId, ...range, user_id: { $ne: userId }, ...ALIVE }
      const projection = { user_id: 1, visibility: 1, timestamp: 1 }
      const page = await posts.find(query, { projection }).sort({ _id: -1 }).limit(limit).toArray()
      for (const post of page) {
        const { _id: postId, timestamp: latestAt, user_id, visibility } = post
        const notice = { kind: 'mention' as const, postId, count: 1, latestAt, post: { userId: user_id, visibility } }
        if (below === undefined || isBelow(notice, below)) found.push(notice)
      }
      if (found.length >= limit || page.length < limit) return found.slice(0, limit)
      under = page.at(-1)?._id
    }
  }

  async function actorsOf(userId: string, { kind, postId, latestAt }: NoticePlace, limit: number): Promise<string[]> {
    const day = Math.floor(latestAt.getTime() / DAY_MS) * DAY_MS
    const time = { $gte: new Date(day), $lt: new Date(day + DAY_MS) }
    const others = { user_id: { $ne: userId } }
    const list = async (rows: Collection<{ user_id: string }>, filter: object, order: 'since' | 'timestamp') => {
      const newest = rows.find(filter, { projection: { user_id: 1 } }).sort({ [order]: -1, user_id: 1 })
      return (await newest.limit(limit).toArray()).map((row) => row.user_id)
    }
    const done = { post_id: postId, since: time, ...others, ...THERE }
    if (kind === 'like') return list(likes as never, done, 'since')
    if (kind === 'comment') return list(comments as never, done, 'since')
    if (kind !== 'repost') return []
    return list(posts as never, { repost_of: postId, timestamp: time, ...others, ...ALIVE }, 'timestamp')
  }

  return {
    async notices(userId, below, limit) {
      const both = await Promise.all([countedOfPosts(userId, below, limit), mentioned(userId, below, limit)])
      return both
        .flat()
        .sort((a, b) => (isBelow(a, b) ? 1 : -1))
        .slice(0, limit)
    },
    async noticeActors(userId, asked, limit) {
      const actors: string[][] = []
      for (let at = 0; at < asked.length; at += LOOKUPS_AT_ONCE) {
        const some = asked.slice(at, at + LOOKUPS_AT_ONCE)
        actors.push(...(await Promise.all(some.map((notice) => actorsOf(userId, notice, limit)))))
      }
      return actors
    },
  }
}
