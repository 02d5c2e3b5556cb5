import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import { type OrderBench, openOrderBench, orderEngines } from '../setup/orders.ts'
import { seededRandom } from '../setup/random.ts'
import { buildScript, type Script } from '../setup/script.ts'

/**
 * Claim: wherever the workers of the report are killed, nothing is lost and nothing counts twice. Method: every statement
 * and every commit of a worker is a step; of two workers one is killed at each step in turn (of long jobs: at some), the
 * other finishes, and everything is compared with everything.
 */
const SEED = Number(process.env['FANFOLD_TEST_SEED'] ?? 20_261_122)
const LONG = 14
const DAY_MS = 86_400_000

const servers = orderEngines().filter(({ name }) => name !== 'pglite')

describe.for(servers)(`workers of the sales report on $name under kill -9, seed ${SEED}`, (engine) => {
  const random = seededRandom(SEED)
  const clock = fakeClock(Date.parse('2026-01-20T10:00:00Z'))
  let bench: OrderBench
  let script: Script
  beforeAll(async () => {
    bench = await openOrderBench(engine, { clock })
    await bench.product('camera', 1_000_000)
    await bench.product('novel', 1_000_000, { category: 'Books', price: 333 })
    script = await buildScript(new URL('./report-worker.ts', import.meta.url))
  }, 60_000)
  afterAll(async () => {
    await script?.remove()
    await bench?.close()
  })

  /** Sales, cancellations and returns that are not in the report yet. */
  async function shop(orders: number): Promise<void> {
    for (let n = 0; n < orders; n++) {
      const order = await bench.pay(
        await bench.place([
          { product_id: 'camera', quantity: 2 },
          { product_id: 'novel', quantity: 1 + random.int(3) },
        ]),
      )
      if (random.int(3) === 0) await bench.orders.cancel(order.order_id, { items: [{ line_no: 1, quantity: 1 }] })
      if (random.int(4) === 0) await bench.orders.cancel(order.order_id)
      await clock.advance(DAY_MS / 4)
    }
  }

  /** Runs a job in a process of its own; answers how many steps it took, or that it was killed. */
  async function work(job: string, killAt = 0): Promise<number | 'killed'> {
    let steps = 0
    const worker = script.start([bench.database.url, job, String(killAt)], (message) => {
      steps = (message as { steps: number }).steps
    })
    const ended = await worker.ended
    if (ended === 'SIGKILL') return 'killed'
    expect(ended, worker.stderr()).toBe(0)
    return steps
  }

  async function isRight(): Promise<void> {
    const verified = await bench.orders.verifyOrders()
    expect(verified.problems).toEqual([])
    expect(verified.lag).toBe(0)
    const [doubled] = await bench.database.rows<{ legs: bigint; facts: bigint }>(
      `select (select count(*) from sales_legs l join projection_checkpoints c on c.shard = l.shard
          and c.projection = 'daily_sales_report' and c.generation = (
            select live_generation from projections where name = 'daily_sales_report')) as legs,
        (select count(*) from daily_sales_report) as facts`,
    )
    expect(doubled!.facts).toBe(doubled!.legs)
  }

  it('folding', { timeout: 300_000 }, async () => {
    let killed = 0
    // How many steps there are depends on what the other worker leaves; the last ones may not come.
    for (let step = 1; step <= 2 * LONG; step++) {
      await shop(3)
      const [first] = await Promise.all([work('fold', step), work('fold')])
      if (first === 'killed') killed += 1
      await bench.fold()
      await isRight()
    }
    expect(killed).toBeGreaterThan(LONG / 2)
  })

  for (const job of ['rebuild', '2026-01']) {
    it(job === 'rebuild' ? 'rebuilding everything, up to the flip' : 'rebuilding a month', {
      timeout: 300_000,
    }, async () => {
      const steps = await work(job)
      expect(steps).toBeGreaterThan(2 * LONG)
      let killed = 0
      for (let n = 0; n < LONG; n++) {
        // The last steps are those of the flip, and of clearing what it replaced.
        const step = n < LONG / 2 ? Number(steps) - 2 * n : 1 + random.int(Number(steps))
        await shop(1)
        const [first] = await Promise.all([work(job, step), work('fold')])
        if (first === 'killed') killed += 1
        await work(job)
        await bench.fold()
        await isRight()
      }
      expect(killed).toBeGreaterThan(LONG / 2)
    })
  }
})
