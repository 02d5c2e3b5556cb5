import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failureKind } from '../../src/core/retry.ts'
import { migrateAll, pendingMigrations } from '../../src/engines/mysql/migrate.ts'
import { MIGRATIONS } from '../../src/engines/mysql/migrations.generated.ts'
import type { OrderDocument } from '../../src/orders/schemas.ts'
import { until } from '../../src/testing/until.ts'
import { createMysqlDatabase, mysqlServer, openMysqlUrl } from '../setup/mysql.ts'
import { hasMariadbProgram, startMariadb } from '../setup/mysql-server.ts'
import { mysqlOrderEngine, type OrderBench, openOrderBench } from '../setup/orders.ts'
import type { OwnServer } from '../setup/own-server.ts'

const ORDERS = 150
const AT_ONCE = 30
const KILLS = 3
const STOCK = 2 * ORDERS

const rest = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

describe.skipIf(mysqlServer() === undefined || !hasMariadbProgram())('a MariaDB server that is killed', () => {
  let server: OwnServer
  beforeAll(async () => {
    server = await startMariadb()
  }, 60_000)
  afterAll(() => server?.remove())

  async function killAndStart(): Promise<void> {
    await server.kill()
    await rest(100)
    await server.start()
  }

  it('loses and doubles no order, and leaves no gap in the log', { timeout: 120_000 }, async () => {
    const bench: OrderBench = await openOrderBench(mysqlOrderEngine(server.url))
    await bench.product('lamp', STOCK)
    await bench.product('desk', STOCK)
    const acknowledged = new Map<string, OrderDocument>()
    const failures: string[] = []
    let next = 0

    /** As a caller does: the same key, until there is an answer. */
    async function placeOne(key: string): Promise<void> {
      const items = [
        { product_id: 'lamp', quantity: 1 },
        { product_id: 'desk', quantity: 1 },
      ]
      for (;;) {
        try {
          acknowledged.set(key, await bench.place(items, {}, key))
          return
        } catch (error) {
          const kind = failureKind(error)
          if (kind === 'permanent') throw error
          failures.push(kind)
          await rest(20)
        }
      }
    }
    async function placeMany(): Promise<void> {
      while (next < ORDERS) await placeOne(`key-${next++}`)
    }
    async function disturb(): Promise<void> {
      for (let kill = 1; kill <= KILLS; kill++) {
        await until('some more orders are placed', async () => acknowledged.size >= (kill * ORDERS) / (KILLS + 2))
        await killAndStart()
      }
    }
    await Promise.all([disturb(), ...Array.from({ length: AT_ONCE }, placeMany)])

    expect(failures.length).toBeGreaterThan(0)
    const stored = await bench.database.rows<{ order_id: bigint; version: number }>(
      'select order_id, version from orders',
    )
    expect(stored).toHaveLength(ORDERS)
    expect(new Set(stored.map((row) => String(row.order_id)))).toEqual(
      new Set([...acknowledged.values()].map((order) => order.order_id)),
    )
    const levels = await bench.database.rows('select on_hand, reserved from stock_levels order by product_id')
    expect(levels).toEqual([
      { on_hand: BigInt(STOCK), reserved: BigInt(ORDERS) },
      { on_hand: BigInt(STOCK), reserved: BigInt(ORDERS) },
    ])
    const heads = await bench.ports.log.heads()
    expect(heads.reduce((sum, head) => sum + head)).toBe(BigInt(ORDERS))
    await bench.fold()
    expect(await bench.orders.verifyOrders()).toMatchObject({ ok: true, problems: [], lag: 0 })
    await bench.close()
  })

  it('goes on with a schema that it had half made', { timeout: 60_000 }, async () => {
    const { url } = await createMysqlDatabase(server.url)
    const first = await openMysqlUrl(url, 2)
    const made = async () =>
      (
        await first.query<{ n: bigint }>(
          'select count(*) as n from information_schema.tables where table_schema = database()',
        )
      )[0]!.n
    const cut = migrateAll(first).then(
      () => 'done',
      (error: unknown) => failureKind(error),
    )
    await until('some tables are there', async () => (await made()) > 3n)
    await killAndStart()
    expect(['ambiguous', 'done']).toContain(await cut)
    await first.close()
    const sql = await openMysqlUrl(url, 2)
    await migrateAll(sql)
    expect(await pendingMigrations(sql, MIGRATIONS)).toEqual([])
    expect(await sql.query('select version from schema_migrations')).toHaveLength(MIGRATIONS.length)
    expect(await sql.query('select shard from log_head')).toHaveLength(2 * sql.profile.logShards)
    await sql.close()
  })
})
