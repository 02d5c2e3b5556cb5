import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { openSocial } from '../src/standalone/social.ts'
import type { Bench, BenchContext, Contender, Figure, Goal, Measured, Outcome } from './bench.ts'
import type { FanfoldOptions, Posted, PostOrder, PublishOrder } from './clients/social-fanfold.ts'
import { atMost, compare, rounded } from './measure.ts'
import { openPostgres, type Postgres, query } from './postgres.ts'
import { type Child, startChild } from './social-child.ts'
import { openPrivateRedis, type PrivateRedis } from './social-redis.ts'
import {
  fillTimelines,
  insertFollows,
  insertUsers,
  migrateSocial,
  names,
  picker,
  seeded,
  untilDone,
} from './social-world.ts'

const CONNECTIONS = 60
const GIANT = 'giant'
const GIANT_FOLLOWERS = 1_000_000
const BIG = 'big'
const BIG_FOLLOWERS = 10_000
const SMALL_AUTHORS = 100
const SMALL_FOLLOWERS = 100
/** Followers of an author whose pages are read; one of them is the last whom the fan-out reaches. */
const WATCHED = 8
const WARM_UP_SECONDS = 1
const BETWEEN_POSTS_MS = 10
const BETWEEN_READS_MS = 2
const DEADLINE_MS = 30_000
const PAGE = 20
const GOAL_MS = 1_000
const NOBODY_IS_PULLED = 100_000_000
/** The Redis databases: with timelines for the followers of the big author, and for all. */
const SOME = 0
const ALL = 1

interface World {
  readonly database: string
  readonly followersOf: ReadonlyMap<string, readonly string[]>
}

interface Load {
  readonly authors: readonly string[]
  readonly perSecond?: number
}

interface Case {
  readonly name: string
  readonly authors: readonly string[]
  readonly timelines: number
  readonly pullFollowers?: number
  /** What others publish meanwhile, from a process of its own. */
  readonly meanwhile?: Load
}

const smallAuthors = names('s', SMALL_AUTHORS)

async function setUp(postgres: Postgres, redis: PrivateRedis, { say }: BenchContext): Promise<World> {
  say(`making an author with ${GIANT_FOLLOWERS} followers, one with ${BIG_FOLLOWERS}, ${SMALL_AUTHORS} small ones`)
  const database = await postgres.createDatabase('staleness')
  await migrateSocial(database)
  const everybody = names('u', GIANT_FOLLOWERS)
  const some = everybody.slice(0, BIG_FOLLOWERS)
  const pick = picker(BIG_FOLLOWERS, seeded(3))
  const followersOf = new Map<string, readonly string[]>([
    [GIANT, everybody],
    [BIG, some],
    ...smallAuthors.map((author) => [author, pick(SMALL_FOLLOWERS).map((index) => some[index]!)] as const),
  ])
  await insertUsers(database, [...some, ...followersOf.keys()])
  for (const [author, followers] of followersOf) {
    const followees = followers.map(() => author)
    await insertFollows(database, followers, followees)
  }
  await query(database, 'vacuum analyze follows', 'vacuum analyze users')
  say('making timelines')
  await fillTimelines(redis.url(SOME), some, { empty: true })
  await fillTimelines(redis.url(ALL), everybody, { empty: true })
  return { database, followersOf }
}

/** Those who are watched: some by chance, and the last in the order of the fan-out. */
function watchedOf({ followersOf }: World, author: string): string[] {
  const followers = followersOf.get(author)!.slice(0, BIG_FOLLOWERS)
  const pick = picker(followers.length, seeded(4))
  const last = followers.toSorted().at(-1)!
  return [...pick(WATCHED - 1).map((index) => followers[index]!), last]
}

type Social = Awaited<ReturnType<typeof openSocial>>['social']

/** Reads a page again and again until it holds the post. */
async function untilShown(social: Social, reader: string, postId: string): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS
  for (;;) {
    const { items } = await social.timeline(reader, { limit: PAGE })
    if (items.some((post) => post.post_id === postId)) return
    if (Date.now() > deadline) throw new Error(`post ${postId} did not reach "${reader}" in ${DEADLINE_MS} ms`)
    await pause(BETWEEN_READS_MS)
  }
}

/** Answers when the pages of all of them hold the post, as `Date.now()`. */
async function untilVisible(social: Social, readers: readonly string[], postId: string): Promise<number> {
  await Promise.all(readers.map((reader) => untilShown(social, reader, postId)))
  return Date.now()
}

