import { Redis } from 'ioredis'
import { LIMITS } from '../src/core/limits.ts'
import type { Bench, BenchContext, Count, Outcome } from './bench.ts'
import { atMost, rounded } from './measure.ts'
import { openPostgres, type Postgres, query } from './postgres.ts'
import { openPrivateRedis } from './social-redis.ts'
import { fillSortedSets, migrateSocial, names, openTimelines, pastIds } from './social-world.ts'

const CONNECTIONS = 10
const TIMELINES = 2_000
const SQL_TIMELINES = 500
const USUAL_ENTRIES = 800
const GOAL_BYTES = 8_300
const { timelineEntriesKept: KEPT, timelineEntriesMax: MOST } = LIMITS

/** Bytes of one timeline: as Redis says of its value, and as the memory of the server grew. */
interface Bytes {
  readonly value: number
  readonly memory: number
}

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1])
}

async function measure(
  url: string,
  fill: () => Promise<unknown>,
  keyOf: (user: string) => string,
  users: readonly string[],
) {
  const redis = new Redis(url)
  try {
    const before = await usedMemory(redis)
    await fill()
    const memory = ((await usedMemory(redis)) - before) / users.length
    let value = 0
    for (const user of users) value += (await redis.memory('USAGE', keyOf(user), 'SAMPLES', 0)) ?? 0
    return { value: value / users.length, memory }
  } finally {
    redis.disconnect()
  }
}

/** Ours: built with so many entries each, then grown post by post, as they grow in use. */
async function ours(
  url: string,
  users: readonly string[],
  builtWith: (index: number) => number,
  posts: number,
): Promise<Bytes> {
  const { store, keyOf, close } = await openTimelines(url)
  const ids = pastIds(2 * MOST)
  const fill = async () => {
    for (const [index, user] of users.entries()) {
      const token = await store.begin(user)
      await store.install(user, token, ids.slice(0, builtWith(index)).reverse(), 0n)
    }
    for (const id of ids.slice(MOST, MOST + posts)) await store.append(id, users)
  }
  try {
    return await measure(url, fill, keyOf, users)
  } finally {
    await close()
  }
}

/** The largest they get: one more entry, and they are cut. */
const oursFull = (url: string, users: readonly string[]) => ours(url, users, () => KEPT, MOST - KEPT)

/** A population, long in use: evenly between just cut and about to be, each cut once while we look. */
const oursInUse = (url: string, users: readonly string[]) =>
  ours(url, users, (index) => KEPT + Math.floor((index * (MOST - KEPT)) / users.length), MOST - KEPT + 1)

const sortedSets = (url: string, users: readonly string[]) =>
  measure(
    url,
    () => fillSortedSets(url, users, USUAL_ENTRIES),
    (user) => `feed:${user}`,
    users,
  )

async function lists(url: string, users: readonly string[]): Promise<Bytes> {
  const ids = pastIds(USUAL_ENTRIES).map((id) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64BE(id)
    return bytes
  })
  const fill = async () => {
    const redis = new Redis(url)
    try {
      for (const user of users) await redis.rpush(`list:${user}`, ...ids)
    } finally {
      redis.disconnect()
    }
  }
  return measure(url, fill, (user) => `list:${user}`, users)
}

/** Bytes of one timeline of the SQL layout, index and header included. */
async function sqlRows(postgres: Postgres): Promise<number> {
  const database = await postgres.createDatabase('memory')
  await migrateSocial(database)
  const ids = `{${names('u', SQL_TIMELINES).join(',')}}`
  const posts = `{${pastIds(USUAL_ENTRIES).join(',')}}`
  const [row] = await query(
    database,
    `insert into user_feeds (user_id, epoch, ready, floor, cut_arrived, read_at)
     select user_id, 1, true, 0, 0, now() from unnest('${ids}'::text[]) as t (user_id)`,
    // Post by post, as they arrive: that is how full the pages of the index get.
    `insert into user_feed_timeline (user_id, post_id, arrived)
     select user_id, post_id, 1 from unnest('${posts}'::bigint[]) as p (post_id) cross join user_feeds`,
    `select (pg_total_relation_size('user_feed_timeline') + pg_total_relation_size('user_feeds'))::float8 as bytes`,
  )
  return (row!['bytes'] as number) / SQL_TIMELINES
}

async function run({ say, signal }: BenchContext): Promise<Outcome> {
  const users = names('u', TIMELINES)
  const postgres = await openPostgres(CONNECTIONS)
  const redis = await openPrivateRedis()
  try {
    const results: Count[] = []
    const count = (name: string, value: number) => results.push({ case: name, unit: 'bytes', value: rounded(value) })
    const layouts = [
      { name: `fanfold, ${MOST} entries, the most before a cut`, fill: oursFull },
      { name: 'fanfold, in use (mean)', fill: oursInUse },
      { name: `list of 8-byte ids, ${USUAL_ENTRIES} entries`, fill: lists },
      { name: `sorted set of decimal ids, ${USUAL_ENTRIES} entries`, fill: sortedSets },
    ]
    const measured: Bytes[] = []
    for (const [database, { name, fill }] of layouts.entries()) {
      signal?.throwIfAborted()
      say(name)
      const bytes = await fill(redis.url(database), users)
      measured.push(bytes)
      count(`${name}: value`, bytes.value)
      count(`${name}: memory of the server`, bytes.memory)
    }
    const sql = await sqlRows(postgres)
    count(`rows in PostgreSQL, ${USUAL_ENTRIES} entries, with index`, sql)
    count('rows in PostgreSQL, one entry', sql / USUAL_ENTRIES)
    const [full, , , sets] = measured
    return {
      engines: { redis: redis.version, postgresql: postgres.version },
      results,
      goals: [
        atMost('bytes of the largest timeline (value)', GOAL_BYTES, rounded(full!.value)),
        atMost('bytes of the largest timeline, share of a sorted set', 0.1, rounded(full!.value / sets!.value)),
      ],
      notes: [
        `${TIMELINES} timelines of each kind, in Redis databases of one server; value: MEMORY USAGE with all samples; memory: growth of used_memory, allocator and key table included.`,
        `The usual sorted set keeps ${USUAL_ENTRIES}; ours is cut to ${KEPT} when it passes ${MOST}.`,
        'Counted once: rounds and seconds do not apply.',
      ],
    }
  } finally {
    await redis.close()
    await postgres.close()
  }
}

export const socialMemory: Bench = {
  name: 'social.memory',
  about: 'bytes of a home timeline, against sorted sets, lists and rows',
  defaults: { rounds: 1, seconds: 1 },
  run,
}
