import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MysqlClient } from '../../src/engines/mysql/client-mysql2.ts'
import { assertContiguous } from '../../src/log/fold.ts'
import type { LogEvent } from '../../src/log/port.ts'
import { type MysqlDatabase, mysqlServer, openMysqlDatabase, openMysqlUrl } from '../setup/mysql.ts'
import { seededRandom } from '../setup/random.ts'
import { appendProof, createProofLog, openProofStore } from './mysql-proof-log.ts'

/**
 * Claim: on InnoDB, too, the numbers of a log have no gap and are seen in the order of commits by everybody.
 *
 * Method: appenders on connections of their own append at random to all shards, several streams at a time in no order of
 * their own, with pauses before and after they take their numbers, and with appends that fail after it; connections are
 * killed meanwhile. Readers poll through all of it, with pages of different sizes.
 */
const SEED = Number(process.env['FANFOLD_TEST_SEED'] ?? 20_261_123)
const APPENDERS = 6
const APPENDS = 60
const STREAMS = 12

const server = mysqlServer()

describe.skipIf(server === undefined)(`the log on MariaDB under concurrent appends, seed ${SEED}`, () => {
  let database: MysqlDatabase
  let writers: MysqlClient
  const acknowledged: { shard: number; eventId: bigint; op: string }[] = []
  const refused: string[] = []
  const seen: LogEvent[][][] = [[], []]
  let heads: bigint[] = []
  let cut = 0

  beforeAll(async () => {
    database = await openMysqlDatabase(server!)
    const { sql } = database
    writers = await openMysqlUrl(database.url, APPENDERS)
    await createProofLog(sql)
    const store = await openProofStore(sql)
    let writing = true

    async function appendMany(appender: number): Promise<void> {
      const random = seededRandom(SEED + appender)
      for (let n = 0; n < APPENDS; n++) {
        const shard = random.int(store.shards)
        const first = random.int(STREAMS)
        const ops = Array.from({ length: 1 + random.int(4) }, (_, index) => `${appender}/${n}/${index}`)
        const events = ops.map((op, index) => ({ streamId: `s${(first + index) % STREAMS}`, payload: { op } }))
        const disturbance = {
          pauseBeforeHeadMs: random.int(8),
          pauseAfterHeadMs: random.int(8),
          fail: random.int(8) === 0,
        }
        try {
          const rows = await appendProof(writers, shard, events, disturbance)
          acknowledged.push(...rows.map((row) => ({ shard, eventId: row.event_id, op: String(row.payload['op']) })))
        } catch {
          if (disturbance.fail) refused.push(...ops)
        }
      }
    }
    async function readAll(reader: LogEvent[][], limit: number): Promise<void> {
      for (;;) {
        const isOver = !writing
        for (let shard = 0; shard < store.shards; shard++) {
          reader[shard] ??= []
          const events = reader[shard]!
          const after = events.at(-1)?.eventId ?? 0n
          const next = await store.read(shard, after, limit)
          assertContiguous(store.log, shard, after, next)
          events.push(...next)
        }
        const isBehind = (await store.heads()).some((head, shard) => head !== (reader[shard]!.at(-1)?.eventId ?? 0n))
        if (isOver && !isBehind) return
      }
    }
    async function cutConnections(): Promise<void> {
      const running = `
select id from information_schema.processlist where db = database() and info like 'do sleep%' order by rand() limit 1`
      while (writing) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        const [row] = await sql.query<{ id: bigint }>(running)
        if (row !== undefined)
          cut += await sql.execute('kill ?', [row.id]).then(
            () => 1,
            () => 0,
          )
      }
    }
    const all = Promise.all(Array.from({ length: APPENDERS }, (_, n) => appendMany(n))).finally(() => {
      writing = false
    })
    await Promise.all([all, readAll(seen[0]!, 500), readAll(seen[1]!, 3), cutConnections()])
    heads = await store.heads()
  }, 120_000)
  afterAll(async () => {
    await writers?.close()
    await database?.drop()
  })

  it('was disturbed: appends failed, and connections were killed', () => {
    expect(refused.length).toBeGreaterThan(10)
    expect(cut).toBeGreaterThan(3)
    expect(acknowledged.length).toBeGreaterThan(300)
  })

  it('has every number from 1 to the head, and each reader saw them all in their order', async () => {
    for (const [shard, head] of heads.entries()) {
      for (const reader of seen) {
        expect(reader[shard]!.map((event) => event.eventId)).toEqual(
          Array.from({ length: Number(head) }, (_, n) => BigInt(n + 1)),
        )
      }
    }
  })

  it('has what was acknowledged under its number, nothing that failed, and nothing twice', () => {
    const stored = new Map(seen[0]!.flat().map((event) => [`${event.shard}/${event.eventId}`, event.payload['op']]))
    for (const { shard, eventId, op } of acknowledged) expect(stored.get(`${shard}/${eventId}`)).toBe(op)
    const ops = [...stored.values()]
    expect(new Set(ops).size).toBe(ops.length)
    expect(refused.filter((op) => ops.includes(op))).toEqual([])
  })

  it('has dense versions in every stream, in the order of the numbers', () => {
    for (const events of seen[0]!) {
      const last = new Map<string, number>()
      for (const { streamId, version } of events) {
        expect(version).toBe((last.get(streamId) ?? 0) + 1)
        last.set(streamId, version)
      }
    }
  })
})
