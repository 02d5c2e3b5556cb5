import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import pg from 'pg'
import { systemClock } from '../src/core/clock.ts'
import { composeId, createIdMaker } from '../src/core/ids.ts'
import { LIMITS } from '../src/core/limits.ts'
import { silentLogger } from '../src/core/logger.ts'
import { createMetrics } from '../src/core/metrics.ts'
import { openRedisEngine } from '../src/engines/redis/engine.ts'
import { groupTags } from '../src/engines/redis/groups.ts'
import type { TimelineStore } from '../src/social/ports.ts'
import { openSocial } from '../src/standalone/social.ts'

const ROWS_PER_INSERT = 100_000
const KEYS_PER_PIPELINE = 1_000
const LOOK_MS = 10

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * Sizes by rank: each proportional to `rank ** -exponent`, but within the bounds, and in the mean as given.
 */
export function powerLaw(
  count: number,
  { mean, least, most, exponent }: { mean: number; least: number; most: number; exponent: number },
): number[] {
  const weights = Array.from({ length: count }, (_, rank) => (rank + 1) ** -exponent)
  const sizes = (factor: number) => weights.map((w) => Math.round(Math.min(most, Math.max(least, w * factor))))
  let [low, high] = [0, most / weights.at(-1)!]
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (sizes(middle).reduce((sum, size) => sum + size, 0) < mean * count) low = middle
    else high = middle
  }
  return sizes(high)
}

/** Answers different members of `0 .. count - 1` at each call, chosen by chance. */
export function picker(count: number, random: () => number): (size: number) => number[] {
  const order = Uint32Array.from({ length: count }, (_, index) => index)
  return (size) => {
    for (let i = 0; i < size; i++) {
      const j = i + Math.floor(random() * (count - i))
      const taken = order[i]!
      order[i] = order[j]!
      order[j] = taken
    }
    return [...order.subarray(0, size)]
  }
}

/** `names('u', 3)` -> u0000000, u0000001, u0000002 */
export function names(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${letter}${String(index).padStart(7, '0')}`)
}

/** A database with our tables in it. */
export async function migrateSocial(database: string): Promise<void> {
  await (await openSocial({ database, workers: false })).close()
}

const list = (items: readonly (string | number | bigint)[]) => `{${items.join(',')}}`

/** Runs one statement with every slice of the columns; none of the values may need quotes. */
export async function insertColumns(
  database: string,
  statement: string,
  columns: readonly (readonly (string | number | bigint)[])[],
): Promise<void> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  try {
    for (let from = 0; from < columns[0]!.length; from += ROWS_PER_INSERT) {
      await client.query(
        statement,
        columns.map((column) => list(column.slice(from, from + ROWS_PER_INSERT))),
      )
    }
  } finally {
    await client.end()
  }
}

export async function insertUsers(database: string, userIds: readonly string[]): Promise<void> {
  const statement = `insert into users (user_id, name, created_at)
    select user_id, user_id, now() from unnest($1::text[]) as t (user_id)`
  await insertColumns(database, statement, [userIds])
}

/** Follows as the service would leave them when their backfills are long done and forgotten. */
export async function insertFollows(
  database: string,
  followers: readonly string[],
  followees: readonly string[],
): Promise<void> {
  const statement = `insert into follows (follower_id, followee_id, since)
    select follower_id, followee_id, now() from unnest($1::text[], $2::text[]) as t (follower_id, followee_id)`
  await insertColumns(database, statement, [followers, followees])
}

/** Waits until no fan-out is open. */
export async function untilDone(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query('select from post_fanouts where done_at is null limit 1')
    if (rows.length === 0) return
    await pause(LOOK_MS)
  }
}

export interface OpenTimelines {
  readonly store: TimelineStore
  readonly redis: Redis
  keyOf(userId: string): string
  close(): Promise<void>
}

/** Our timelines on Redis, below the service. */
export async function openTimelines(url: string): Promise<OpenTimelines> {
  const clock = systemClock
  const context = { logger: silentLogger, metrics: createMetrics(), clock, poolSize: 1 }
  const engine = await openRedisEngine(new URL(url), context)
  const redis = new Redis(url)
  return {
    redis,
    store: await engine.ports.timelines!({ ...context, ids: createIdMaker({ node: 63, clock }) }),
    keyOf: groupTags(false).keyOf,
    async close() {
      redis.disconnect()
      await engine.close()
    },
  }
}

/** Ids of posts that lie a day back, one each millisecond, oldest first. */
export function pastIds(count: number): bigint[] {
  const start = Date.now() - 86_400_000
  return Array.from({ length: count }, (_, i) => composeId({ timestampMs: start + i, route: 0, node: 0, sequence: 0 }))
}

async function copyEach(redis: Redis, copies: readonly (readonly [from: string, to: string])[]): Promise<void> {
  for (let from = 0; from < copies.length; from += KEYS_PER_PIPELINE) {
    const pipeline = redis.pipeline()
    for (const [source, target] of copies.slice(from, from + KEYS_PER_PIPELINE))
      pipeline.copy(source, target, 'REPLACE')
    for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error
  }
}

/**
 * Ready timelines for these users, as many entries in each as the window allows: evenly from those that were just cut
 * to those that are about to be. Those that are there are replaced. `empty`: without any, which is quicker and smaller.
 */
export async function fillTimelines(
  url: string,
  userIds: readonly string[],
  { empty = false }: { readonly empty?: boolean } = {},
): Promise<void> {
  const { store, redis, keyOf, close } = await openTimelines(url)
  try {
    const sources = names('source', empty ? 1 : 64)
    for (const [index, source] of sources.entries()) {
      const { timelineEntriesKept: least, timelineEntriesMax: most } = LIMITS
      const entries = empty ? 0 : least + Math.floor((index * (most - least)) / sources.length)
      const token = await store.begin(source)
      await store.install(source, token, pastIds(entries).reverse(), 0n)
    }
    const sourceOf = (index: number) => keyOf(sources[index % sources.length]!)
    await copyEach(
      redis,
      userIds.map((userId, index) => [sourceOf(index), keyOf(userId)] as const),
    )
    await redis.del(sources.map(keyOf))
  } finally {
    await close()
  }
}

/** Sorted sets of the 800 newest posts, as they are usually kept. */
export async function fillSortedSets(url: string, userIds: readonly string[], entries: number): Promise<void> {
  const redis = new Redis(url)
  try {
    await redis.zadd(
      'source',
      ...pastIds(entries).flatMap((id) => {
        const text = id.toString()
        return [text, text]
      }),
    )
    await copyEach(
      redis,
      userIds.map((userId) => ['source', `feed:${userId}`] as const),
    )
    await redis.del('source')
  } finally {
    redis.disconnect()
  }
}
