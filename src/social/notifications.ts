import { cursorId, cursorTime, decodeCursor, type Page, type PageRequest, pageLimit, pageOf } from '../core/cursor.ts'
import { invalidField } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import { validator } from '../core/schema.ts'
import type { SocialDeps } from './deps.ts'
import { userIdOf } from './documents.ts'
import { mayRead, STRANGERS } from './policy.ts'
import type { NoticePlace, Relation, StoredNotice } from './ports.ts'
import { type Notification, SeenInput } from './schemas.ts'
import type { Users } from './users.ts'

export interface Notifications extends Page<Notification> {
  /** Counted up to {@link LIMITS.unreadCountMax}. */
  readonly unread_count: number
}

interface FollowNotice extends NoticePlace {
  readonly kind: 'follow'
  readonly count: number
  readonly actors: readonly string[]
}
type Notice = StoredNotice | FollowNotice
type ShownNotice = Notice & { readonly actors: readonly string[] }

const checkSeen = validator(SeenInput)

/** Newest people of a notice who are looked at, as long as too many of them are hidden from the reader. */
const SEARCHED = [10, 100, LIMITS.noticeActorsSearchedMax]
const IDS_AT_ONCE = 2_000

/** Follows have no post: among notices of one moment they come last. */
const NO_POST = 0n

function isNewer(a: NoticePlace, b: NoticePlace): boolean {
  const byTime = a.latestAt.getTime() - b.latestAt.getTime()
  if (byTime !== 0) return byTime > 0
  return a.postId === b.postId ? a.kind > b.kind : a.postId > b.postId
}

function decodePlace(list: string, cursor: string | undefined): NoticePlace | undefined {
  const key = decodeCursor(list, 3, cursor)
  if (key === undefined) return undefined
  const [latestAt, post, kind] = key as [string, string, string]
  return { latestAt: cursorTime(latestAt), postId: cursorId(post), kind }
}

/** Two lists that are each newest first, as one. */
async function* newestFirst(a: AsyncGenerator<Notice>, b: AsyncGenerator<Notice>): AsyncGenerator<Notice> {
  let [left, right] = await Promise.all([a.next(), b.next()])
  while (!left.done || !right.done) {
    if (right.done || (!left.done && isNewer(left.value, right.value))) {
      yield left.value
      left = await a.next()
    } else {
      yield right.value
      right = await b.next()
    }
  }
}

/**
 * What others did that a user is to hear of. There is no pipeline behind it: the stores that take likes, comments,
 * reposts, mentions and follows answer for them, so nothing can get lost in between. Whether somebody may be named is
 * decided when it is read.
 */
