import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import type { OrderDocument } from '../../src/orders/schemas.ts'
import { orderTables } from '../setup/order-tables.ts'
import { type OrderBench, openOrderBench, orderEngines, SOMEWHERE } from '../setup/orders.ts'

const NOON = Date.UTC(2026, 2, 1, 12)
const OSLO = { line1: '2 Side Street', city: 'Oslo', country: 'NO' }

for (const engine of orderEngines()) {
  describe(`the life of an order on ${engine.name}`, () => {
    const clock = fakeClock(NOON)
    let bench: OrderBench
    beforeAll(async () => {
      bench = await openOrderBench(engine, { clock })
      await bench.product('camera', 1_000)
      await bench.product('lens', 1_000, { price: 333, category: 'Optics' })
    })
    afterAll(() => bench.close())

    const refused = (code: string, data: object = {}) =>
      expect.objectContaining({ code, data: expect.objectContaining(data) })
    const items = (...list: [line_no: number, quantity: number][]) =>
      list.map(([line_no, quantity]) => ({ line_no, quantity }))
    const stockOf = async (product: string) => {
      const [level] = await bench.ports.stock.levels([product])
      return [level!.onHand, level!.reserved]
    }
    /** Three cameras and two lenses, 36.66. */
    const placed = () =>
      bench.place([
        { product_id: 'camera', quantity: 3 },
        { product_id: 'lens', quantity: 2 },
      ])
    const paid = async () => bench.pay(await placed())
    const pay = ({ order_id, currency, paid_total, amount_due }: OrderDocument) =>
      bench.orders.recordPayment({
        ...{ order_id, currency, payment_intent_id: `pi_${order_id}` },
        captured: paid_total + amount_due,
      })

    /** Runs commands, a minute apart; after each the order as it is must be the answer. Answers all answers. */
    async function live(order: OrderDocument, ...commands: ((id: string) => Promise<OrderDocument>)[]) {
      const answers = [order]
      for (const command of commands) {
        await clock.advance(60_000)
        const answer = await command(order.order_id)
        expect(await bench.orders.get(order.order_id)).toEqual(answer)
        answers.push(answer)
      }
      return answers
    }

    it('shows at every version and moment exactly what it was then', async () => {
      const { orders } = bench
      const answers = await live(
        await placed(),
        (id) => orders.edit(id, { add_items: [{ product_id: 'camera', quantity: 1 }], remove_items: items([2, 1]) }),
        (id) => orders.changeShippingAddress(id, { shipping_address: OSLO }),
        async (id) => pay(await orders.get(id)),
        (id) => orders.changeShippingAddress(id, { shipping_address: SOMEWHERE }),
        (id) => orders.ship(id, { items: items([1, 2]), carrier: 'DHL', tracking_number: '17' }),
        (id) => orders.changeShipment(id, 1, { tracking_url: 'https://example.com/17' }),
        (id) => orders.cancel(id, { items: items([1, 1]), reason: 'too many' }),
        (id) => orders.ship(id, { carrier: 'UPS' }),
        (id) => orders.deliver(id, { shipment_no: 2 }),
        (id) => orders.returnItems(id, { items: items([2, 1]), restock: false }),
        (id) => orders.recordRefund({ ...pi(id), refunded: 1_333 }),
        (id) => orders.deliver(id),
        (id) => orders.returnItems(id, { items: items([1, 2], [3, 1]), refund_shipping: true }),
      )
      for (const answer of answers) {
        const asOf = (text: string) => orders.get(answer.order_id, { asOf: text })
        expect(await asOf(String(answer.version))).toEqual(answer)
        expect(await asOf(answer.updated_at)).toEqual(answer)
        const later = new Date(Date.parse(answer.updated_at) + 59_999).toISOString()
        expect(await asOf(later)).toEqual(answer)
      }
      expect(answers.at(-1)).toMatchObject({
        ...{ status: 'DELIVERED', fulfillment_status: 'returned', payment_status: 'refund_due' },
        ...{ total_price: 4_666, cancelled_total: 1_333, returned_total: 3_333, owed_total: 0 },
        ...{ paid_total: 4_333, refunded_total: 1_333, refund_due: 3_000, amount_due: 0 },
        shipments: [
          {
            ...{ shipment_no: 1, status: 'delivered', carrier: 'DHL', tracking_number: '17' },
            ...{ tracking_url: 'https://example.com/17', items: [{ line_no: 1, quantity: 2 }] },
            ...{ shipped_at: answers[5]!.updated_at, delivered_at: answers[12]!.updated_at },
          },
          { shipment_no: 2, carrier: 'UPS', delivered_at: answers[9]!.updated_at },
        ],
      })
    })
    const pi = (order_id: string) => ({ order_id, payment_intent_id: `pi_${order_id}`, currency: 'USD' })

    it('moves the stock with units: reserved, shipped, free again, back again', async () => {
      await bench.product('book', 10)
      const [first] = await live(await bench.place([{ product_id: 'book', quantity: 6 }]))
      const { orders } = bench
      const steps: [(id: string) => Promise<OrderDocument>, number[]][] = [
        [(id) => orders.edit(id, { add_items: [{ product_id: 'book', quantity: 3 }] }), [10, 9]],
        [(id) => orders.edit(id, { remove_items: items([1, 2], [2, 1]) }), [10, 6]],
        [async (id) => pay(await orders.get(id)), [10, 6]],
        [(id) => orders.ship(id, { items: items([1, 2]) }), [8, 4]],
        [(id) => orders.cancel(id, { items: items([1, 1], [2, 1]) }), [8, 2]],
        [(id) => orders.ship(id), [6, 0]],
        [(id) => orders.returnItems(id, { items: items([1, 1]) }), [7, 0]],
        [(id) => orders.returnItems(id, { items: items([1, 1]), restock: false }), [7, 0]],
        [(id) => orders.deliver(id), [7, 0]],
      ]
      for (const [command, expected] of steps) {
        await command(first!.order_id)
        expect(await stockOf('book')).toEqual(expected)
      }
    })

    it('names lines by number or by id', async () => {
      const order = await paid()
      const [, second] = order.items
      const shipped = await bench.orders.ship(order.order_id, {
        items: [
          { line_item_id: second!.line_item_id, quantity: 1 },
          { line_no: 2, quantity: 1 },
        ],
      })
      expect(shipped.items.map((item) => item.quantity_shipped)).toEqual([0, 2])
      const other = (await placed()).items[0]!.line_item_id
      const ship = (item: object) => bench.orders.ship(order.order_id, { items: [{ quantity: 1, ...item }] })
      await expect(ship({ line_item_id: other })).rejects.toEqual(refused('unknown_order_line'))
      await expect(ship({ line_item_id: `${order.order_id}-x` })).rejects.toEqual(refused('unknown_order_line'))
      await expect(ship({ line_no: 7 })).rejects.toEqual(refused('unknown_order_line', { line_no: 7 }))
      await expect(ship({})).rejects.toEqual(refused('invalid_input'))
      await expect(ship({ line_no: 1, line_item_id: second!.line_item_id })).rejects.toEqual(refused('invalid_input'))
    })

    describe('an edit', () => {
      const lens = { product_id: 'lens', quantity: 1 }

      it('adds lines at the prices of now, with the taxes of the order', async () => {
        await bench.product('bag', 10, { price: 1_000 })
        const order = await bench.place([{ product_id: 'bag', quantity: 1 }], {
          taxes: [{ label: 'VAT', rate: '20' }],
        })
        await bench.orders.changeProduct('bag', { price: 500, name: 'Bag II' })
        const edited = await bench.orders.edit(order.order_id, { add_items: [{ product_id: 'bag', quantity: 2 }] })
        expect(edited).toMatchObject({
          ...{ subtotal: 2_000, tax_total: 400, total_price: 2_400, amount_due: 2_400 },
          items: [
            { line_no: 1, quantity: 1, amount: 1_000, tax: 200, product_name: 'Name of bag' },
            { line_no: 2, quantity: 2, amount: 1_000, tax: 200, product_name: 'Bag II' },
          ],
          adjustments: [
            { kind: 'tax', label: 'VAT', rate: '20', line_no: 1, amount: 200 },
            { kind: 'tax', label: 'VAT', rate: '20', line_no: 2, amount: 200 },
          ],
        })
        expect(await bench.orders.get(order.order_id, { asOf: '1' })).toEqual(order)
      })

      it('sells at the price of the moment, also when another process has just set it', async () => {
        await bench.product('mug', 10)
        const order = await bench.place([{ product_id: 'mug', quantity: 1 }])
        const other = { actor: 'other', atMs: NOON, key: undefined }
        await bench.ports.catalogue.change('mug', 1, { price: 700n }, other)
        const add_items = [{ product_id: 'mug', quantity: 1 }]
        const edit = (expected_total: number) => bench.orders.edit(order.order_id, { add_items, expected_total })
        await expect(edit(2_000)).rejects.toEqual(refused('price_changed', { actual_total: 1_700 }))
        expect(await edit(1_700)).toMatchObject({ owed_total: 1_700 })
      })

      it('adds nothing that is not there, not for sale, or sold in another currency', async () => {
        const order = await placed()
        await bench.product('rare', 1)
        await bench.product('foreign', 1, { currency: 'EUR' })
        await bench.product('gone', 1)
        await bench.orders.changeProduct('gone', { active: false })
        const add = (product_id: string, quantity = 1) =>
          bench.orders.edit(order.order_id, { add_items: [{ product_id, quantity }], remove_items: items([1, 1]) })
        const short = { product_id: 'rare', requested: 2, available: 1 }
        await expect(add('rare', 2)).rejects.toEqual(refused('insufficient_stock', short))
        await expect(add('foreign')).rejects.toEqual(refused('currency_mismatch'))
        await expect(add('gone')).rejects.toEqual(refused('product_inactive'))
        await expect(add('none')).rejects.toEqual(refused('product_not_found'))
        expect(await bench.orders.get(order.order_id)).toEqual(order)
        await expect(bench.orders.edit(order.order_id, {})).rejects.toEqual(refused('invalid_input'))
      })

      it('is made once per key, however often it is asked for', async () => {
        const order = await placed()
        const context = { idempotencyKey: `edit-${order.order_id}` }
        const edit = () => bench.orders.edit(order.order_id, { add_items: [lens] }, context)
        const answers = await Promise.all([edit(), edit(), edit()])
        for (const answer of answers) expect(answer).toEqual(answers[0])
        expect(await edit()).toEqual(answers[0])
        expect(await bench.orders.get(order.order_id)).toMatchObject({ version: 2, items: [{}, {}, lens] })
      })

      it('makes a paid order dearer, which is shipped when the rest is paid', async () => {
        const order = await paid()
        const id = order.order_id
        const dearer = await bench.orders.edit(id, { add_items: [lens] })
        expect(dearer).toMatchObject({ status: 'PAID', payment_status: 'partially_paid', amount_due: 333 })
        await expect(bench.orders.ship(id)).rejects.toEqual(refused('order_not_paid', { amount_due: 333 }))
        await expect(bench.orders.checkPayable(id, 333, 'USD')).resolves.toBeUndefined()
        await pay(dearer)
        await expect(bench.orders.checkPayable(id, 333, 'USD')).rejects.toEqual(refused('illegal_transition'))
        expect(await bench.orders.ship(id)).toMatchObject({ status: 'SHIPPED' })
      })

      it('puts what it adds of one product into one line', async () => {
        const order = await placed()
        const add_items = Array.from({ length: 199 }, () => ({ ...lens, location_id: 'main' }))
        expect((await bench.orders.edit(order.order_id, { add_items })).items).toHaveLength(3)
      })
    })

    describe('another address', () => {
      it('replaces the one before, and can be one of the addresses of the customer', async () => {
        const order = await paid()
        const { address_id } = await bench.orders.addAddress('ada', { ...OSLO, name: 'Ada' })
        const moved = await bench.orders.changeShippingAddress(order.order_id, { shipping_address_id: address_id })
        expect(moved).toMatchObject({ version: 3, shipping_address_id: address_id, shipping_address: OSLO })
        const same = await bench.orders.changeShippingAddress(order.order_id, { shipping_address_id: address_id })
        expect(same).toEqual(moved)
        const back = await bench.orders.changeShippingAddress(order.order_id, { shipping_address: SOMEWHERE })
        expect(back).not.toHaveProperty('shipping_address_id')
        expect(await bench.orders.get(order.order_id, { asOf: '3' })).toEqual(moved)
        expect(await bench.orders.get(order.order_id, { asOf: '2' })).toEqual(order)
      })

      it('must be one, and of this customer', async () => {
        const { order_id: id } = await placed()
        await bench.orders.createCustomer({ customer_id: 'eve', name: 'Eve' })
        const { address_id } = await bench.orders.addAddress('eve', OSLO)
        const move = (input: object) => bench.orders.changeShippingAddress(id, input)
        await expect(move({ shipping_address_id: address_id })).rejects.toEqual(refused('address_not_found'))
        await expect(move({})).rejects.toEqual(refused('invalid_input'))
        await expect(move({ shipping_address_id: address_id, shipping_address: OSLO })).rejects.toEqual(
          refused('invalid_input'),
        )
      })
    })

    it('settles an order that costs nothing at once, and repeats the same answer', async () => {
      await bench.product('sample', 10, { price: 0 })
      const place = () => bench.place([{ product_id: 'sample', quantity: 1 }], {}, 'sample')
      const order = await place()
      expect(order).toMatchObject({ status: 'PAID', version: 2, total_price: 0, amount_due: 0 })
      await bench.orders.ship(order.order_id)
      expect(await place()).toEqual(order)
      const early = bench.orders.settle((await placed()).order_id)
      await expect(early).rejects.toEqual(refused('order_not_paid', { amount_due: 3_666 }))
    })

    it('never goes back in time, whatever the clock does', async () => {
      const order = await placed()
      const slow = await bench.another({ clock: fakeClock(NOON - 3_600_000) })
      const cancelled = await slow.orders.cancel(order.order_id)
      expect(cancelled.updated_at).toBe(order.updated_at)
      await slow.close()
    })

    it('names the entry of a history that somebody changed', async () => {
      const order = await paid()
      await bench.fold()
      const disguise = (set: string) =>
        orderTables(engine, bench.database).rewriteHistory(set, `order_id = ${order.order_id} and version = 1`)
      await disguise(`actor = 'nobody'`)
      const { problems } = await bench.orders.verifyOrders()
      const subject = `order ${order.order_id}, version 1`
      expect(problems).toEqual([expect.objectContaining({ check: 'history_chain', subject })])
      await disguise(`actor = 'library'`)
    })

    it('agrees with itself after all of this', async () => {
      await bench.fold()
      expect(await bench.orders.verifyOrders()).toMatchObject({ ok: true, problems: [], lag: 0 })
    })
  })
}
