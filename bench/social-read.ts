import { composeId } from '../src/core/ids.ts'
import { openSocial } from '../src/standalone/social.ts'
import type { Bench, BenchContext, Contender, Figure, Goal, Outcome } from './bench.ts'
import { type ClientProcess, startClient } from './client-process.ts'
import type { ReaderOptions, Way } from './clients/social-reader.ts'
import { atLeast, atMost, compare, ratio, rounded } from './measure.ts'
import { openPostgres, type Postgres, query } from './postgres.ts'
import { openPrivateRedis, type PrivateRedis } from './social-redis.ts'
import {
  insertColumns,
  insertFollows,
  insertUsers,
  migrateSocial,
  names,
  picker,
  powerLaw,
  seeded,
} from './social-world.ts'

const CONNECTIONS = 80
const TIMELINES = 0
/** Whoever is followed by the readers that are measured. */
const AUTHORS = 5_000
const POSTS_MEAN = 100
const DAYS = 100
/** What everybody else posted on the last day. Of the days before, it would only make the tables larger. */
const OTHERS_POSTS = 1_000_000
const OTHER_AUTHORS = 100_000
const PULL_AUTHORS = 50
const PULL_POSTS = 100
const DAY_MS = 86_400_000

/** Readers by how many they follow, and how many such readers there are. */
const CLASSES = [
  { followees: 10, readers: 100 },
  { followees: 100, readers: 100 },
  { followees: 1_000, readers: 100 },
  { followees: 5_000, readers: 20 },
] as const
const MEASURED = 1_000
const CLIENTS = [1, 64] as const

interface World {
  readonly database: string
  readonly byFollowees: ReadonlyMap<number, readonly string[]>
  readonly pullReaders: readonly string[]
}

const TEXT = 'The same text in every post, about as long as such texts are: one short line.'

const insertPosts = (database: string, ids: readonly bigint[], authors: readonly string[], mode: 'push' | 'pull') =>
  insertColumns(
    database,
    `insert into posts (post_id, user_id, content, visibility, mode, timestamp)
     select post_id, author, '{"text": "${TEXT}"}', 'public', '${mode}', now()
     from unnest($1::bigint[], $2::text[]) as t (post_id, author)`,
    [ids, authors],
  )

/** An author for each post and a time for each, evenly spread over the last days, oldest first. */
function spread(authors: readonly string[], days: number, random: () => number) {
  const now = Date.now()
  const from = now - days * DAY_MS
  const step = (days * DAY_MS) / authors.length
  const shuffled = picker(authors.length, random)(authors.length).map((index) => authors[index]!)
  const ids = shuffled.map((_, index) =>
    composeId({
      timestampMs: Math.floor(from + index * step),
      route: Math.floor(random() * 1_024),
      node: 1,
      sequence: index % 48,
    }),
  )
  return { ids, authors: shuffled }
}

async function setUp(postgres: Postgres, redis: PrivateRedis, { say }: BenchContext): Promise<World> {
  say(`making ${AUTHORS * POSTS_MEAN + OTHERS_POSTS} posts`)
  const database = await postgres.createDatabase('read')
  await migrateSocial(database)
  const random = seeded(2)
  const authors = names('a', AUTHORS)
  const sizes = powerLaw(AUTHORS, { mean: POSTS_MEAN, least: 10, most: 2_000, exponent: 0.6 })
  const ours = spread(
    authors.flatMap((author, rank) => Array.from({ length: sizes[rank]! }, () => author)),
    DAYS,
    random,
  )
  const otherAuthors = names('o', OTHER_AUTHORS)
  const others = spread(
    Array.from({ length: OTHERS_POSTS }, () => otherAuthors[Math.floor(random() * OTHER_AUTHORS)]!),
    1,
    random,
  )
  await insertPosts(database, ours.ids, ours.authors, 'push')
  await insertPosts(database, others.ids, others.authors, 'push')
  const giants = names('p', PULL_AUTHORS)
  const pulled = spread(
    giants.flatMap((giant) => Array.from({ length: PULL_POSTS }, () => giant)),
    DAYS,
    random,
  )
  await insertPosts(database, pulled.ids, pulled.authors, 'pull')
  await insertColumns(database, 'insert into pull_authors (user_id) select unnest($1::text[])', [giants])

  const byFollowees = new Map<number, readonly string[]>()
  const pick = picker(AUTHORS, random)
  const [followers, followees]: [string[], string[]] = [[], []]
  const follow = (reader: string, whom: readonly string[]) => {
    for (const author of whom) {
      followers.push(reader)
      followees.push(author)
    }
  }
  for (const { followees: count, readers: size } of CLASSES) {
    const readers = names(`r${count}x`, size)
    byFollowees.set(count, readers)
    for (const reader of readers) {
      follow(
        reader,
        pick(count).map((index) => authors[index]!),
      )
    }
  }
  const pullReaders = names('q', 100)
  for (const reader of pullReaders) {
    follow(reader, [...pick(MEASURED).map((index) => authors[index]!), ...giants])
  }
  const readers = [...[...byFollowees.values()].flat(), ...pullReaders]
  await insertUsers(database, [...authors, ...giants, ...readers])
  await insertFollows(database, followers, followees)
  await query(database, 'vacuum analyze')
  say(`building ${readers.length} timelines`)
  const fanfold = await openSocial({ database, timelines: redis.url(TIMELINES), workers: false })
  for (const userId of readers) await fanfold.social.rebuildTimelines({ userId })
  await fanfold.close()
  return { database, byFollowees, pullReaders }
}

