import { type Clock, systemClock } from '../../core/clock.ts'
import { LIMITS } from '../../core/limits.ts'
import type { CassandraClient, Value } from './client.ts'
import { eachOf } from './each.ts'
import {
  ARRIVAL_TTL_S,
  deadUpTo,
  ENTRY_TTL_S,
  FUTURE,
  type Head,
  ID_MAX,
  isLate,
  type SinceMark,
  weekOf,
  weeksBetween,
  weeksOfAll,
} from './layout.ts'

/** Partitions that a read looks at before it looks at all that are left: most pages end there. */
const WEEKS_AT_FIRST = 2

export const newestFirst = (ids: Iterable<bigint>) => [...new Set(ids)].sort((a, b) => (a < b ? 1 : -1))

/** Cuts rows of one partition into what one request writes. */
function* requestsOf<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += LIMITS.cassandraRowsMax) {
    yield items.slice(from, from + LIMITS.cassandraRowsMax)
  }
}

/**
 * The rows of timelines: a row per entry, and a row per arrival that the entry's own time does not tell. Rows are
 * written, never changed, and go by themselves; writing one again is writing it once.
 */
export function openEntries(cassandra: CassandraClient, clock: Clock, keyOf: (userId: string) => string) {
  const { keyspace } = cassandra
  const ADD = `
insert into ${keyspace}.user_feed_timeline (user_id, week, epoch, post_id)
values (?, ?, ?, ?) using ttl ${ENTRY_TTL_S}`
  const READ = `
select post_id from ${keyspace}.user_feed_timeline
where user_id = ? and week = ? and epoch = ? and post_id < ? and post_id > ? limit ?`
  const EPOCHS = `
select epoch from ${keyspace}.user_feed_timeline where user_id = ? and week in ? group by user_id, week, epoch`
  const DELETE = `
delete from ${keyspace}.user_feed_timeline using timestamp ? where user_id = ? and week in ? and epoch = ?`
  const NOTE = `
insert into ${keyspace}.user_feed_arrivals (user_id, epoch, arrived_at, post_id)
values (?, ?, ?, ?) using ttl ${ARRIVAL_TTL_S}`
  const ARRIVED = `
select post_id from ${keyspace}.user_feed_arrivals where user_id = ? and epoch = ? and arrived_at >= ? limit ?`
  const ARRIVED_EPOCHS = `
select epoch from ${keyspace}.user_feed_arrivals where user_id = ? group by user_id, epoch`
  const DELETE_ARRIVED = `
delete from ${keyspace}.user_feed_arrivals using timestamp ? where user_id = ? and epoch = ?`

  async function readWeek(userId: string, head: Head, week: number, above: bigint, below: bigint, limit: number) {
    const values = [keyOf(userId), week, head.epoch, below, above, limit]
    const rows = await cassandra.run(READ, values, { rowsMax: limit })
    return rows.map((row) => row['post_id'] as bigint)
  }

  /** Notes when posts came, once they can be read: who looks since a mark then finds them by the one or the other. */
  async function note(userId: string, head: Head, postIds: readonly bigint[]): Promise<void> {
    for (const some of requestsOf(postIds)) {
      for (;;) {
        const at = clock.now()
        const rows = some.map((postId): Value[] => [keyOf(userId), head.epoch, new Date(at), postId])
        if (rows.length === 1) await cassandra.run(NOTE, rows[0]!)
        else await cassandra.runTogether(NOTE, rows)
        // What took longer may be older than anybody looks.
        if (clock.now() - at < LIMITS.cassandraLateMs) break
      }
    }
  }

  return {
    note,

    /** Adds a post to timelines, with the headers that they have now. */
    async addToMany(postId: bigint, heads: ReadonlyMap<string, Head>): Promise<void> {
      const now = clock.now()
      const users = [...heads]
      await eachOf(users, async ([userId, head]) => {
        if (postId <= deadUpTo(head, now)) return
        await cassandra.run(ADD, [keyOf(userId), weekOf(postId, head, now), head.epoch, postId])
      })
      if (isLate(postId, clock.now())) await eachOf(users, ([userId, head]) => note(userId, head, [postId]))
    },

    /** Adds posts to one timeline. */
    async addMany(userId: string, head: Head, postIds: readonly bigint[]): Promise<void> {
      const now = clock.now()
      const byWeek = new Map<number, bigint[]>()
      for (const postId of postIds) {
        if (postId <= deadUpTo(head, now)) continue
        const week = weekOf(postId, head, now)
        const ids = byWeek.get(week)
        if (ids === undefined) byWeek.set(week, [postId])
        else ids.push(postId)
      }
      const requests = [...byWeek].flatMap(([week, ids]) => Array.from(requestsOf(ids), (some) => ({ week, some })))
      await eachOf(requests, ({ week, some }) =>
        cassandra.runTogether(
          ADD,
          some.map((postId) => [keyOf(userId), week, head.epoch, postId]),
        ),
      )
    },

    /** The newest entries between two ids, newest first; fewer than `limit` only when there are no more. */
    async newest(userId: string, head: Head, above: bigint, below: bigint | undefined, limit: number) {
      const until = below ?? ID_MAX
      if (above + 1n >= until || limit < 1) return []
      const weeks = weeksBetween(head, above, until, clock.now())
      const read = (week: number) => readWeek(userId, head, week, above, until, limit)
      const future = head.hasFuture ? await read(FUTURE) : []
      const found: bigint[] = []
      // Entries from the future may be anywhere in the order; the others are in that of the weeks.
      for (const some of [weeks.slice(0, WEEKS_AT_FIRST), weeks.slice(WEEKS_AT_FIRST)]) {
        if (found.length < limit) found.push(...(await Promise.all(some.map(read))).flat())
      }
      return newestFirst([...future, ...found]).slice(0, limit)
    },

    /** What came since, newest first, at most about `limit` of it; `isCut` when there is more. */
    async since(userId: string, head: Head, { from, aboveId }: SinceMark, limit: number) {
      const [entries, rows] = await Promise.all([
        this.newest(userId, head, aboveId, undefined, limit + 1),
        cassandra.run(ARRIVED, [keyOf(userId), head.epoch, new Date(from), limit + 1], { rowsMax: limit + 1 }),
      ])
      const arrived = rows.map((row) => row['post_id'] as bigint)
      return { postIds: newestFirst([...entries, ...arrived]), isCut: entries.length > limit || arrived.length > limit }
    },

    /** All epochs that have rows. */
    async epochs(userId: string): Promise<Set<bigint>> {
      const key = keyOf(userId)
      const [entries, arrivals] = await Promise.all([
        cassandra.run(EPOCHS, [key, weeksOfAll(clock.now())], { routingKey: key }),
        cassandra.run(ARRIVED_EPOCHS, [key]),
      ])
      return new Set([...entries, ...arrivals].map((row) => row['epoch'] as bigint))
    },

    /**
     * Deletes the rows of these epochs, which must be over. No epoch comes twice, so the deletion is written as one of
     * the future: it also holds for rows that somebody is about to write, who has read the header before.
     */
    async remove(userId: string, epochs: Iterable<bigint>): Promise<void> {
      const key = keyOf(userId)
      const weeks = weeksOfAll(clock.now())
      const stamp = BigInt(systemClock.now() + LIMITS.cassandraFutureMs) * 1_000n
      for (const epoch of epochs) {
        await cassandra.run(DELETE, [stamp, key, weeks, epoch], { routingKey: key })
        await cassandra.run(DELETE_ARRIVED, [stamp, key, epoch])
      }
    },
  }
}

export type Entries = ReturnType<typeof openEntries>
