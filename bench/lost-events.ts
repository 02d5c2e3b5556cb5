import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { silentLogger } from '../src/core/logger.ts'
import { openPg } from '../src/engines/postgres/client-pg.ts'
import { openLogStore } from '../src/engines/postgres/log-store.ts'
import { PROFILES } from '../src/engines/postgres/profiles.ts'
import { openPayments } from '../src/standalone/payments.ts'
import { PAYMENT } from './payment.ts'

const DEADLINE_MS = 30_000

/** Follows the log of payments like a projection, from its beginning, and notes the stream of every event it is given. */
async function followLog(url: string) {
  const sql = await openPg(new URL(url), PROFILES.postgres, { poolSize: 2, logger: silentLogger })
  const log = await openLogStore(sql, 'payments')
  const positions = Array.from({ length: log.shards }, () => 0n)
  const seen = new Set<string>()
  let stopped = false

  async function follow(): Promise<void> {
    while (!stopped) {
      for (const [shard, position] of positions.entries()) {
        const events = await log.read(shard, position, 100)
        for (const event of events) seen.add(event.streamId)
        positions[shard] = events.at(-1)?.eventId ?? position
      }
      await pause(5)
    }
  }

  const following = follow()
  return {
    seen,
    async stop() {
      stopped = true
      await following
      await sql.close()
    },
  }
}

/**
 * Counts events that a reader of our log misses while transactions of others are slow: the history of
 * `peers/emmett/lost.mjs`, event for event, in the same database.
 */
export async function countLost(url: string, count: number): Promise<{ appended: number; lost: number }> {
  const fanfold = await openPayments({ database: url, workers: false })
  const reader = await followLog(url)
  const appended: string[] = []
  const append = async () => {
    const { payment_intent_id } = await fanfold.payments.create(PAYMENT, { idempotencyKey: randomUUID() })
    appended.push(payment_intent_id)
    return payment_intent_id
  }
  const untilSeen = async (id: string) => {
    const deadline = Date.now() + DEADLINE_MS
    while (!reader.seen.has(id)) {
      if (Date.now() > deadline) throw new Error(`the event of ${id} was not read in ${DEADLINE_MS} ms`)
      await pause(10)
    }
  }
  const [slow, slower] = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })]
  try {
    await Promise.all([slow.connect(), slower.connect()])
    await slow.query('create table orders_of_the_shop (note text)')
    await untilSeen(await append())
    for (const client of [slow, slower]) {
      await client.query('begin')
      await client.query(`insert into orders_of_the_shop values ('a row of the application')`)
    }
    await Promise.all(Array.from({ length: count }, append))
    await slow.query('commit')
    await untilSeen(await append())
    await slower.query('commit')
    await untilSeen(await append())
  } finally {
    await Promise.all([slow.end(), slower.end(), reader.stop()])
    await fanfold.close()
  }
  return { appended: appended.length, lost: appended.filter((id) => !reader.seen.has(id)).length }
}