const plural = (clients: number) => `${clients} client${clients === 1 ? '' : 's'}`

async function contendersOf(world: World, redis: PrivateRedis, started: ClientProcess[]): Promise<Contender[]> {
  const { database, byFollowees, pullReaders } = world
  const timelines = redis.url(TIMELINES)
  const contender = async (name: string, way: Way, readers: readonly string[], clients: readonly number[]) => {
    const options: ReaderOptions = { database, timelines, way, readers }
    const client = await startClient(new URL('./clients/social-reader.js', import.meta.url), [JSON.stringify(options)])
    started.push(client)
    return clients.map(
      (count): Contender => ({
        name: `${name}, ${plural(count)}`,
        unit: 'pages',
        run: (seconds) => client.run(count, seconds),
      }),
    )
  }
  const measured = byFollowees.get(MEASURED)!
  const all = [
    await contender(`fanfold, ${MEASURED} followees`, 'home', measured, CLIENTS),
    await contender(`join, ${MEASURED} followees`, 'join', measured, CLIENTS),
    await contender(`lateral join, ${MEASURED} followees`, 'lateral', measured, CLIENTS),
  ]
  for (const { followees } of CLASSES) {
    if (followees !== MEASURED)
      all.push(await contender(`fanfold, ${followees} followees`, 'home', byFollowees.get(followees)!, [1]))
  }
  all.push(
    await contender('fanfold, timeline absent', 'absent', measured, [1]),
    await contender('fanfold, below the floor', 'deep', measured.slice(0, 20), [1]),
    await contender(`fanfold, ${PULL_AUTHORS} of them pulled`, 'home', pullReaders, [1]),
  )
  return all.flat()
}

function goalsOf(figures: readonly Figure[]): Goal[] {
  const find = (name: string) => figures.find((figure) => figure.case === name)!
  const p99 = (followees: number) => find(`fanfold, ${followees} followees, ${plural(1)}`).p99_ms ?? Number.NaN
  return [
    ...CLIENTS.map((clients) =>
      atLeast(
        `pages/s, against the join, ${plural(clients)}`,
        20,
        ratio(
          find(`fanfold, ${MEASURED} followees, ${plural(clients)}`),
          find(`join, ${MEASURED} followees, ${plural(clients)}`),
        ),
      ),
    ),
    atMost('p99 with 5,000 followees, against 10', 1.5, rounded(p99(5_000) / p99(10))),
  ]
}

async function run(context: BenchContext): Promise<Outcome> {
  const postgres = await openPostgres(CONNECTIONS)
  const clients: ClientProcess[] = []
  let redis: PrivateRedis | undefined
  try {
    redis = await openPrivateRedis()
    const world = await setUp(postgres, redis, context)
    context.say('starting readers')
    const figures = await compare(await contendersOf(world, redis, clients), context, postgres.checkpoint)
    return {
      engines: { postgresql: postgres.version, redis: redis.version },
      results: figures,
      goals: goalsOf(figures),
      notes: [
        `A page of 20 through the library. ${AUTHORS} authors with ${POSTS_MEAN} posts each in the mean (10 to 2,000, by a power law) over ${DAYS} days; followed at random.`,
        `Beside them ${OTHERS_POSTS} posts of others on the last day, as a network has: a page is not among its newest posts.`,
        'join: posts joined with follows, newest first, limit 20; lateral: the newest 20 of each followee first. Prepared, 10 connections, rows as they are.',
        'Ours also checks that the reader exists, relations and visibility, and marks what he likes; the SQL does not.',
        'absent: the timeline is dropped before each read, so pages come from the posts, while it is built again beside.',
        'below the floor: pages older than what the timeline holds.',
      ],
    }
  } finally {
    await Promise.all(clients.map((client) => client.close()))
    await redis?.close()
    await postgres.close()
  }
}

export const socialRead: Bench = {
  name: 'social.read',
  about: 'home pages, against reading posts by SQL from everybody followed',
  defaults: { rounds: 3, seconds: 4 },
  run,
}
