import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { openPaymentPorts } from '../../src/engines/postgres/payment-ports.ts'
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
