import pg from 'pg'
import type { Bench, BenchContext, Contender, Count, Figure, Goal, Measured, Outcome } from './bench.ts'
import type { FanfoldOptions, PublishOrder } from './clients/social-fanfold.ts'
import type { RawOptions, RawOrder } from './clients/social-raw-append.ts'
import type { Delivered, SortedSetOptions, SortedSetOrder } from './clients/social-sorted-sets.ts'
import { atLeast, atMost, compare, median, ratio, rounded } from './measure.ts'
import { openPostgres, type Postgres, query } from './postgres.ts'
import { type Child, startChild } from './social-child.ts'
import { type CpuSeconds, countCpu } from './social-cpu.ts'
import { openPrivateRedis, type PrivateRedis } from './social-redis.ts'
import {
  fillSortedSets,
  fillTimelines,
  insertColumns,
  insertFollows,
  insertUsers,
  migrateSocial,
  names,
  pastIds,
  picker,
  powerLaw,
  seeded,
  untilDone,
} from './social-world.ts'

const CONNECTIONS = 60
const DEFAULT_USERS = 20_000
const AUTHORS = 2_000
const MEAN_FOLLOWERS = 400
const POSTS_BEFORE = 50
const GIANT = 'giant'
const GIANT_FOLLOWERS = 200_000
const ACTIVE_SHARE = 0.3
const SORTED_SET_ENTRIES = 800
const WARM_UP_SECONDS = 1
const NOBODY_IS_PULLED = 100_000_000
/** As many as keep all workers busy. */
const PUBLISHING = { clients: 32, openMax: 128 }
const ONE_AT_A_TIME = { clients: 1, openMax: 1 }
/** The Redis databases. */
const ALL_ACTIVE = 0
const SOME_ACTIVE = 1
const RAW = 2
const SORTED_SETS = 3
const GIANTS = 4

const script = (name: string) => new URL(`./clients/social-${name}.js`, import.meta.url)

interface World {
  readonly database: string
  /** A copy, whose timelines are in it. */
  readonly sqlDatabase: string
  readonly readers: readonly string[]
  /** In the order in which they post. */
  readonly authors: readonly string[]
}

/** What a round used of the processors, and for how much. */
interface Used extends CpuSeconds {
  readonly entries: number
}

/** Those whose use of the processors is told, and each of their rounds. */
const ACCOUNTED = ['fanfold, one process', 'limit', 'usual way'] as const
type Use = Record<(typeof ACCOUNTED)[number], Used[]>

async function setUp(postgres: Postgres, redis: PrivateRedis, users: number, { say }: BenchContext): Promise<World> {
  say(`making ${users} users and ${AUTHORS} authors with ${MEAN_FOLLOWERS} followers each in the mean`)
  const database = await postgres.createDatabase('fanout')
  await migrateSocial(database)
  const random = seeded(1)
  const readers = names('u', users)
  const authors = names('a', AUTHORS)
  const sizes = powerLaw(AUTHORS, { mean: MEAN_FOLLOWERS, least: 10, most: users / 2, exponent: 0.75 })
  const pick = picker(users, random)
  const edges = authors.map((author, rank) => ({ author, followers: pick(sizes[rank]!).map((i) => readers[i]!) }))
  const giantFollowers = names('g', GIANT_FOLLOWERS)
  await insertUsers(database, [...readers, ...authors, GIANT])
  await insertFollows(
    database,
    [...edges.flatMap((edge) => edge.followers), ...giantFollowers],
    [...edges.flatMap((edge) => edge.followers.map(() => edge.author)), ...giantFollowers.map(() => GIANT)],
  )
  await query(
    database,
    'create table usual_posts (post_id bigint primary key, user_id text, content jsonb, timestamp timestamptz)',
    'vacuum analyze follows',
    'vacuum analyze users',
  )
  await insertHistory(database)
  const sqlDatabase = await postgres.createDatabase('fanout_sql')
  await copyDatabase(database, sqlDatabase)
  await query(
    sqlDatabase,
    `insert into user_feeds (user_id, epoch, ready, floor, cut_arrived, read_at)
     select user_id, 1, true, 0, 0, now() from users order by user_id`,
    'vacuum analyze user_feeds',
  )
  say('filling timelines')
  await fillTimelines(redis.url(ALL_ACTIVE), readers)
  await fillTimelines(
    redis.url(SOME_ACTIVE),
    readers.filter(() => random() < ACTIVE_SHARE),
  )
  await fillTimelines(redis.url(GIANTS), giantFollowers, { empty: true })
  await fillSortedSets(redis.url(SORTED_SETS), readers, SORTED_SET_ENTRIES)
  return { database, sqlDatabase, readers, authors: picker(AUTHORS, random)(AUTHORS).map((index) => authors[index]!) }
}

