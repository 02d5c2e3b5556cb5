import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFanfold, type Fanfold } from '../../src/app/fanfold.ts'
import { messageOf } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { openLogStore } from '../../src/engines/postgres/log-store.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import type { SqlClient } from '../../src/engines/sql/sql.ts'
import { assertContiguous } from '../../src/log/fold.ts'
import type { LogName, LogStore } from '../../src/log/port.ts'
import { until } from '../../src/testing/until.ts'
import { seededRandom } from '../setup/random.ts'
import { buildScript, type Script, type ScriptProcess } from '../setup/script.ts'
import { createPostgresDatabase, postgresServer } from '../setup/sql.ts'
import type { ShoppingNews } from './shopping.ts'

/**
 * Claim: what `append.test.ts` proves of the pattern holds for the statements that orders and payments really use.
 *
 * Method: three processes run the services with their workers against one PostgreSQL and are killed and replaced at random,
 * while connections are cut; a reader follows each real log and asserts that numbers come one after the other. Then one
 * process finishes what the dead ones left, and the verifiers compare everything with everything.
 */
const SEED = Number(process.env['FANFOLD_TEST_SEED'] ?? 20_261_122)
const KILLS = 8
const CUTS = 4
const ACKNOWLEDGED = 60
/** From its first acknowledgement on; until then a process may take as long as it likes, but for this. */
const LIFE_MS = 2_500
const START_MS_MAX = 30_000
const PROCESSES = 3

const server = postgresServer()
const rest = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

