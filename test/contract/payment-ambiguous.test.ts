import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { isTransient } from '../../src/core/retry.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { openPaymentPorts } from '../../src/engines/postgres/payment-ports.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import type { SqlClient } from '../../src/engines/sql/sql.ts'
import { card, openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'

const key = () => ({ idempotencyKey: randomUUID() })
const lostConnection = () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })

type Loss = 'none' | 'answer' | 'request'

/** A client that loses writes of payments on the wire, before or after the database has carried them out. */
function unreliable(sql: SqlClient): { sql: SqlClient; lose(...losses: Loss[]): void; lost: () => number } {
  let plan: Loss[] = []
  let lost = 0
  const query: SqlClient['query'] = async (text, params) => {
    const loss = text.includes('insert into payment_events') ? (plan.shift() ?? 'none') : 'none'
    if (loss !== 'none') lost += 1
    if (loss === 'request') throw lostConnection()
    const rows = await sql.query(text, params)
    if (loss === 'answer') throw lostConnection()
    return rows as never
  }
  const lose = (...losses: Loss[]) => {
    plan = losses
  }
  return { sql: { ...sql, query }, lose, lost: () => lost }
}

for (const engine of sqlEngines()) {
  describe(`lost connections on ${engine.name}`, () => {
    let bench: PaymentBench
    beforeAll(async () => {
      bench = await openPaymentBench(engine)
    })
    afterAll(async () => {
      await bench.project()
      const report = await bench.verify()
      await bench.close()
      expect(report.differences).toEqual([])
    })

    async function open() {
      const wire = unreliable(bench.sql)
      const ports = await openPaymentPorts(wire.sql, bench.database.context)
      return { wire, payments: bench.process({ ports, clock: systemClock }) }
    }

    for (const losses of [
      ['answer'],
      ['request'],
      ['answer', 'answer'],
      ['request', 'answer', 'request'],
    ] as Loss[][]) {
      it(`creates and pays once although ${losses.join(', then ')} got lost`, async () => {
        const { wire, payments } = await open()
        let replays = 0
        const input = { amount: 300, currency: 'USD', payment_method: card('tok_ok') }
        wire.lose(...losses)
        const created = await payments.create(input, { ...key(), onReplay: () => void replays++ })
        expect(created.version).toBe(1)
        wire.lose(...losses)
        const done = await payments.authorize(
          created.payment_intent_id,
          {},
          { ...key(), onReplay: () => void replays++ },
        )
        expect(done).toMatchObject({ status: 'captured', version: 5 })
        expect(wire.lost()).toBe(2 * losses.length)
        // It is the first answer, and not taken for somebody else's.
        expect(replays).toBe(0)
      })
    }

    it('tells apart, in one batch, what was written before the loss and what never was', async () => {
      const { wire, payments } = await open()
      const input = { amount: 300, currency: 'USD', payment_method: card('tok_ok') }
      const before = (await bench.verify()).payments
      wire.lose('answer', 'request', 'answer')
      const created = await Promise.all(
        Array.from({ length: 40 }, (_, n) => payments.create(input, n % 2 === 0 ? key() : {})),
      )
      expect(new Set(created.map((payment) => payment.payment_intent_id)).size).toBe(40)
      expect((await bench.verify()).payments).toBe(before + 40)
    })
  })
}

const server = sqlEngines().find(({ name }) => name === 'postgres')

describe.skipIf(server === undefined)('backends that are killed again and again', () => {
  const PAYMENTS = 400
  const KILLS = 25

  it('lose and double nothing that two processes append meanwhile', { timeout: 120_000 }, async () => {
    const bench = await openPaymentBench(server!)
    const pools = await Promise.all(
      [1, 2].map(() => openPg(new URL(bench.database.url), PROFILES.postgres, { poolSize: 6, logger: silentLogger })),
    )
    const admin = new pg.Client({ connectionString: bench.database.url })
    await admin.connect()
    try {
      let replays = 0
      let running = 0
      const acknowledged: string[] = []
      const processes = await Promise.all(
        pools.map(async (sql) => {
          const ports = await openPaymentPorts(sql, bench.database.context)
          return bench.process({ ports, clock: systemClock })
        }),
      )
      const input = { amount: 300, currency: 'USD', payment_method: card('tok_ok'), capture_method: 'manual' } as const
      const onReplay = () => void replays++
      async function live(n: number): Promise<void> {
        const payments = processes[n % 2]!
        running += 1
        // A read may fail on a lost connection; what is asked again with its key is still done once.
        const context = { ...(n % 3 === 0 ? {} : key()), onReplay }
        const { payment_intent_id: id } = await payments.create(input, context)
        const voiding = key()
        for (;;) {
          const done = await payments.void(id, {}, voiding).catch((error: unknown) => error)
          if (!(done instanceof Error)) break
          if (!isTransient(done)) throw done
        }
        acknowledged.push(id)
        running -= 1
      }
      let kills = 0
      async function kill(): Promise<void> {
        const before = acknowledged.length
        const { rowCount } = await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'fanfold' and state = 'active'
            and query like '%with x as (%' and pid <> pg_backend_pid()`,
        )
        kills += rowCount ?? 0
        // Some go through between two kills, so that every try has its chance.
        if (acknowledged.length === before) await new Promise((resolve) => setTimeout(resolve, 2))
      }
      let next = 0
      const worker = async () => {
        while (next < PAYMENTS || kills < KILLS) await live(next++)
      }
      let ended = false
      const killing = (async () => {
        while (!ended && kills < KILLS) await kill()
      })()
      await Promise.all(Array.from({ length: 48 }, worker)).finally(() => {
        ended = true
        return killing
      })

      expect(kills).toBeGreaterThanOrEqual(KILLS)
      expect(running).toBe(0)
      // Created with a key or without, the first answer is that of the first try.
      expect(replays).toBe(0)
      const rows = await bench.sql.query<{ id: string; types: string[] }>(
        `select payment_intent_id as id, array_agg(event_type order by version) as types from payment_events group by 1`,
      )
      expect(rows.map(({ id }) => id).sort()).toEqual(acknowledged.toSorted())
      expect(new Set(rows.map(({ types }) => types.join()))).toEqual(new Set(['INITIATED,VOIDED']))
      expect((await bench.verify()).differences).toEqual([])
      await bench.project()
    } finally {
      await Promise.all(pools.map((sql) => sql.close()))
      await admin.end()
      await bench.close()
    }
  })
})
