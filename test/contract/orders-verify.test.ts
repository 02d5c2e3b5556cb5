import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { startProjector } from '../../src/log/projector.ts'
import { type OrdersVerified, verifyView } from '../../src/orders/verify.ts'
import { orderTables } from '../setup/order-tables.ts'
import { type OrderBench, openOrderBench, orderEngines, SOMEWHERE } from '../setup/orders.ts'

/** What is done to the stored rows, which comparison must name it, and how. `:order` is the order. */
type Damage = readonly [what: string, statement: string, check: string, problem: object]

const FACT_COLUMNS = `generation, shard, booked_day, order_id, event_no, line_no, kind, sale_day, order_date, customer_name,
  product_id, product_name, product_category, quantity, price, tax, currency, shipping_country, shipping_region,
  shipping_city`
const ofCamera = (what: string) => `update stock_levels set ${what} where product_id = 'camera'`
const inReport = (what: string) => `update daily_sales_report_gen set ${what} where order_id = :order and line_no = 1`
const inSums = (what: string, where: string) => `update sales_rollups set ${what} where ${where}`
const anyRow = { subject: expect.stringMatching(/^order \d+, event 2, leg 1$/) }

const DAMAGES: readonly Damage[] = [
  [
    'an amount in the report',
    inReport('price = price + 1'),
    'report_per_order',
    { expected: '2250 + 225 tax for 2 units', actual: '2251 + 225 tax for 2 units' },
  ],
  ['a tax in the report', inReport('tax = tax - 1'), 'report_per_order', { actual: '2250 + 224 tax for 2 units' }],
  [
    'a city in the report',
    inReport(`shipping_city = 'Rome'`),
    'report_join',
    { subject: expect.stringMatching(/^Electronics \/ Rome/), expected: '0 + 0 tax for 0 units' },
  ],
  ['a name in the report', inReport(`customer_name = 'Bob'`), 'report_rows', anyRow],
  ['a name of a product in the report', inReport(`product_name = 'Lamp'`), 'report_rows', anyRow],
  ['a day in the report', inReport(`booked_day = booked_day + interval '1' day`), 'report_rows', anyRow],
  [
    'a missing row of the report',
    'delete from daily_sales_report_gen where order_id = :order and line_no = 0',
    'report_per_order',
    { expected: '2250 + 225 tax for 2 units', actual: '2000 + 200 tax for 2 units' },
  ],
  [
    'a doubled row of the report',
    `insert into daily_sales_report_gen (leg, ${FACT_COLUMNS})
     select 9, ${FACT_COLUMNS} from daily_sales_report_gen where order_id = :order`,
    'report_rows',
    { subject: expect.stringMatching(/leg 9$/) },
  ],
  ...(['all', 'category', 'city', 'category_city', 'product'] as const).flatMap((grain): Damage[] => [
    [
      `a price by sale day in the sums by ${grain}`,
      inSums('sale_price = sale_price + 1', `grain = '${grain}' and period = 'day'`),
      'rollup_sale_days',
      { subject: expect.stringMatching(new RegExp(`^${grain} / `)) },
    ],
    [
      `a count of orders by booked day in the sums by ${grain}`,
      inSums('booked_orders = booked_orders + 1', `grain = '${grain}' and period = 'day'`),
      'rollup_booked_days',
      { subject: expect.stringMatching(new RegExp(`^${grain} / `)) },
    ],
    [
      `a tax of a month in the sums by ${grain}`,
      inSums('sale_tax = sale_tax + 1', `grain = '${grain}' and period = 'month'`),
      'rollup_sale_periods',
      { subject: expect.stringMatching(new RegExp(`^${grain} / .* / month$`)) },
    ],
    [
      `units of all time in the sums by ${grain}`,
      inSums('booked_quantity = booked_quantity - 1', `grain = '${grain}' and period = 'lifetime'`),
      'rollup_booked_periods',
      { subject: expect.stringMatching(new RegExp(`^${grain} / .* / lifetime$`)) },
    ],
  ]),
  [
    'a missing sum',
    `delete from sales_rollups where grain = 'city' and period = 'day'`,
    'rollup_sale_days',
    { actual: '0 / 0 / 0 / 0 / 0' },
  ],
  [
    'a total',
    'update orders set subtotal = subtotal - 1, total_price = total_price - 1 where order_id = :order',
    'order_totals',
    { expected: expect.stringMatching(/^1999 /), actual: expect.stringMatching(/^2000 /) },
  ],
  [
    'what was taken back',
    'update orders set cancelled_total = 1 where order_id = :order',
    'order_totals',
    { expected: expect.stringMatching(/ 1 taken back$/), actual: expect.stringMatching(/ 0 taken back$/) },
  ],
  [
    'an adjustment',
    `update orders set adjustments = '[]' where order_id = :order`,
    'order_adjustments',
    { subject: expect.stringMatching(/order \d+$/) },
  ],
  [
    'a quantity of a line',
    'update order_line_items set quantity_shipped = 1 where order_id = :order',
    'history_replay',
    { subject: expect.stringContaining('order ') },
  ],
  [
    'a shipment',
    `update order_shipments set "lines" = '[{"line_no": 1, "quantity": 2}]' where order_id <> :order`,
    'order_shipments',
    { subject: expect.stringMatching(/^line 1 of order/), expected: '1', actual: '2' },
  ],
  [
    'what was paid',
    'update orders set paid_total = paid_total + 1 where order_id = :order',
    'order_payments',
    { expected: '2476 - 0', actual: '2475 - 0' },
  ],
  [
    'a payment',
    'update order_payments set captured = captured - 1 where order_id = :order',
    'order_payments',
    { expected: '2475 - 0', actual: '2474 - 0' },
  ],
  ['a version', 'update orders set version = 7 where order_id = :order', 'history_dense', { expected: '1..7 (7)' }],
  [
    'the hash of an order',
    // A byte in the words of both.
    `update orders set history_hash = '0' where order_id = :order`,
    'history_chain',
    { subject: expect.stringMatching(/^order \d+, version 3$/), actual: '30' },
  ],
  [
    'a reason in the history',
    `update order_history set actor = 'somebody' where version = 2`,
    'history_chain',
    { subject: expect.stringMatching(/^order \d+, version 2$/) },
  ],
  ['a reservation', ofCamera('reserved = reserved - 1'), 'stock_reserved', { subject: 'product camera at main' }],
  [
    'a cart hold',
    `update stock_reservation_items set quantity = quantity + 1`,
    'stock_reserved',
    { subject: 'product camera at main' },
  ],
  ['the stock on hand', ofCamera('on_hand = on_hand - 1'), 'stock_moves', { subject: 'product camera at main' }],
  [
    'the head of the log',
    `update log_head set last_event_id = last_event_id + 1 where log = 'orders' and shard = 0`,
    'log_contiguous',
    { subject: 'shard 0' },
  ],
]

