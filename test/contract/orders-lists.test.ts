import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { listStatement as mysqlListStatement } from '../../src/engines/mysql/order-list.ts'
import { listStatement } from '../../src/engines/postgres/order-list.ts'
import type { ListOrders, OrderDocument } from '../../src/orders/schemas.ts'
import { type OrderBench, openOrderBench, orderEngines, SOMEWHERE } from '../setup/orders.ts'

const DELIVERED = 3_000
const DAY_MS = 86_400_000
const FIRST_DAY = Date.UTC(2024, 0, 1)

/** Delivered orders of many customers, eight a day, as lines of an export. */
function oldOrders(): string {
  return Array.from({ length: DELIVERED }, (_, n) =>
    JSON.stringify({
      order_number: `OLD-${n}`,
      order_date: new Date(FIRST_DAY + Math.floor(n / 8) * DAY_MS + (n % 8) * 3_600_000).toISOString(),
      customer_id: `c${n % 300}`,
      customer_name: `Customer ${n % 300}`,
      currency: 'USD',
      shipping_address: { city: n % 2 === 0 ? 'São Paulo' : 'Lima', country: 'BR' },
      items: [
        {
          product_id: `p${n % 50}`,
          product_name: `Thing ${n % 50}`,
          product_category: 'Things',
          quantity: 1,
          price_at_time_of_purchase: 100 + n,
        },
      ],
    }),
  ).join('\n')
}

/** What is another index on MySQL: its primary keys have no names, and all orders in the order of time have one. */
const MYSQL_INDEXES = new Map([
  [String(/orders_pkey/), /orders_by_id/],
  [String(/order_search_pkey/), /"table":"s"[^}]*"key":"PRIMARY"/],
])

