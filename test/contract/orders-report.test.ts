import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { rebuild } from '../../src/log/projector.ts'
import { type OrderBench, openOrderBench, orderEngines } from '../setup/orders.ts'

const NIGHT = Date.parse('2026-03-02T03:30:00Z')
const DAY_MS = 86_400_000
const usd = { currency: 'USD' } as const
const BOSTON = { line1: '2 Side Street', city: 'Boston', country: 'US' }

for (const engine of orderEngines()) {
  describe(`sales report on ${engine.name}`, () => {
    const clock = fakeClock(NIGHT)
    let bench: OrderBench
    let shops = 0
    beforeAll(async () => {
      bench = await openOrderBench(engine, { clock, timeZone: 'America/New_York' })
    })
    afterAll(() => bench.close())

    /** Products and a customer of their own in categories of their own, so that tests share a database. */
    async function openShop() {
      shops += 1
      const name = `shop${shops}`
      const [camera, lens, optics, electronics] = [
        `${name}-camera`,
        `${name}-lens`,
        `${name} optics`,
        `${name} electronics`,
      ]
      await bench.product(camera, 1_000, { category: electronics })
      await bench.product(lens, 1_000, { price: 300, category: optics })
      await bench.orders.createCustomer({ customer_id: name, name: `Customer of ${name}` })
      const place = (items: [string, number][], more = {}) =>
        bench.place(
          items.map(([product_id, quantity]) => ({ product_id, quantity })),
          { customer_id: name, ...more },
        )
      return {
        ...{ name, camera, lens, optics, electronics, place },
        sell: async (items: [string, number][], more = {}) => bench.pay(await place(items, more)),
        total: async (query = {}) =>
          (await bench.orders.salesReport({ product_category: electronics, ...query })).total,
      }
    }

    it('counts a sale when it is paid and takes it back when it is cancelled', async () => {
      const { camera, lens, place, sell, total, optics } = await openShop()
      const pending = await place([[camera, 1]])
      const sold = await sell([
        [camera, 2],
        [lens, 1],
      ])
      await bench.fold()
      expect(await total()).toEqual({ price: 2_000, tax: 0, quantity: 2, orders: 1 })
      expect(await total({ product_category: optics })).toEqual({ price: 300, tax: 0, quantity: 1, orders: 1 })
      await bench.orders.cancel(pending.order_id)
      await bench.orders.cancel(sold.order_id)
      await bench.fold()
      expect(await total()).toEqual({ price: 0, tax: 0, quantity: 0, orders: 0 })
      const rows = await bench.database.rows(
        `select kind, line_no, event_no, price, quantity from daily_sales_report where order_id = ?
         order by event_no, line_no`,
        [BigInt(sold.order_id)],
      )
      expect(rows).toEqual([
        { kind: 'sale', line_no: 1, event_no: 2, price: 2_000n, quantity: 2 },
        { kind: 'sale', line_no: 2, event_no: 2, price: 300n, quantity: 1 },
        { kind: 'cancel', line_no: 1, event_no: 3, price: -2_000n, quantity: -2 },
        { kind: 'cancel', line_no: 2, event_no: 3, price: -300n, quantity: -1 },
      ])
      const ofPending = 'select count(*) as found from daily_sales_report where order_id = ?'
      expect(await bench.database.rows(ofPending, [BigInt(pending.order_id)])).toEqual([{ found: 0n }])
    })

    it('filters and groups', async () => {
      const { camera, lens, optics, electronics, sell, total } = await openShop()
      await sell([
        [camera, 1],
        [lens, 2],
      ])
      await sell([[camera, 3]], { shipping_address: BOSTON })
      await bench.fold()
      const report = await bench.orders.salesReport({ group_by: 'month,category,city' })
      expect(report.currency).toBe('USD')
      expect(report.rows.filter((row) => row.category === electronics || row.category === optics)).toEqual([
        { month: '2026-03', category: electronics, city: 'Boston', price: 3_000, tax: 0, quantity: 3, orders: 1 },
        { month: '2026-03', category: electronics, city: 'New York', price: 1_000, tax: 0, quantity: 1, orders: 1 },
        { month: '2026-03', category: optics, city: 'New York', price: 600, tax: 0, quantity: 2, orders: 1 },
      ])
      expect(await total()).toEqual({ price: 4_000, tax: 0, quantity: 4, orders: 2 })
      expect(await total({ shipping_city: 'Boston' })).toMatchObject({ price: 3_000 })
      // 03:30 UTC is the evening before in New York.
      expect(await total({ from: '2026-03-01', to: '2026-03-01' })).toMatchObject({ price: 4_000 })
      expect(await total({ from: '2026-03-02' })).toEqual({ price: 0, tax: 0, quantity: 0, orders: 0 })
      expect(await total({ to: '2026-02-28' })).toEqual({ price: 0, tax: 0, quantity: 0, orders: 0 })
      for (const query of [{ from: '2026-02-30' }, { group_by: 'week' }, { from: '1.1.2026' }]) {
        await expect(bench.orders.salesReport(query)).rejects.toMatchObject({ code: 'invalid_input' })
      }
    })

    it('books an amount on the day of the store, and keeps the day of the order', async () => {
      const { camera, sell, electronics } = await openShop()
      const order = await sell([[camera, 1]])
      await clock.advance(3 * DAY_MS)
      await bench.orders.cancel(order.order_id)
      await bench.fold()
      const days = async (day_of: 'sale_day' | 'booked_day') => {
        const report = await bench.orders.salesReport({ product_category: electronics, group_by: 'day', day_of })
        return report.rows.map(({ day, price }) => [day, price])
      }
      expect(await days('sale_day')).toEqual([['2026-03-01', 0]])
      expect(await days('booked_day')).toEqual([
        ['2026-03-01', 1_000],
        ['2026-03-04', -1_000],
      ])
    })

    it('never adds up two currencies', async () => {
      const { name, camera, electronics, sell } = await openShop()
      await bench.product(`${name}-shirt`, 10, { currency: 'EUR', price: 500, category: electronics })
      await sell([[camera, 1]])
      await sell([[`${name}-shirt`, 1]])
      await bench.fold()
      const query = { product_category: electronics }
      const mixed = bench.orders.salesReport(query)
      await expect(mixed).rejects.toMatchObject({ code: 'currency_mismatch', data: { currencies: ['EUR', 'USD'] } })
      const euros = await bench.orders.salesReport({ ...query, currency: 'EUR' })
      expect(euros).toMatchObject({ currency: 'EUR', total: { price: 500 } })
    })

    it('compares with the period before, groups that had something only then included', async () => {
      const { camera, lens, optics, electronics, sell } = await openShop()
      await sell([[lens, 1]])
      await sell([[camera, 4]])
      await clock.advance(31 * DAY_MS)
      await sell([[camera, 2]])
      await bench.fold()
      const [from, to] = [new Date(clock.now() - 20 * DAY_MS), new Date(clock.now() + DAY_MS)].map((day) =>
        day.toISOString().slice(0, 10),
      )
      const report = await bench.orders.salesReport({
        from: from!,
        to: to!,
        compare: 'previous',
        group_by: 'category',
        ...usd,
      })
      expect(report.rows.filter(({ category }) => category === optics || category === electronics)).toEqual([
        {
          ...{ category: electronics, price: 2_000, tax: 0, quantity: 2, orders: 1, price_ratio: 0.5 },
          previous: { price: 4_000, tax: 0, quantity: 4, orders: 1 },
        },
        {
          ...{ category: optics, price: 0, tax: 0, quantity: 0, orders: 0, price_ratio: 0 },
          previous: { price: 300, tax: 0, quantity: 1, orders: 1 },
        },
      ])
      expect(report.previous_period?.to).toBe(new Date(Date.parse(from!) - DAY_MS).toISOString().slice(0, 10))
      const best = { ...usd, from: from!, to: to!, top: 1, compare: 'previous', product_id: camera } as const
      expect((await bench.orders.salesReport(best)).rows).toMatchObject([
        { product: camera, product_name: `Name of ${camera}`, price_ratio: 0.5, previous: { quantity: 4 } },
      ])
      await expect(bench.orders.salesReport({ compare: 'previous' })).rejects.toMatchObject({ code: 'invalid_input' })
    })

    it('names the best products, by price or by units', async () => {
      const { name, camera, lens, sell } = await openShop()
      const city = `${name} town`
      const shipping_address = { line1: '1 Way', city, country: 'US' }
      await sell([[camera, 3]], { shipping_address })
      await sell([[lens, 5]], { shipping_address })
      await bench.fold()
      const best = async (by: 'price' | 'quantity') => {
        const { rows } = await bench.orders.salesReport({ shipping_city: city, top: 1, by })
        return rows.map(({ product }) => product)
      }
      expect([await best('price'), await best('quantity')]).toEqual([[camera], [lens]])
      const { rows } = await bench.orders.salesReport({ top: 2, ...usd })
      expect(rows).toHaveLength(2)
      expect(rows[0]!.price).toBeGreaterThanOrEqual(rows[1]!.price)
      for (const wrong of [{ top: 0 }, { by: 'price' as const }, { top: 1, group_by: 'city' }]) {
        await expect(bench.orders.salesReport(wrong)).rejects.toMatchObject({ code: 'invalid_input' })
      }
    })

    it('tells regions, countries and kinds apart', async () => {
      const { camera, electronics, sell } = await openShop()
      const order = await sell([[camera, 3]])
      await sell([[camera, 1]], { shipping_address: BOSTON })
      await bench.orders.cancel(order.order_id, { items: [{ line_no: 1, quantity: 1 }] })
      await bench.fold()
      const ask = async (query: object) =>
        (await bench.orders.salesReport({ product_category: electronics, ...query })).rows
      expect(await ask({ group_by: 'country,region' })).toMatchObject([
        { country: 'US', region: '', price: 1_000, orders: 1 },
        { country: 'US', region: 'NY', price: 2_000, orders: 1 },
      ])
      expect(await ask({ group_by: 'product', kind: 'cancel' })).toMatchObject([
        { price: -1_000, quantity: -1, orders: 1 },
      ])
      expect(await ask({ group_by: 'city', shipping_region: 'NY' })).toMatchObject([{ city: 'New York', quantity: 2 }])
    })

    it('keeps each order on the day of the zone that the store had', async () => {
      const { camera, electronics, sell } = await openShop()
      const order = await sell([[camera, 1]])
      const { orders } = bench.reopen('Asia/Tokyo')
      const place = { customer_id: 'ada', shipping_address: BOSTON, items: [{ product_id: camera, quantity: 1 }] }
      const later = await orders.place(place)
      await orders.recordPayment({
        ...{ order_id: later.order_id, payment_intent_id: `pi_${later.order_id}` },
        ...{ captured: later.total_price, currency: later.currency },
      })
      await orders.cancel(order.order_id)
      await bench.fold()
      const { rows } = await orders.salesReport({ product_category: electronics, group_by: 'day' })
      expect(new Set(rows.map(({ day }) => day)).size).toBe(2)
      expect((await orders.verifyOrders()).problems.filter(({ subject }) => subject.includes(order.order_id))).toEqual(
        [],
      )
    })

    it('says how fresh it is', async () => {
      const { camera, electronics, sell } = await openShop()
      const query = { product_category: electronics }
      await sell([[camera, 1]])
      await bench.fold()
      await clock.advance(1_000)
      const fresh = await bench.orders.salesReport(query)
      expect(fresh.fresh_as_of).toBe(new Date(clock.now()).toISOString())
      await sell([[camera, 1]])
      const soldAt = new Date(clock.now()).toISOString()
      await clock.advance(60_000)
      const stale = await bench.orders.salesReport(query)
      expect(fresh.lag_events).toBe(0)
      expect(stale).toMatchObject({ total: { price: 1_000 }, fresh_as_of: soldAt, lag_events: 2 })
    })

    it('has the same rows after a rebuild, and after folding everything twice', async () => {
      const { camera, lens, sell } = await openShop()
      const order = await sell([
        [camera, 1],
        [lens, 2],
      ])
      await bench.orders.cancel(order.order_id)
      await sell([[lens, 5]])
      await bench.fold()
      const all = 'select * from daily_sales_report order by order_id, event_no, line_no, leg'
      const before = await bench.database.rows(all)
      const { ports } = bench
      const projection = ports.projections[0]!
      await rebuild({ store: ports.log, logger: silentLogger }, projection)
      expect(await bench.database.rows(all)).toEqual(before)
      const { liveGeneration: generation } = await ports.log.projection(projection.name)
      for (const shard of (await ports.log.heads()).keys()) {
        const events = await ports.log.read(shard, 0n, 1_000)
        await ports.log.transaction((tx) => projection.handle({ shard, generation, events }, tx))
      }
      expect(await bench.database.rows(all)).toEqual(before)
      const generations = await bench.database.rows('select distinct generation from daily_sales_report_gen')
      expect(generations).toEqual([{ generation }])
    })

    it('sets aside an order whose leg has no line, and goes on with the others', async () => {
      const { camera, electronics, sell } = await openShop()
      const bad = await sell([[camera, 1]])
      await bench.database.rows('delete from order_line_items where order_id = ?', [BigInt(bad.order_id)])
      const good = await sell([[camera, 2]])
      await bench.fold()
      expect(await bench.orders.salesReport({ product_category: electronics })).toMatchObject({
        total: { price: 2_000 },
      })
      const { problems } = await bench.orders.verifyOrders()
      expect(problems).toContainEqual(
        expect.objectContaining({ check: 'report_quarantine', subject: `order ${bad.order_id}` }),
      )
      expect(problems.filter(({ subject }) => subject === `order ${good.order_id}`)).toEqual([])
    })

    it('forgets the name of an erased customer, and keeps the amounts', async () => {
      const { name, camera, place, sell, total } = await openShop()
      await sell([[camera, 2]])
      await bench.fold()
      const named = `
        select customer_name from daily_sales_report where customer_name = ?
        union all select customer_name from orders where customer_name = ?
        union all select name from customers where name = ?`
      expect(await bench.database.rows(named, Array(3).fill(`Customer of ${name}`))).toHaveLength(3)
      await bench.orders.eraseCustomer(name)
      expect(await total()).toEqual({ price: 2_000, tax: 0, quantity: 2, orders: 1 })
      expect(await bench.database.rows(named, Array(3).fill(`Customer of ${name}`))).toEqual([])
      const [order] = (await bench.orders.list({ customer_id: name })).items
      expect(order?.shipping_address).toEqual({ city: 'New York', region: 'NY', country: 'US' })
      await expect(bench.orders.getCustomer(name)).rejects.toMatchObject({ code: 'customer_not_found' })
      await expect(place([[camera, 1]])).rejects.toMatchObject({ code: 'customer_not_found' })
    })
  })
}
