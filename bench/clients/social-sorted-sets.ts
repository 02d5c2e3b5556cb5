// The usual way: a sorted set per follower, written with two pipelined commands each.
import { Redis } from 'ioredis'
import pg from 'pg'
import { composeId } from '../../src/core/ids.ts'
import { serveChild } from '../social-child.ts'

export interface SortedSetOptions {
  readonly database: string
  readonly timelines: string
  readonly entries: number
}

export interface SortedSetOrder {
  readonly authors: readonly string[]
  readonly seconds: number
  /** Posts under way at the same time. */
  readonly clients: number
}

export interface Delivered {
  readonly deliveries: number
  /** From the first post to the last delivery. */
  readonly seconds: number
  /** From the start of each post to its last delivery, in milliseconds. */
  readonly latenciesMs: Float64Array
}

const FOLLOWERS_PER_PIPELINE = 1_000
const POST = 'insert into usual_posts (post_id, user_id, content, timestamp) values ($1, $2, $3, now())'
const FOLLOWERS = 'select follower_id from follows where followee_id = $1'
const CONTENT = { text: 'The same text in every post, about as long as such texts are: one short line.' }

await serveChild<SortedSetOptions, SortedSetOrder>(async ({ database, timelines, entries }) => {
  const pool = new pg.Pool({ connectionString: database, max: 10 })
  const redis = new Redis(timelines)
  const keepFrom = 0
  const keepTo = -entries - 1
  let sequence = 0

  const nextId = () => composeId({ timestampMs: Date.now(), route: 0, node: 0, sequence: sequence++ % 64 }).toString()

  async function deliver(author: string): Promise<number> {
    const id = nextId()
    await pool.query({ name: 'post', text: POST, values: [id, author, CONTENT] })
    const { rows } = await pool.query<{ follower_id: string }>({ name: 'followers', text: FOLLOWERS, values: [author] })
    for (let from = 0; from < rows.length; from += FOLLOWERS_PER_PIPELINE) {
      const pipeline = redis.pipeline()
      for (const { follower_id } of rows.slice(from, from + FOLLOWERS_PER_PIPELINE)) {
        const key = `feed:${follower_id}`
        pipeline.zadd(key, id, id)
        pipeline.zremrangebyrank(key, keepFrom, keepTo)
      }
      for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error
    }
    return rows.length
  }

  return {
    async answer({ authors, seconds, clients }): Promise<Delivered> {
      const start = performance.now()
      const end = start + seconds * 1_000
      const latencies: number[] = []
      let deliveries = 0
      let posts = 0
      async function client(): Promise<void> {
        for (let began = performance.now(); began < end; began = performance.now()) {
          const followers = await deliver(authors[posts++ % authors.length]!)
          deliveries += followers
          latencies.push(performance.now() - began)
        }
      }
      await Promise.all(Array.from({ length: clients }, client))
      return { deliveries, seconds: (performance.now() - start) / 1_000, latenciesMs: Float64Array.from(latencies) }
    },
    async close() {
      redis.disconnect()
      await pool.end()
    },
  }
})