for (const engine of orderEngines()) {
  describe(`verify orders on ${engine.name}`, () => {
    let bench: OrderBench
    let orderId: string
    const costs = {
      shipping: [{ label: 'Post', amount: 250 }],
      taxes: [{ label: 'VAT', rate: '10', shipping: true }],
    }
    beforeAll(async () => {
      bench = await openOrderBench(engine)
      await bench.product('camera', 100)
      const order = await bench.pay(await bench.place([{ product_id: 'camera', quantity: 2 }], costs))
      orderId = order.order_id
      await bench.place([{ product_id: 'camera', quantity: 1 }], { shipping_address: SOMEWHERE })
      const shipped = await bench.pay(await bench.place([{ product_id: 'camera', quantity: 3 }], costs))
      await bench.orders.ship(shipped.order_id, { items: [{ line_no: 1, quantity: 1 }] })
      await bench.orders.reserve({ items: [{ product_id: 'camera', quantity: 2 }] })
      await bench.fold()
    })
    afterAll(() => bench.close())

    it('finds nothing where everything agrees, also while events wait to be folded', async () => {
      expect(await bench.orders.verifyOrders()).toMatchObject({ ok: true, problems: [], lag: 0 })
      await bench.pay(await bench.place([{ product_id: 'camera', quantity: 1 }]))
      expect(await bench.orders.verifyOrders()).toMatchObject({ ok: true, problems: [], lag: 2 })
      await bench.fold()
      const verified = await bench.orders.verifyOrders()
      expect(verified).toMatchObject({ ok: true, lag: 0 })
      expect(verified.checks.filter(({ compared }) => compared === 0).map(({ name }) => name)).toEqual([
        'report_quarantine',
      ])
    })

    it('raises no false alarm while orders come, change and are folded', { timeout: 60_000 }, async () => {
      const { ports, orders } = bench
      const metrics = createMetrics()
      const projectors = ports.projections.map((projection) =>
        startProjector({ store: ports.log, projection, logger: silentLogger, metrics, pollMs: 5 }),
      )
      let writing = true
      let written = 0
      const writer = async () => {
        while (writing) {
          const order = await bench.pay(await bench.place([{ product_id: 'lamp', quantity: 2 }], costs))
          await orders.cancel(order.order_id, { items: [{ line_no: 1, quantity: 1 }] })
          await orders.ship(order.order_id)
          written += 1
        }
      }
      await bench.product('lamp', 1_000_000)
      const writers = Array.from({ length: 3 }, writer)
      for (let look = 0; look < 6 || written < 6; look++) expect((await orders.verifyOrders()).problems).toEqual([])
      writing = false
      await Promise.all(writers)
      for (const projector of projectors) await projector.close()
      await bench.fold()
      expect(await orders.verifyOrders()).toMatchObject({ problems: [], lag: 0 })
      expect(written).toBeGreaterThan(3)
    })

    for (const [what, statement, check, problem] of DAMAGES) {
      it(`names ${what} that was changed`, async () => {
        let report: OrdersVerified | undefined
        // Within the transaction of the damage, so that the next test finds everything as it was.
        await orderTables(engine, bench.database).spoil(statement.replaceAll(':order', orderId), async (view) => {
          report = await verifyView(view)
        })
        expect(report?.ok).toBe(false)
        const named = report?.problems.filter((found) => found.check === check)
        expect(named).toContainEqual(expect.objectContaining({ check, ...problem }))
      })
    }
  })
}