/** What these authors posted before: tables that are neither empty nor unknown to the planner. */
async function insertHistory(database: string): Promise<void> {
  const ids = pastIds(AUTHORS * POSTS_BEFORE)
  await insertColumns(
    database,
    `insert into posts (post_id, user_id, content, visibility, mode, timestamp)
     select post_id, author, '{"text": "An earlier post of this author."}', 'public', 'push', now() - interval '1 day'
     from unnest($1::bigint[], $2::text[]) as t (post_id, author)`,
    [ids, names('a', AUTHORS).flatMap((author) => Array.from({ length: POSTS_BEFORE }, () => author))],
  )
  await query(
    database,
    `insert into post_fanouts (post_id, planned_chunks, planned, done_chunks, sweep_at, done_at)
     select post_id, 1, true, 1, timestamp, timestamp from posts`,
    'vacuum analyze posts',
    'vacuum analyze post_fanouts',
  )
}

/** Makes `to` a copy of `from`. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const nameOf = (url: string) => new URL(url).pathname.slice(1)
  const admin = new URL(from)
  admin.pathname = '/postgres'
  await query(admin.href, `drop database ${nameOf(to)}`, `create database ${nameOf(to)} template ${nameOf(from)}`)
}

const RESULT = `
select f.delivered::int as delivered, f.followers_scanned::int as followers,
  greatest(0, extract(epoch from f.done_at - p.timestamp) * 1000)::float8 as ms
from posts p join post_fanouts f on f.post_id = p.post_id where p.post_id > $1`

interface Fanned {
  readonly name: string
  readonly database: string
  readonly timelines: number | undefined
  readonly authors: readonly string[]
  readonly order: Pick<PublishOrder, 'clients' | 'openMax'>
  /** Posts per second, if not as many as go. */
  readonly perSecond?: () => number
  readonly processes?: 2
  /** What is counted: entries that were appended, or followers, whether they have a timeline or not. */
  readonly unit?: 'followers'
  readonly onRound?: (used: Used, posts: number, seconds: number) => void
}

/** A turn: fresh processes publish until the time is over; it ends when the last fan-out is done. */
function fanfoldContender(redis: PrivateRedis, way: Fanned): Contender {
  const { name, database, unit = 'entries' } = way
  const open = (workers: boolean) => {
    const timelines = way.timelines === undefined ? {} : { timelines: redis.url(way.timelines) }
    const options: FanfoldOptions = { database, ...timelines, workers, pullFollowers: NOBODY_IS_PULLED }
    return startChild(script('fanfold'), options)
  }
  return {
    name,
    unit,
    async run(seconds): Promise<Measured> {
      const children: Child[] = []
      const client = new pg.Client({ connectionString: database })
      await client.connect()
      try {
        const publisher = await open(way.processes === undefined)
        children.push(publisher)
        if (way.processes === 2) children.push(await open(true))
        const publish = (duration: number) => {
          const order = { authors: way.authors, seconds: duration, ...way.order }
          const perSecond = way.perSecond?.()
          const paced: PublishOrder = perSecond === undefined ? order : { ...order, perSecond }
          return publisher.ask<{ posts: number }>(paced)
        }
        await publish(WARM_UP_SECONDS)
        await untilDone(client)
        const { rows: last } = await client.query('select max(post_id) as id from posts')
        const pids = children.map(({ pid }) => pid)
        const cpu = await countCpu(pids, redis.pid, database)
        const start = performance.now()
        const { posts } = await publish(seconds)
        await untilDone(client)
        const took = (performance.now() - start) / 1_000
        const used = await cpu()
        const { rows } = await client.query<{ delivered: number; followers: number; ms: number }>(RESULT, [last[0].id])
        const entries = rows.reduce((sum, row) => sum + row.delivered, 0)
        way.onRound?.({ ...used, entries }, posts, took)
        const operations = unit === 'followers' ? rows.reduce((sum, row) => sum + row.followers, 0) : entries
        return { seconds: took, operations, latenciesMs: Float64Array.from(rows, (row) => row.ms) }
      } finally {
        await client.end()
        await Promise.all(children.map((child) => child.close()))
      }
    },
  }
}

interface CountedWay {
  readonly name: string
  readonly database: string
  readonly start: () => Promise<Child>
  readonly order: (seconds: number) => object
  readonly onRound: (used: Used) => void
}

/** A turn of a contender that counts for itself. */
function countedContender(redis: PrivateRedis, { name, database, start, order, onRound }: CountedWay): Contender {
  return {
    name,
    unit: 'entries',
    async run(seconds): Promise<Measured> {
      const child = await start()
      try {
        await child.ask(order(WARM_UP_SECONDS))
        const cpu = await countCpu([child.pid], redis.pid, database)
        const { deliveries, ...rest } = await child.ask<Delivered>(order(seconds))
        onRound({ ...(await cpu()), entries: deliveries })
        return { operations: deliveries, ...rest }
      } finally {
        await child.close()
      }
    },
  }
}