describe.skipIf(server === undefined)(`orders and payments of several processes under kill -9, seed ${SEED}`, () => {
  const random = seededRandom(SEED)
  const news: ShoppingNews[] = []
  const seen: Record<LogName, Map<number, bigint>> = { orders: new Map(), payments: new Map() }
  let killed = 0
  let cut = 0
  let chaos = true
  let database: { url: string; drop(): Promise<void> }
  let sql: SqlClient
  let script: Script
  let fanfold: Fanfold

  const acknowledged = (log: LogName) => news.filter((one) => one.log === log).length
  const hasHappened = () =>
    killed >= KILLS && cut >= CUTS && acknowledged('orders') >= ACKNOWLEDGED && acknowledged('payments') >= ACKNOWLEDGED

  /** The reader's own connection may be the one that is cut. */
  async function read(store: LogStore<unknown>, shard: number, after: bigint) {
    for (;;) {
      try {
        return await store.read(shard, after, 200)
      } catch (error) {
        if (!messageOf(error).includes('terminat')) throw error
      }
    }
  }

  async function follow(log: LogName): Promise<void> {
    const store = await openLogStore(sql, log)
    while (chaos) {
      for (let shard = 0; shard < store.shards; shard++) {
        const after = seen[log].get(shard) ?? 0n
        const events = await read(store, shard, after)
        assertContiguous(log, shard, after, events)
        seen[log].set(shard, events.at(-1)?.eventId ?? after)
      }
      await rest(3)
    }
  }

  async function keepShopping(n: number): Promise<ScriptProcess> {
    for (let run = 1; ; run++) {
      let ended: string | undefined
      let working = false
      let killAt = Date.now() + START_MS_MAX
      const shopper = script.start([database.url, `s${n}r${run}`, String(random.int(2 ** 31))], (message) => {
        if (!working) killAt = Date.now() + random.int(LIFE_MS)
        working = true
        news.push(message as ShoppingNews)
      })
      void shopper.ended.then((code) => {
        ended = String(code)
      })
      while (chaos && ended === undefined && Date.now() < killAt) await rest(10)
      // A process whose connection is cut while it starts may end; one that works must not.
      if (ended !== undefined && working) throw new Error(`a process ended by itself, ${ended}:\n${shopper.stderr()}`)
      if (!chaos) return shopper
      await shopper.kill()
      killed += 1
    }
  }

  async function cutConnections(): Promise<void> {
    while (chaos) {
      await rest(100 + random.int(400))
      cut += (
        await sql.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and state = 'active' order by random() limit 1`,
        )
      ).length
    }
  }

  beforeAll(async () => {
    database = await createPostgresDatabase(server!)
    const setUp = await createFanfold({ database: database.url, workers: false })
    for (let n = 0; n < 3; n++) {
      const product = {
        product_id: `p${n}`,
        sku: `p${n}`,
        name: `p${n}`,
        category: 'Toys',
        price: 500,
        currency: 'USD',
      }
      await setUp.orders.createProduct({ ...product, stock: 1_000_000 })
    }
    await setUp.orders.createCustomer({ customer_id: 'c', name: 'Cy' })
    await setUp.close()
    sql = await openPg(new URL(database.url), PROFILES.postgres, { poolSize: 4, logger: silentLogger })
    script = await buildScript(new URL('./shopping.ts', import.meta.url))

    const shoppers = Promise.all(Array.from({ length: PROCESSES }, (_, n) => keepShopping(n)))
    const watching = [follow('orders'), follow('payments'), cutConnections()]
    // However slow the machine: until so much was done and disturbed.
    const enough = until('enough was done', hasHappened, 150_000)
    await Promise.race([enough, shoppers]).finally(() => {
      chaos = false
    })
    for (const shopper of await shoppers) await shopper.kill()
    await Promise.all(watching)

    fanfold = await createFanfold({ database: database.url })
    // What the dead left is found when its lease runs out.
    const deadline = Date.now() + 90_000
    for (;;) {
      const { open_operations } = await fanfold.verifyPayments()
      if (Object.keys(open_operations).length === 0 || Date.now() > deadline) break
      await rest(1_000)
    }
    await fanfold.caughtUp()
  }, 400_000)

  afterAll(async () => {
    chaos = false
    await fanfold?.close()
    await sql?.close()
    await script?.remove()
    await database?.drop()
  })

  it('was disturbed, and did work', () => {
    process.stderr.write(
      `services, seed ${SEED}: ${news.length} acknowledged, ${killed} killed, ${cut} connections cut\n`,
    )
    expect(killed).toBeGreaterThanOrEqual(KILLS)
    expect(cut).toBeGreaterThanOrEqual(CUTS)
    expect(acknowledged('orders')).toBeGreaterThanOrEqual(ACKNOWLEDGED)
    expect(acknowledged('payments')).toBeGreaterThanOrEqual(ACKNOWLEDGED)
  })

  it.each(['orders', 'payments'] as const)(
    'the log of %s has no gap in any shard, and was read in order',
    async (log) => {
      const store = await openLogStore(sql, log)
      for (const [shard, head] of (await store.heads()).entries()) {
        let after = 0n
        while (after < head) {
          const events = await store.read(shard, after, 1_000)
          assertContiguous(log, shard, after, events, head)
          after = events.at(-1)!.eventId
        }
        expect(after).toBe(head)
      }
      expect([...seen[log].values()].some((last) => last > 0n)).toBe(true)
    },
  )

  it('has everything that was acknowledged', async () => {
    for (const { log, id } of news) {
      const found = log === 'orders' ? await fanfold.orders.get(id) : await fanfold.payments.get(id)
      expect(found).toBeDefined()
    }
  })

  it('keeps clean books: orders, stock, report, payments, and the ledger of the processor', async () => {
    expect(await fanfold.orders.verifyOrders()).toMatchObject({ ok: true, problems: [], lag: 0 })
    expect(await fanfold.verifyPayments()).toMatchObject({ ok: true, differences: [], open_operations: {} })
  })

  it('makes an order PAID or gives its money back, whichever process died when', async () => {
    for (const { id } of news.filter((one) => one.log === 'payments')) {
      const payment = await fanfold.payments.get(id)
      if (payment.captured === 0) continue
      const order = await fanfold.orders.get(payment.order_id!)
      if (order.status === 'CANCELLED') expect(payment.refunded).toBe(payment.captured)
      else expect(order.status).toBe('PAID')
    }
  })
})
