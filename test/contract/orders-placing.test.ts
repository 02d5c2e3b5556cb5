import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import type { PlaceOrder } from '../../src/orders/schemas.ts'
import { type OrderBench, openOrderBench, orderEngines, SOMEWHERE } from '../setup/orders.ts'

const refused = (code: string, data: object = {}) =>
  expect.objectContaining({ code, data: expect.objectContaining(data) })

for (const engine of orderEngines()) {
  describe(`placing orders on ${engine.name}`, () => {
    const clock = fakeClock(Date.UTC(2026, 2, 1, 12))
    let bench: OrderBench
    beforeAll(async () => {
      bench = await openOrderBench(engine, { clock })
      await bench.product('camera', 1_000)
      await bench.product('lens', 1_000, { price: 333, category: 'Optics' })
      await bench.product('book', 1_000, { price: 1_190, category: 'Books' })
    })
    afterAll(() => bench.close())

    const one = (product_id: string, quantity = 1) => [{ product_id, quantity }]
    /** Is stored as it was answered, with a state that is the fold of its history. */
    async function placed(items: PlaceOrder['items'], more: Partial<PlaceOrder> = {}) {
      const order = await bench.place(items, more)
      expect(await bench.orders.get(order.order_id)).toEqual(order)
      return order
    }

    describe('discounts, shipping and taxes', () => {
      it('make the total, are kept as they were rounded, and say how it came about', async () => {
        const order = await placed([...one('camera', 2), ...one('lens')], {
          discounts: [
            { code: 'SPRING', type: 'percentage', value: '10' },
            { type: 'fixed', value: 100, label: 'Voucher' },
            { type: 'percentage', value: '50', target: 'shipping' },
          ],
          shipping: [{ label: 'Parcel', amount: 900 }],
          taxes: [
            { label: 'Sales tax', rate: '8.875', shipping: true },
            { label: 'Glass levy', rate: '1', product_category: 'Optics' },
          ],
          expected_total: 2_670,
        })
        expect(order.items).toMatchObject([
          { discount: 286, amount: 1_714, tax: 152 },
          { discount: 47, amount: 286, tax: 28 },
        ])
        expect(order).toMatchObject({
          subtotal: 2_000,
          discount_total: 333,
          shipping_total: 450,
          tax_total: 220,
          total_price: 2_670,
        })
      })

      it('keep included taxes out of the amounts', async () => {
        const order = await placed(one('book', 3), {
          prices_include_tax: true,
          taxes: [{ label: 'VAT', rate: '19', shipping: true }],
          shipping: [{ label: 'Parcel', amount: 595 }],
        })
        expect(order.items).toMatchObject([{ amount: 3_000, tax: 570, price_at_time_of_purchase: 1_190 }])
        expect(order).toMatchObject({ subtotal: 3_000, shipping_total: 500, tax_total: 665, total_price: 4_165 })
      })

      it('are refused where they make no sense', async () => {
        const wrong: [Partial<PlaceOrder>, string][] = [
          [{ discounts: [{ type: 'percentage', value: '100.5' }] }, '/discounts/0/value'],
          [{ discounts: [{ type: 'percentage', value: 'ten' }] }, '/discounts/0/value'],
          [{ discounts: [{ type: 'fixed', value: '5' }] }, '/discounts/0/value'],
          [{ discounts: [{ type: 'fixed', value: -5 }] }, '/discounts/0/value'],
          [{ discounts: [{ type: 'fixed', value: 5, product_id: 'lens' }] }, '/discounts/0/product_id'],
          [{ taxes: [{ label: 'VAT', rate: '1e3' }] }, '/taxes/0/rate'],
          [{ shipping: Array.from({ length: 21 }, () => ({ label: 'Parcel', amount: 1 })) }, '/shipping'],
          [{ gift: { message: 'x'.repeat(1_001) } }, '/gift/message'],
          [{ customer_id: 'ada', guest: { name: 'Eve' } }, '/customer_id'],
        ]
        for (const [more, pointer] of wrong) {
          const error = await bench.place(one('camera'), more).catch((thrown) => thrown)
          expect(error).toMatchObject({ code: 'invalid_input', fields: [{ pointer }] })
        }
        await expect(bench.place(one('camera'), { currency: 'XXX' })).rejects.toEqual(refused('unknown_currency'))
      })

      it('of an order that costs more than the limit are refused', async () => {
        const dear = { prices_include_tax: false, taxes: [{ label: 'Tax', rate: '100' }] }
        await bench.product('villa', 5, { price: 600_000_000_000 })
        await expect(bench.place(one('villa'), dear)).rejects.toEqual(refused('invalid_input'))
        await expect(bench.place(one('villa', 2))).rejects.toEqual(refused('invalid_input'))
      })
    })

    it('keeps gift, note, billing and metadata as they were given', async () => {
      const more = {
        gift: { message: 'For you', from: 'Charles', to: 'Ada', wrap: true },
        note: 'Leave it with the neighbour',
        billing: { company: 'Engines Ltd', tax_id: 'GB1', email: 'bill@example.com', city: 'London' },
        metadata: { source: 'app' },
      }
      expect(await placed(one('camera'), more)).toMatchObject(more)
    })

    it('makes a guest a customer of his own, who can be read and erased', async () => {
      const guest = { name: 'Grace Hopper', email: 'grace@example.com' }
      const input = { guest, shipping_address: SOMEWHERE, items: one('camera') }
      const first = await bench.orders.place(input, { idempotencyKey: 'guest' })
      expect(await bench.orders.place(input, { idempotencyKey: 'guest' })).toEqual(first)
      expect(await bench.orders.getCustomer(first.customer_id)).toMatchObject({ ...guest, guest: true })
      const second = await bench.orders.place({ ...input, guest: { name: 'Grace Hopper' } })
      expect(second.customer_id).not.toBe(first.customer_id)
      const listed = await bench.orders.listCustomers({ limit: 100 })
      const ids = listed.items.map((customer) => customer.customer_id)
      expect(ids).toEqual(expect.arrayContaining(['ada', first.customer_id, second.customer_id]))
      const away = { guest, shipping_address_id: 'adr_1', items: one('camera') }
      await expect(bench.orders.place(away)).rejects.toEqual(refused('invalid_input'))
    })

    it('sells a product in each of its currencies, at the price it has there', async () => {
      await bench.orders.createProduct({
        ...{ product_id: 'pen', sku: 'pen', name: 'Pen', category: 'Office', price: 500, currency: 'USD', stock: 50 },
        prices: { EUR: 450, JPY: 70 },
      })
      expect(await placed(one('pen', 2))).toMatchObject({ currency: 'USD', total_price: 1_000 })
      expect(await placed(one('pen', 2), { currency: 'EUR' })).toMatchObject({ currency: 'EUR', total_price: 900 })
      const changed = await bench.orders.changeProduct('pen', { prices: { EUR: 440, JPY: null, GBP: 400 } })
      expect(changed).toMatchObject({ price: 500, prices: { EUR: 440, GBP: 400 } })
      expect(await placed(one('pen'), { currency: 'EUR', expected_total: 440 })).toMatchObject({ total_price: 440 })
      const yen = bench.place(one('pen'), { currency: 'JPY' })
      const currencies = { product_id: 'pen', product_currencies: ['USD', 'EUR', 'GBP'], order_currency: 'JPY' }
      await expect(yen).rejects.toEqual(refused('currency_mismatch', currencies))
      const { items } = await bench.orders.listPrices('pen')
      expect(items.map(({ product_version, currency, price }) => [product_version, currency, price])).toEqual([
        [2, 'EUR', 440],
        [2, 'GBP', 400],
        [2, 'JPY', null],
        [1, 'EUR', 450],
        [1, 'JPY', 70],
        [1, 'USD', 500],
      ])
      const own = bench.orders.changeProduct('pen', { prices: { USD: 1 } })
      await expect(own).rejects.toEqual(refused('invalid_input'))
      const unknown = bench.orders.changeProduct('pen', { prices: { XXX: 1 } })
      await expect(unknown).rejects.toEqual(refused('unknown_currency'))
    })

    it('believes no old price that refuses an order, also when another process changed it', async () => {
      await bench.product('clock', 50)
      await placed(one('clock'))
      const other = { actor: 'other', atMs: clock.now(), key: undefined }
      await bench.ports.catalogue.change('clock', 1, { price: 900n, prices: { EUR: 800n } }, other)
      await placed(one('clock'), { expected_total: 900 })
      await bench.ports.catalogue.change('clock', 2, { prices: { EUR: 850n } }, other)
      await placed(one('clock'), { currency: 'EUR', expected_total: 850 })
      await bench.ports.catalogue.change('clock', 3, { active: false }, other)
      await expect(bench.place(one('clock'))).rejects.toEqual(refused('product_inactive'))
      await bench.ports.catalogue.change('clock', 4, { active: true }, other)
      await placed(one('clock'))
    })

    describe('from several locations', () => {
      beforeAll(async () => {
        await bench.orders.putLocation('main', { name: 'Main', priority: 10, active: true })
        await bench.orders.putLocation('east', { name: 'East', priority: 1, active: true })
        await bench.orders.putLocation('closed', { name: 'Closed', priority: 0, active: false })
      })
      afterAll(async () => {
        await bench.orders.putLocation('east', { name: 'East', priority: 1, active: false })
      })

      let products = 0
      /** A product with so many units at each location. */
      async function stocked(units: Record<string, number>): Promise<string> {
        products += 1
        const id = `at-${products}`
        await bench.product(id, units['main'] ?? 0)
        for (const [location_id, on_hand] of Object.entries(units)) {
          await bench.orders.setStock(id, { on_hand, location_id })
        }
        return id
      }
      const locationsOf = async (items: PlaceOrder['items'], more: Partial<PlaceOrder> = {}) =>
        (await placed(items, more)).items.map((item) => item.location_id)

      it('takes units from the first by priority that has enough, and is active', async () => {
        const id = await stocked({ east: 3, main: 5, closed: 50 })
        expect(await locationsOf(one(id, 2))).toEqual(['east'])
        expect(await locationsOf(one(id, 2))).toEqual(['main'])
        expect(await locationsOf(one(id, 1))).toEqual(['east'])
        expect(await bench.orders.getStock(id)).toMatchObject({
          ...{ on_hand: 58, reserved: 5, available: 53 },
          locations: [{ location_id: 'closed' }, { location_id: 'east', available: 0 }, { location_id: 'main' }],
        })
      })

      it('refuses when no location has enough alone, and names the largest number there is', async () => {
        const id = await stocked({ east: 3, main: 5 })
        const short = { product_id: id, requested: 6, available: 5 }
        await expect(bench.place(one(id, 6))).rejects.toEqual(refused('insufficient_stock', short))
      })

      it('takes units from the location that is named, also when another is nearer', async () => {
        const id = await stocked({ east: 9, main: 9 })
        expect(await locationsOf(one(id, 2), { location_id: 'main' })).toEqual(['main'])
        const items = [
          { product_id: id, quantity: 2, location_id: 'main' },
          { product_id: id, quantity: 1 },
          { product_id: id, quantity: 3, location_id: 'main' },
        ]
        expect(await locationsOf(items)).toEqual(['main', 'east'])
        const short = { product_id: id, location_id: 'main', requested: 3, available: 2 }
        const named = bench.place(one(id, 3), { location_id: 'main' })
        await expect(named).rejects.toEqual(refused('insufficient_stock', short))
        const nowhere = bench.place(one(id), { location_id: 'nowhere' })
        await expect(nowhere).rejects.toEqual(refused('location_not_found'))
        await expect(bench.place(one(id), { location_id: 'closed' })).rejects.toEqual(refused('invalid_input'))
      })

      it('serves a crowd from one location after the other until all are empty', async () => {
        const id = await stocked({ east: 20, main: 15 })
        const results = await Promise.allSettled(Array.from({ length: 50 }, () => bench.place(one(id))))
        expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(35)
        for (const result of results) {
          if (result.status === 'rejected') {
            expect(result.reason).toEqual(refused('insufficient_stock', { product_id: id, requested: 1, available: 0 }))
          }
        }
        expect(await bench.orders.getStock(id)).toMatchObject({ on_hand: 35, reserved: 35, available: 0 })
      })

      it('sees what another process changed a moment later, or when it finds too little', async () => {
        const id = await stocked({ east: 0, main: 5 })
        expect(await locationsOf(one(id))).toEqual(['main'])
        const other = { actor: 'other', atMs: clock.now(), key: undefined }
        await bench.ports.stock.setOnHand(id, 'east', 9, other)
        expect(await locationsOf(one(id, 8))).toEqual(['east'])
        await bench.ports.stock.setOnHand(id, 'east', 30, other)
        await clock.advance(1_001)
        expect(await locationsOf(one(id))).toEqual(['east'])
      })

      it('takes the units of a hold from where they are held', async () => {
        const id = await stocked({ east: 5, main: 5 })
        const items = [{ product_id: id, quantity: 2, location_id: 'main' }]
        const { reservation_id } = await bench.orders.reserve({ items })
        expect(await locationsOf(one(id, 3), { reservation_id })).toEqual(['main'])
        expect(await bench.orders.getStock(id)).toMatchObject({
          locations: [{ reserved: 0 }, { location_id: 'main', reserved: 3 }],
        })
      })
    })

    describe('cart holds', () => {
      let id = ''
      let products = 0
      beforeEach(async () => {
        products += 1
        id = `held-${products}`
        await bench.product(id, 5)
      })

      it('keep units for the order that brings them', async () => {
        const hold = await bench.orders.reserve({ items: one(id, 4), expires_in_seconds: 60 })
        expect(hold).toMatchObject({ status: 'held', items: [{ product_id: id, location_id: 'main', quantity: 4 }] })
        const short = { product_id: id, requested: 2, available: 1 }
        await expect(bench.place(one(id, 2))).rejects.toEqual(refused('insufficient_stock', short))
        const order = await placed(one(id, 5), { reservation_id: hold.reservation_id })
        const { order_id } = order
        expect(await bench.orders.getReservation(hold.reservation_id)).toMatchObject({ status: 'ordered', order_id })
        const { items } = await bench.orders.history(order_id)
        expect(items[0]?.details).toMatchObject({ reservation_id: hold.reservation_id })
        const again = bench.place(one(id), { reservation_id: hold.reservation_id })
        await expect(again).rejects.toEqual(refused('reservation_gone'))
        await expect(bench.place(one(id), { reservation_id: '12' })).rejects.toEqual(refused('reservation_not_found'))
      })

      it('put items of one product together, and name them in one order', async () => {
        await bench.product('a-held', 9)
        const items = [...one(id), ...one('a-held', 2), ...one(id, 2)]
        const hold = await bench.orders.reserve({ items })
        expect(hold.items).toEqual([
          { product_id: 'a-held', location_id: 'main', quantity: 2 },
          { product_id: id, location_id: 'main', quantity: 3 },
        ])
        expect(await bench.orders.getReservation(hold.reservation_id)).toEqual(hold)
        await bench.orders.releaseReservation(hold.reservation_id)
      })

      it('answer a repeat of hold or order with the first answer', async () => {
        const reserve = () => bench.orders.reserve({ items: one(id, 4) }, { idempotencyKey: `hold-${id}` })
        const hold = await reserve()
        const order = () => bench.place(one(id, 4), { reservation_id: hold.reservation_id }, `order-${id}`)
        const first = await order()
        expect(await order()).toEqual(first)
        expect(await reserve()).toEqual(hold)
        await bench.orders.changeProduct(id, { active: false })
        expect(await reserve()).toEqual(hold)
      })

      it('end when they are released or their time is over, and not before', async () => {
        const { reservation_id: released } = await bench.orders.reserve({ items: one(id, 2) })
        const { reservation_id: over } = await bench.orders.reserve({ items: one(id, 3), expires_in_seconds: 60 })
        expect(await bench.orders.releaseReservation(released)).toMatchObject({ status: 'released' })
        await clock.advance(59_999)
        await bench.orders.expireReservations()
        expect(await bench.orders.getReservation(over)).toMatchObject({ status: 'held' })
        await clock.advance(1)
        expect(await bench.orders.getReservation(over)).toMatchObject({ status: 'expired' })
        expect(await bench.orders.getStock(id)).toMatchObject({ reserved: 3 })
        await expect(bench.place(one(id), { reservation_id: over })).rejects.toEqual(refused('reservation_gone'))
        expect(await bench.orders.expireReservations()).toBeGreaterThan(0)
        expect(await bench.orders.getStock(id)).toMatchObject({ reserved: 0 })
        await expect(bench.orders.getReservation('x')).rejects.toEqual(refused('reservation_not_found'))
      })

      it('can be listed as moves of the stock', async () => {
        const { reservation_id } = await bench.orders.reserve({ items: one(id, 2) })
        await bench.orders.releaseReservation(reservation_id)
        const page = await bench.orders.listStockMoves(id, { limit: 2 })
        expect(page.items).toMatchObject([
          { kind: 'unhold', reserved_delta: -2, source_id: reservation_id, source_version: 2 },
          { kind: 'hold', reserved_delta: 2, source_id: reservation_id, source_version: 1 },
        ])
        const rest = await bench.orders.listStockMoves(id, { cursor: page.next_cursor })
        expect(rest.items).toMatchObject([{ kind: 'adjust', on_hand_delta: 5 }])
        expect(rest.next_cursor).toBeUndefined()
        await expect(bench.orders.listStockMoves('nothing')).rejects.toEqual(refused('product_not_found'))
      })
    })
  })
}