for (const engine of orderEngines()) {
  describe(`lists of orders on ${engine.name}`, () => {
    let bench: OrderBench
    let folder: string
    /** All orders, newest first. */
    let all: OrderDocument[]
    let paid: OrderDocument

    async function walk(filter: ListOrders, limit: number = LIMITS.pageItemsMax): Promise<OrderDocument[]> {
      const found: OrderDocument[] = []
      let cursor: string | undefined
      do {
        const page = await bench.orders.list(filter, { limit, cursor })
        expect(page.items.length).toBeLessThanOrEqual(limit)
        found.push(...page.items)
        cursor = page.next_cursor
      } while (cursor !== undefined)
      return found
    }
    const numbers = async (filter: ListOrders) => (await walk(filter)).map((order) => order.order_number)

    beforeAll(async () => {
      bench = await openOrderBench(engine, { timeZone: 'America/New_York' })
      folder = await mkdtemp(join(tmpdir(), 'fanfold-lists-'))
      const file = join(folder, 'old.jsonl')
      await writeFile(file, oldOrders())
      expect(await bench.orders.importOrders(file)).toMatchObject({ orders_imported: DELIVERED, rows_bad: 0 })
      await bench.product('lamp', 100)
      await bench.place([{ product_id: 'lamp', quantity: 1 }])
      const cancelled = await bench.place([{ product_id: 'lamp', quantity: 2 }])
      await bench.orders.cancel(cancelled.order_id, {})
      paid = await bench.pay(await bench.place([{ product_id: 'lamp', quantity: 3 }]))
      await bench.fold()
      await bench.database.sql.transaction((tx) =>
        tx.script(
          engine.name === 'mariadb'
            ? 'analyze table orders, order_search, order_line_items'
            : 'analyze orders; analyze order_search; analyze order_line_items',
        ),
      )
      all = await walk({})
    })
    afterAll(async () => {
      await bench.close()
      await rm(folder, { recursive: true })
    })

    it('show every order once, newest first, with its lines', () => {
      expect(all).toHaveLength(DELIVERED + 3)
      const ids = all.map((order) => BigInt(order.order_id))
      expect(ids).toEqual([...ids].sort((a, b) => (a < b ? 1 : -1)))
      expect(new Set(ids).size).toBe(ids.length)
      expect(all.every((order) => order.items.length > 0)).toBe(true)
    })

    it('have exactly the orders for which all filters hold', async () => {
      const day = (order: OrderDocument) => order.business_day
      const cases: [ListOrders, (order: OrderDocument) => boolean][] = [
        [{ customer_id: 'c7' }, (order) => order.customer_id === 'c7'],
        [{ status: 'DELIVERED' }, (order) => order.status === 'DELIVERED'],
        [{ status: 'PENDING' }, (order) => order.status === 'PENDING'],
        [{ payment_status: 'unpaid' }, (order) => order.payment_status === 'unpaid'],
        [{ fulfillment_status: 'cancelled' }, (order) => order.fulfillment_status === 'cancelled'],
        [{ number: 'OLD-77' }, (order) => order.order_number === 'OLD-77'],
        [{ number: 'OLD-77', status: 'PENDING' }, () => false],
        [{ placed_from: '2024-03-01', placed_to: '2024-03-02' }, (order) => /^2024-03-0[12]$/.test(day(order))],
        [{ placed_from: '2024-12-20' }, (order) => day(order) >= '2024-12-20'],
        [
          { placed_from: '2024-03-01T05:00:00Z', placed_to: '2024-03-01T07:00:00Z' },
          (order) => order.order_date >= '2024-03-01T05' && order.order_date < '2024-03-01T07',
        ],
        [
          { customer_id: 'c8', status: 'DELIVERED', placed_to: '2024-06-30' },
          (order) => order.customer_id === 'c8' && day(order) <= '2024-06-30',
        ],
        [
          { payment_status: 'paid', fulfillment_status: 'unfulfilled' },
          (order) => order.payment_status === 'paid' && order.fulfillment_status === 'unfulfilled',
        ],
        [{ q: 'sao paulo thing', customer_id: 'c8' }, (order) => order.customer_id === 'c8'],
        [
          { q: 'LIMA', placed_from: '2024-05-01', placed_to: '2024-05-01' },
          (order) => day(order) === '2024-05-01' && order.shipping_address.city === 'Lima',
        ],
      ]
      for (const [filter, holds] of cases) {
        expect(await walk(filter), JSON.stringify(filter)).toEqual(all.filter(holds))
      }
      expect(await walk({ customer_id: 'c7' }, 3)).toEqual(all.filter((order) => order.customer_id === 'c7'))
    })

    it('refuse a cursor of another list, and what is no filter', async () => {
      const { next_cursor: cursor } = await bench.orders.list({ status: 'DELIVERED' }, { limit: 1 })
      await expect(bench.orders.list({ payment_status: 'paid' }, { cursor })).rejects.toMatchObject({
        code: 'invalid_cursor',
      })
      const wrong = [
        { placed_from: '2024-02-30' },
        { q: '...' },
        { q: 'a b c d e f g h i j k' },
        { placed_to: 'today' },
      ]
      for (const filter of wrong) {
        await expect(bench.orders.list(filter), JSON.stringify(filter)).rejects.toMatchObject({ code: 'invalid_input' })
      }
    })

    it('are found by whole words of number, name, e-mail address, city, skus and product names', async () => {
      for (const q of ['OLD-77', 'old 77 lima', 'customer 77 THING', 'líma old-77']) {
        expect(await numbers({ q }), q).toContain('OLD-77')
      }
      expect(await numbers({ q: 'OLD-7777' })).toEqual([])
      expect(await numbers({ q: 'OLD-7' })).toEqual(['OLD-7'])
      expect(await numbers({ q: 'paul' })).toEqual([])
      const mine = all.filter((order) => order.customer_id === 'ada').map((order) => order.order_number)
      expect(mine).toHaveLength(3)
      for (const q of ['ada@example.com', 'lovelace', 'SKU-lamp', 'name of lamp', 'new york ada']) {
        expect(await numbers({ q }), q).toEqual(mine)
      }
      expect(await numbers({ q: paid.order_number })).toEqual([paid.order_number])
    })

    it('are found by the words of now after a change', async () => {
      await bench.orders.changeShippingAddress(paid.order_id, { shipping_address: { ...SOMEWHERE, city: 'Zürich' } })
      await bench.fold()
      expect(await numbers({ q: 'zurich' })).toEqual([paid.order_number])
      expect(await numbers({ q: 'york' })).not.toContain(paid.order_number)
      expect(await numbers({ q: 'lamp' })).toContain(paid.order_number)
    })

    it('are read from the index of their leading filter, whatever else is asked', async () => {
      const base = { fromMs: FIRST_DAY, beforeMs: FIRST_DAY + 30 * DAY_MS }
      const cases: [Parameters<typeof listStatement>[0], RegExp][] = [
        [{}, /orders_pkey/],
        [base, /orders_pkey/],
        [{ orderNumber: 'OLD-1' }, /orders_shard_order_number_key/],
        [{ orderNumber: 'OLD-1', status: 'DELIVERED' }, /orders_shard_order_number_key/],
        [{ customerId: 'c1' }, /orders_by_customer/],
        [{ customerId: 'c1', status: 'PAID', ...base }, /orders_by_(customer|status)/],
        [{ status: 'DELIVERED' }, /orders_by_status/],
        [{ status: 'PENDING', ...base }, /orders_by_status/],
        [{ paymentStatus: 'refund_due' }, /orders_by_payment_status/],
        [{ paymentStatus: 'paid', status: 'DELIVERED' }, /orders_by_(payment_status|status)/],
        [{ fulfillmentStatus: 'returned' }, /orders_by_fulfillment_status/],
        [{ words: ['lima', 'old'] }, /order_search_pkey/],
        [{ words: ['lima'], status: 'DELIVERED', ...base }, /order_search_pkey/],
      ]
      for (const [filter, index] of cases) {
        const statement = engine.name === 'mariadb' ? mysqlListStatement : listStatement
        const { text, params } = statement(filter, undefined, 21)
        const steps = await bench.database.sql.query<
          Partial<Record<'select_type' | 'table' | 'type' | 'Extra', string>>
        >(`explain ${text}`, params)
        const plan = JSON.stringify(steps, (_, value) => (typeof value === 'bigint' ? Number(value) : value))
        if (engine.name === 'mariadb') {
          expect(plan, JSON.stringify(filter)).toMatch(MYSQL_INDEXES.get(String(index)) ?? index)
          // What is read whole is the page that was found, and the few shards.
          const whole = steps.filter(({ type }) => type === 'ALL').map(({ table }) => table)
          // The page comes in the order of the index; only the look-ups by number, one per shard, are sorted.
          const sorted = steps.filter((step) => step.select_type === 'DERIVED' && step.Extra?.includes('filesort'))
          expect(sorted.length, plan).toBe(filter.orderNumber === undefined ? 0 : 1)
          expect(whole.filter((table) => table !== 's' && !/^<derived\d+>$/.test(table ?? ''))).toEqual([])
        } else {
          expect(plan, JSON.stringify(filter)).toMatch(index)
          expect(plan, JSON.stringify(filter)).not.toMatch(/Seq Scan on (orders|order_search|order_line_items)/)
        }
      }
    })
  })
}