export function createNotifications({ users: userStore, follows, posts, clock }: SocialDeps, users: Users) {
  async function* postNotices(userId: string, below: NoticePlace | undefined, size: number): AsyncGenerator<Notice> {
    for (let at = below; ; ) {
      const page = await posts.notices(userId, at, size)
      yield* page
      if (page.length < size) return
      at = page.at(-1)
    }
  }

  async function* followNotices(userId: string, below: NoticePlace | undefined, size: number): AsyncGenerator<Notice> {
    let before = below?.latestAt
    if (below !== undefined && below.postId !== NO_POST) before = new Date(below.latestAt.getTime() + 1)
    for (;;) {
      const days = await follows.followerDays(userId, before, size)
      for (const day of days) yield { kind: 'follow', postId: NO_POST, ...day }
      if (days.length < size) return
      before = days.at(-1)!.latestAt
    }
  }

  async function relationsTo(userId: string, others: Iterable<string>): Promise<Map<string, Relation>> {
    const ids = [...new Set(others)]
    const relations = new Map<string, Relation>()
    for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
      for (const entry of await follows.relations(userId, ids.slice(from, from + IDS_AT_ONCE))) relations.set(...entry)
    }
    return relations
  }

  /** Who may be named in each of these, none of them mentions. */
  async function actorsOf(userId: string, notices: readonly StoredNotice[]) {
    const actors = new Map<Notice, string[]>()
    let open = notices
    for (const searched of SEARCHED) {
      if (open.length === 0) break
      const lists = await posts.noticeActors(userId, open, searched)
      const relations = await relationsTo(userId, lists.flat())
      open = open.filter((notice, index) => {
        const shown = [...new Set(lists[index])].filter((id) => {
          const { blocked, muted } = relations.get(id) ?? STRANGERS
          return !blocked && !muted
        })
        actors.set(notice, shown.slice(0, LIMITS.noticeActorsMax))
        return shown.length < LIMITS.noticeActorsMax && lists[index]!.length >= searched
      })
    }
    return actors
  }

  /** The authors of those mentions that the user may read and has not hidden from himself. */
  async function mentionersOf(userId: string, mentions: readonly StoredNotice[]) {
    if (mentions.length === 0) return new Map<Notice, string[]>()
    const relations = await relationsTo(
      userId,
      mentions.map(({ post }) => post!.userId),
    )
    return new Map(
      mentions.map((notice) => {
        const post = notice.post!
        const relation = relations.get(post.userId) ?? STRANGERS
        return [notice as Notice, mayRead(post, userId, relation) && !relation.muted ? [post.userId] : []]
      }),
    )
  }

  async function shownOf(userId: string, notices: readonly Notice[]): Promise<ShownNotice[]> {
    const stored = notices.filter((notice): notice is StoredNotice => notice.kind !== 'follow')
    const [actors, mentioners] = await Promise.all([
      actorsOf(
        userId,
        stored.filter(({ kind }) => kind !== 'mention'),
      ),
      mentionersOf(
        userId,
        stored.filter(({ kind }) => kind === 'mention'),
      ),
    ])
    return notices.flatMap((notice) => {
      const named = notice.kind === 'follow' ? notice.actors : (actors.get(notice) ?? mentioners.get(notice) ?? [])
      return named.length === 0 ? [] : [{ ...notice, actors: named }]
    })
  }

  /** Every notice of which somebody may be named, newest first, read `size` at a time. */
  async function* walk(userId: string, below: NoticePlace | undefined, size: number): AsyncGenerator<ShownNotice> {
    let batch: Notice[] = []
    for await (const notice of newestFirst(postNotices(userId, below, size), followNotices(userId, below, size))) {
      batch.push(notice)
      if (batch.length < size) continue
      yield* await shownOf(userId, batch)
      batch = []
    }
    yield* await shownOf(userId, batch)
  }

  /** The first `limit` of a walk, and more while they are unread and may count. */
  async function take(notices: AsyncGenerator<ShownNotice>, limit: number, isUnread: (notice: Notice) => boolean) {
    const rows: ShownNotice[] = []
    let unread = 0
    for await (const notice of notices) {
      const counts = isUnread(notice) && unread < LIMITS.unreadCountMax
      if (rows.length >= limit && !counts) break
      if (rows.length < limit) rows.push(notice)
      if (counts) unread += 1
    }
    return { rows, unread }
  }

  return {
    async list(userId: string, request: PageRequest = {}): Promise<Notifications> {
      const [seenAt] = await Promise.all([userStore.notificationsSeenAt(userIdOf(userId)), users.require(userId)])
      const list = `notifications:${userId}`
      const limit = pageLimit(request.limit)
      const below = decodePlace(list, request.cursor)
      const isUnread = (notice: Notice) => seenAt === undefined || notice.latestAt > seenAt
      const size = limit + 1
      const first = await take(walk(userId, below, size), size, below === undefined ? isUnread : () => false)
      const unread =
        below === undefined ? first.unread : (await take(walk(userId, undefined, size), 0, isUnread)).unread
      const page = pageOf(
        list,
        first.rows,
        limit,
        (row) => [row.latestAt.toISOString(), row.postId, row.kind],
        (row): Notification => ({
          kind: row.kind,
          ...(row.kind === 'follow' ? {} : { post_id: row.postId.toString() }),
          count: row.count,
          actors: [...row.actors],
          latest_at: row.latestAt.toISOString(),
          unread: isUnread(row),
        }),
      )
      return { ...page, unread_count: unread }
    },
    async seen(userId: string, input: SeenInput): Promise<void> {
      const upTo = Date.parse(checkSeen(input).up_to)
      if (Number.isNaN(upTo)) throw invalidField('/up_to', 'must be an RFC 3339 date-time with offset')
      await users.require(userIdOf(userId))
      // What is still to come can't have been seen.
      await userStore.seeNotifications(userId, new Date(Math.min(upTo, clock.now())))
    },
  }
}
