// Reads home timelines: through the library, or by SQL on the tables of posts and follows.
import { Redis } from 'ioredis'
import pg from 'pg'
import { groupTags } from '../../src/engines/redis/groups.ts'
import { openSocial } from '../../src/standalone/social.ts'
import { serveClient } from '../client-process.ts'

export type Way =
  | 'home'
  /** The timeline is dropped before each read. */
  | 'absent'
  /** Pages older than what the timeline holds. */
  | 'deep'
  | 'join'
  | 'lateral'

export interface ReaderOptions {
  readonly database: string
  readonly timelines: string
  readonly way: Way
  readonly readers: readonly string[]
}

const LIMIT = 20
const DEEP_PAGES = 4
const WALK_LIMIT = 100
/** More than any timeline holds. */
const DEEP_POSTS = 1_100

const JOIN = `
select p.* from posts p join follows f on f.followee_id = p.user_id
where f.follower_id = $1 order by p.post_id desc limit ${LIMIT}`

const LATERAL = `
select p.* from follows f cross join lateral (
  select * from posts where user_id = f.followee_id order by post_id desc limit ${LIMIT}) as p
where f.follower_id = $1 order by p.post_id desc limit ${LIMIT}`

const { database, timelines, way, readers } = JSON.parse(process.argv[2]!) as ReaderOptions

let turn = 0
const nextReader = () => readers[turn++ % readers.length]!

async function openSql(text: string) {
  const pool = new pg.Pool({ connectionString: database, max: 10 })
  return {
    async operation() {
      const { rows } = await pool.query({ name: 'page', text, values: [nextReader()] })
      if (rows.length !== LIMIT) throw new Error(`a page of ${rows.length} posts`)
    },
    close: () => pool.end(),
  }
}

async function openLibrary() {
  const fanfold = await openSocial({ database, timelines, workers: false })
  const { social } = fanfold
  const redis = new Redis(timelines)
  const { keyOf } = groupTags(false)
  const deepCursors: { reader: string; cursor: string }[] = []

  async function walk(reader: string): Promise<void> {
    let cursor: string | undefined
    for (let posts = 0; posts < DEEP_POSTS + DEEP_PAGES * WALK_LIMIT; ) {
      const page = await social.timeline(reader, { limit: WALK_LIMIT, cursor })
      posts += page.items.length
      cursor = page.next_cursor
      if (cursor === undefined) return
      if (posts >= DEEP_POSTS) deepCursors.push({ reader, cursor })
    }
  }
  if (way === 'deep') for (const reader of readers) await walk(reader)

  async function read(reader: string, cursor?: string): Promise<void> {
    const { items } = await social.timeline(reader, { limit: LIMIT, cursor })
    if (items.length !== LIMIT) throw new Error(`a page of ${items.length} posts`)
  }

  return {
    async operation() {
      if (way === 'deep') {
        const { reader, cursor } = deepCursors[turn++ % deepCursors.length]!
        return read(reader, cursor)
      }
      const reader = nextReader()
      if (way === 'absent') await redis.unlink(keyOf(reader))
      return read(reader)
    },
    async close() {
      redis.disconnect()
      await fanfold.close()
    },
  }
}

await serveClient(() => (way === 'join' ? openSql(JOIN) : way === 'lateral' ? openSql(LATERAL) : openLibrary()))
