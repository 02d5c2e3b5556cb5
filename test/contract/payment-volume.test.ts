import { describe, expect, it } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import type { FaultPoint } from '../../src/payments/processing/operations.ts'
import { SANDBOX_TOKENS } from '../../src/processors/sandbox/tokens.ts'
import { card, openPaymentBench, type PaymentBench } from '../setup/payments.ts'
import { type Random, seededRandom } from '../setup/random.ts'
import { sqlEngines } from '../setup/sql.ts'

const CLIENTS = 64
const CURRENCIES = ['USD', 'EUR', 'JPY', 'KWD']

class Crash extends Error {}

/** Lets one command in fifty die at some moment, as a process would. */
function dyingNowAndThen(random: Random): (point: FaultPoint) => void {
  return () => {
    if (random.int(50) === 0) throw new Crash('crash')
  }
}

/** A refusal of the rules is fine, and so is a crash; anything else is not. */
async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof Crash) && !(isAppError(error) && error.status === 422)) throw error
  }
}

async function livePayment(bench: PaymentBench, n: number, random: Random): Promise<void> {
  const payments = bench.process({ faults: dyingNowAndThen(random) })
  const token = SANDBOX_TOKENS[n % SANDBOX_TOKENS.length]!
  const amount = 1 + random.int(50_000)
  const capture_method = random.pick(['automatic', 'manual'] as const)
  const input = {
    amount,
    currency: random.pick(CURRENCIES),
    payment_method: card(token),
    capture_method,
    customer_id: `c-${n % 97}`,
  }
  const { payment_intent_id: id } = await payments.create(input, { idempotencyKey: `create-${n}` })
  let step = 0
  const context = () => ({ idempotencyKey: `step-${n}-${++step}` })
  await attempt(() => payments.authorize(id, {}, context()))
  for (let deeds = random.int(5); deeds > 0; deeds--) {
    const part = { amount: 1 + random.int(amount) }
    const deed = random.int(6)
    if (deed < 3) await attempt(() => payments.capture(id, random.int(2) === 0 ? part : {}, context()))
    else if (deed < 5) await attempt(() => payments.refund(id, random.int(2) === 0 ? part : {}, context()))
    else await attempt(() => payments.void(id, {}, context()))
  }
}

const engines = sqlEngines()

for (const engine of engines) {
  // The whole number on one engine, a sample on the others.
  const count = engine === engines.at(-1) ? 5_000 : 500

  describe(`${count} payments with every token on ${engine.name}`, () => {
    it('charges at the processor are the CAPTURED events, and the read models are the replay', {
      timeout: 900_000,
    }, async () => {
      const bench = await openPaymentBench(engine)
      try {
        const random = seededRandom(20_260_301)
        let next = 0
        const client = async () => {
          while (next < count) await livePayment(bench, next++, random)
        }
        await Promise.all(Array.from({ length: CLIENTS }, client))
        for (let round = 0; round < 8; round++) await bench.recover(30_000)
        await bench.project()

        const report = await bench.verify()
        expect(report.differences).toEqual([])
        expect(report.payments).toBe(count)
        // What waits for the buyer waits, a wrong currency waits for a person, and a processor that turned us away on the
        // second try has told nothing of the first. Nothing else may wait.
        const open = await bench.sql.query<{ status: string; token: string }>(
          `select distinct o.status, e.payload->'payment_method'->>'token' as token
           from payment_operations o join payment_events e on e.payment_intent_id = o.payment_intent_id and e.version = 1
           where o.status not in ('succeeded', 'failed')`,
        )
        const mayWait: Readonly<Record<string, readonly string[]>> = {
          action_required: ['tok_requires_action', 'tok_action_succeeds', 'tok_action_fails'],
          review: ['tok_wrong_currency'],
          unknown: ['tok_outage', 'tok_unreachable'],
        }
        expect(open.filter(({ status, token }) => !mayWait[status]?.includes(token))).toEqual([])
        expect(open.map(({ status }) => status)).toEqual(expect.arrayContaining(['action_required', 'review']))

        const [charged] = await bench.sql.query<{ sum: bigint }>(
          `select sum(amount)::bigint as sum from sandbox_entries where kind = 'capture' and status = 'succeeded'`,
        )
        const [recorded] = await bench.sql.query<{ sum: bigint }>(
          `select sum((payload->>'amount')::bigint)::bigint as sum from payment_events where event_type = 'CAPTURED'`,
        )
        expect(recorded!.sum).toBe(charged!.sum)
        expect(recorded!.sum).toBeGreaterThan(0n)
        const viewed = await bench.sql.query<{ status: string; count: number }>(
          'select status, count(*)::int as count from payment_view group by status',
        )
        expect(viewed.reduce((sum, row) => sum + row.count, 0)).toBe(count)
        expect(viewed.map((row) => row.status)).toEqual(
          expect.arrayContaining([
            'authorized',
            'captured',
            'declined',
            'partially_captured',
            'partially_refunded',
            'refunded',
            'requires_action',
            'voided',
          ]),
        )
      } finally {
        await bench.close()
      }
    })
  })
}