/** One post after the other, each read until it is there; readers in this process, all else in others. */
function staleness(world: World, redis: PrivateRedis, { name, authors, meanwhile, ...rest }: Case): Contender {
  const { database } = world
  const options = { database, timelines: redis.url(rest.timelines), pullFollowers: rest.pullFollowers }
  const open = (workers: boolean) => {
    const { pullFollowers, ...always } = options
    const given: FanfoldOptions = { ...always, ...(pullFollowers === undefined ? {} : { pullFollowers }), workers }
    return startChild(new URL('./clients/social-fanfold.js', import.meta.url), given)
  }
  const watched = new Map(authors.map((author) => [author, watchedOf(world, author)]))
  return {
    name,
    unit: 'posts',
    async run(seconds): Promise<Measured> {
      const children: Child[] = []
      const client = new pg.Client({ connectionString: database })
      await client.connect()
      const readers = await openSocial({ database, timelines: options.timelines, workers: false })
      try {
        const publisher = await open(true)
        children.push(publisher)
        let turn = 0
        const latencies: number[] = []
        async function watch(duration: number): Promise<number[]> {
          latencies.length = 0
          for (const end = Date.now() + duration * 1_000; Date.now() < end; await pause(BETWEEN_POSTS_MS)) {
            const author = authors[turn++ % authors.length]!
            const order: PostOrder = { author }
            const { postId, at } = await publisher.ask<Posted>(order)
            latencies.push((await untilVisible(readers.social, watched.get(author)!, postId)) - at)
          }
          return latencies
        }
        const load: Promise<unknown>[] = []
        if (meanwhile !== undefined) {
          const other = await open(false)
          children.push(other)
          const order: PublishOrder = { ...meanwhile, seconds: seconds + WARM_UP_SECONDS, clients: 1, openMax: 2 }
          load.push(other.ask(order))
        }
        await watch(WARM_UP_SECONDS)
        const measured = Float64Array.from(await watch(seconds))
        await Promise.all(load)
        await untilDone(client)
        return { seconds, latenciesMs: measured }
      } finally {
        await readers.close()
        await client.end()
        await Promise.all(children.map((child) => child.close()))
      }
    },
  }
}

const CASES: readonly Case[] = [
  { name: 'author with 10 k followers', authors: [BIG], timelines: SOME, pullFollowers: NOBODY_IS_PULLED },
  {
    name: 'giant with 1 M, pulled, while small ones post',
    authors: [GIANT],
    timelines: SOME,
    meanwhile: { authors: smallAuthors, perSecond: 20 },
  },
  {
    name: 'small authors, while a giant is pulled',
    authors: smallAuthors,
    timelines: SOME,
    meanwhile: { authors: [GIANT], perSecond: 2 },
  },
  { name: 'small authors alone', authors: smallAuthors, timelines: ALL, pullFollowers: NOBODY_IS_PULLED },
  {
    name: 'small authors, while a giant is pushed',
    authors: smallAuthors,
    timelines: ALL,
    pullFollowers: NOBODY_IS_PULLED,
    meanwhile: { authors: [GIANT] },
  },
]

function goalsOf(figures: readonly Figure[]): Goal[] {
  const p99 = (index: number) => figures[index]!.p99_ms
  const [alone, beside] = [p99(3), p99(4)]
  const ratio = alone === null || beside === null ? null : rounded(beside / alone)
  return [
    ...[0, 1, 2, 4].map((index) => atMost(`p99 in ms: ${CASES[index]!.name}`, GOAL_MS, p99(index))),
    atMost('p99 of small authors while a giant is pushed, against alone', 2, ratio),
  ]
}

async function run(context: BenchContext): Promise<Outcome> {
  const postgres = await openPostgres(CONNECTIONS)
  let redis: PrivateRedis | undefined
  try {
    const server = await openPrivateRedis()
    redis = server
    const world = await setUp(postgres, server, context)
    const contenders = CASES.map((each) => staleness(world, server, each))
    const figures = await compare(contenders, context, postgres.checkpoint)
    return {
      engines: { postgresql: postgres.version, redis: redis.version },
      results: figures,
      goals: goalsOf(figures),
      notes: [
        `From the call of publish until the pages of ${WATCHED} followers, the last one of the fan-out among them, hold the post: read through the library in another process, again and again.`,
        'Posts one after the other, so the rate says nothing. One process publishes and delivers, one reads, one makes the load.',
        `Small authors have ${SMALL_FOLLOWERS} followers. A pulled giant is merged in by the readers, who look every 500 ms.`,
        'A pushed giant: all its million followers have timelines; it posts again when its last post is almost done.',
        'All of them share the same processors: what a pushed giant costs small authors is also the time of the processor.',
      ],
    }
  } finally {
    await redis?.close()
    await postgres.close()
  }
}

export const socialStaleness: Bench = {
  name: 'social.staleness',
  about: 'from a post to the pages of its followers, with and without giants',
  defaults: { rounds: 3, seconds: 6 },
  run,
}