function contendersOf(world: World, redis: PrivateRedis, use: Use): Contender[] {
  const { database, authors } = world
  let postsPerSecond = 0
  const ours = { database, timelines: ALL_ACTIVE, authors, order: PUBLISHING }
  const fanned = (way: Fanned) => fanfoldContender(redis, way)
  const sortedSets: SortedSetOptions = { database, timelines: redis.url(SORTED_SETS), entries: SORTED_SET_ENTRIES }
  const raw: RawOptions = { database, timelines: redis.url(RAW), authors }
  return [
    fanned({
      ...ours,
      name: 'fanfold, one process',
      onRound: (used, posts, seconds) => {
        use['fanfold, one process'].push(used)
        postsPerSecond = posts / seconds
      },
    }),
    fanned({ ...ours, name: 'fanfold, at half of that rate', perSecond: () => postsPerSecond / 2 }),
    fanned({ ...ours, name: 'fanfold, publisher and worker', processes: 2 }),
    fanned({ ...ours, name: 'fanfold, 30 % are active', timelines: SOME_ACTIVE, unit: 'followers' }),
    fanned({
      ...ours,
      name: `fanfold, one author with ${GIANT_FOLLOWERS / 1_000} k followers`,
      timelines: GIANTS,
      authors: [GIANT],
      order: ONE_AT_A_TIME,
    }),
    countedContender(redis, {
      name: 'limit: ready-made appends',
      database,
      async start() {
        // Nothing cuts them: those of the round before would be longer than ours ever get.
        await fillTimelines(redis.url(RAW), world.readers)
        return startChild(script('raw-append'), raw)
      },
      order: (seconds): RawOrder => ({ seconds }),
      onRound: (used) => use.limit.push(used),
    }),
    countedContender(redis, {
      name: 'usual way: ZADD and ZREMRANGEBYRANK',
      database,
      start: () => startChild(script('sorted-sets'), sortedSets),
      order: (seconds): SortedSetOrder => ({ authors, seconds, clients: 8 }),
      onRound: (used) => use['usual way'].push(used),
    }),
    fanned({ ...ours, name: 'fanfold, timelines in PostgreSQL', database: world.sqlDatabase, timelines: undefined }),
  ]
}

function countsOf(use: Use): Count[] {
  const servers = [
    ['Node', (used: Used) => used.node],
    ['Redis', (used: Used) => used.redis],
    ['PostgreSQL', (used: Used) => used.postgresql],
  ] as const
  return ACCOUNTED.flatMap((name) =>
    servers.map(([server, pick]): Count => {
      const perMillion = use[name].map((used) => (pick(used) / used.entries) * 1_000_000)
      return { case: `${name}: ${server}`, unit: 'CPU-s per million', value: rounded(median(perMillion)) }
    }),
  )
}

function goalsOf(figures: readonly Figure[], counts: readonly Count[]): Goal[] {
  const find = (start: string) => figures.find((figure) => figure.case.startsWith(start))!
  const ours = find('fanfold, one process')
  return [
    atLeast('entries/s, against ZADD and ZREMRANGEBYRANK', 4, ratio(ours, find('usual way'))),
    atLeast('entries/s, against ready-made appends', 0.5, ratio(ours, find('limit'))),
    atLeast('entries/s, one process with everything', 200_000, ours.per_second),
    atMost('CPU-seconds of Node per million entries', 4, counts[0]!.value),
  ]
}

async function run(context: BenchContext): Promise<Outcome> {
  const users = context.users ?? DEFAULT_USERS
  const postgres = await openPostgres(CONNECTIONS)
  let redis: PrivateRedis | undefined
  try {
    redis = await openPrivateRedis()
    const world = await setUp(postgres, redis, users, context)
    const use: Use = { 'fanfold, one process': [], limit: [], 'usual way': [] }
    const figures = await compare(contendersOf(world, redis, use), context, postgres.checkpoint)
    const counts = countsOf(use)
    return {
      engines: { postgresql: postgres.version, redis: `${redis.version} (append-only file, synced every second)` },
      results: [...figures, ...counts],
      goals: goalsOf(figures, counts),
      notes: [
        `${AUTHORS} authors post in turn; followers by a power law, ${MEAN_FOLLOWERS} in the mean, 10 to ${users / 2}, of ${users} users.`,
        'fanfold: publish through the library, queue and ledger in PostgreSQL, timelines in Redis; from the first post to the last fan-out done. p50 to p99: from the time of a post to the end of its fan-out.',
        `At full rate ${PUBLISHING.openMax} posts are open all the time, so those times tell of the backlog; half of the rate tells of the way.`,
        'limit: the same script with the same keys, as frames made beforehand, to one connection; no post, no queue, no followers read, nothing cut.',
        'usual way: insert the post, read its followers, two pipelined commands for each; no queue, no ledger, and lost when the process dies.',
        'timelines in PostgreSQL are empty at the start; those in Redis are evenly between just cut and about to be.',
        'Everything shares the same processors. CPU of PostgreSQL: of the connections of this benchmark.',
      ],
    }
  } finally {
    await redis?.close()
    await postgres.close()
  }
}

export const socialFanout: Bench = {
  name: 'social.fanout',
  about: 'posts to their followers’ timelines, against sorted sets and the limit of Redis',
  defaults: { rounds: 3, seconds: 4 },
  run,
}
