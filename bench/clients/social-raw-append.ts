// The limit: our append script, sent as ready-made frames to one connection; no followers are read, nothing is kept.
import { once } from 'node:events'
import { connect } from 'node:net'
import pg from 'pg'
import { groupTags } from '../../src/engines/redis/groups.ts'
import { APPEND } from '../../src/engines/redis/scripts.ts'
import { serveChild } from '../social-child.ts'
import type { Delivered } from './social-sorted-sets.ts'

export interface RawOptions {
  readonly database: string
  readonly timelines: string
  readonly authors: readonly string[]
}

export interface RawOrder {
  readonly seconds: number
}

const CALL_KEYS = 512
const FRAMES_UNDER_WAY = 8
/** No timeline gets as long, so that each answer is the same and nothing is cut. */
const BYTES_MAX = '1000000000'
const FOLLOWERS = 'select string_agg(follower_id, $2) as ids from follows where followee_id = $1'

const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`
const frame = (parts: readonly string[]) => Buffer.from(`*${parts.length}\r\n${parts.map(bulk).join('')}`)

await serveChild<RawOptions, RawOrder>(async ({ database, timelines, authors }) => {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  const { keyOf } = groupTags(false)
  const frames: { readonly bytes: Buffer; readonly keys: number }[] = []
  for (const [index, author] of authors.entries()) {
    const { rows } = await client.query<{ ids: string | null }>(FOLLOWERS, [author, ' '])
    const keys = (rows[0]!.ids ?? '').split(' ').map(keyOf)
    for (let from = 0; from < keys.length; from += CALL_KEYS) {
      const some = keys.slice(from, from + CALL_KEYS)
      const args = ['EVALSHA', APPEND.sha1, String(some.length), ...some, String(index), '1', BYTES_MAX, '1']
      frames.push({ bytes: frame(args), keys: some.length })
    }
  }
  await client.end()

  const { hostname, port, pathname } = new URL(timelines)
  const socket = connect(Number(port), hostname).setNoDelay(true)
  await once(socket, 'connect')
  let answered = 0
  let wake: (() => void) | undefined
  let failure: string | undefined
  socket.on('data', (chunk) => {
    // `*1` is the head of an answer; an error begins with `-`.
    for (const byte of chunk) {
      if (byte === 0x2a || byte === 0x2b || byte === 0x24) answered += 1
      if (byte === 0x2d) failure ??= chunk.toString('latin1', 0, 200)
    }
    wake?.()
  })
  async function untilAnswered(count: number): Promise<void> {
    while (answered < count) {
      if (failure !== undefined) throw new Error(`Redis answered ${failure}`)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  socket.write(frame(['SELECT', pathname.slice(1)]))
  socket.write(frame(['SCRIPT', 'LOAD', APPEND.text]))
  await untilAnswered(2)
  let next = 0

  return {
    async answer({ seconds }): Promise<Delivered> {
      const start = performance.now()
      const end = start + seconds * 1_000
      let deliveries = 0
      let sent = answered
      while (performance.now() < end) {
        const { bytes, keys } = frames[next++ % frames.length]!
        socket.write(bytes)
        deliveries += keys
        sent += 1
        if (sent - answered >= FRAMES_UNDER_WAY) await untilAnswered(sent - FRAMES_UNDER_WAY + 1)
      }
      await untilAnswered(sent)
      return { deliveries, seconds: (performance.now() - start) / 1_000, latenciesMs: new Float64Array() }
    },
    async close() {
      socket.destroy()
    },
  }
})
