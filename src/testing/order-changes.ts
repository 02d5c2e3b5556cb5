import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createdLine } from '../orders/lifecycle/edit.ts'
import { chainProblem } from '../orders/model/chain.ts'
import type { OrderEvent } from '../orders/model/events.ts'
import { replay } from '../orders/model/order.ts'
import { type Customer, MAIN_LOCATION, type Order, type OrderPorts, type Product } from '../orders/ports.ts'
import { AT_MS, aChange, aCustomer, aKey, aLine, aPlacement, aProduct, byTest } from './order-values.ts'
import type { StoreHarness } from './social-values.ts'

const CANCELLED = {
  type: 'ORDER_CANCELLED',
  details: { reason: 'a "test"', lines: [{ line_no: 1, quantity: 2 }], taken_back: 2_000, shipping_taken_back: true },
} as const
const PAID: OrderEvent = {
  type: 'ORDER_PAID',
  details: {
    ...{ payment_intent_id: 'pi_1', captured: 2_000, amount: 2_000 },
    ...{
      booked_day: '2026-01-31',
      ship_to: { country: 'US', city: 'New York' },
      legs: [{ line_no: 1, kind: 'sale', quantity: 2, amount: 2_000, tax: 0 }],
    },
  },
}
/** The promises of changing orders that exist, for any engine. */
export function testOrderChanges(name: string, create: () => Promise<StoreHarness<OrderPorts>>): void {
  describe(`changing orders on ${name}`, () => {
    let ports: OrderPorts
    let close: () => Promise<void>
    const ada: Customer = aCustomer('ada')
    beforeAll(async () => {
      const harness = await create()
      ports = harness.store
      close = () => harness.close()
      await ports.customers.create(ada, byTest(), () => ({}))
    })
    afterAll(() => close())

    let products = 0
    async function stocked(onHand: number): Promise<Product> {
      products += 1
      const product = aProduct(`product-${String(products).padStart(3, '0')}`)
      await ports.catalogue.create(product, { locationId: MAIN_LOCATION, onHand }, byTest(), () => ({}))
      return product
    }
    const levelOf = async (product: Product) => (await ports.stock.levels([product.productId]))[0]
    const reservedOf = async (product: Product) => (await levelOf(product))?.reserved
    async function placedOrder(product: Product, quantity: number) {
      const placement = aPlacement(ports, ada, [aLine(1, product, quantity)])
      expect(await ports.orders.place(placement)).toMatchObject({ kind: 'placed' })
      return (await ports.orders.find(placement.header.orderId))!
    }
    const at = ({ productId }: Product) => ({ productId, locationId: MAIN_LOCATION })
    /** Stores one event after the other, each with what it brings along; answers the order afterwards. */
    async function changed(order: Order, ...events: OrderEvent[]): Promise<Order> {
      let now = order
      for (const event of events) {
        expect(await ports.orders.change(aChange(now, event))).toMatchObject({ kind: 'changed' })
        now = (await ports.orders.find(order.orderId))!
      }
      return now
    }

    it('changes order, lines, stock, history and answer together', async () => {
      const product = await stocked(5)
      const order = await placedOrder(product, 2)
      const key = aKey('cancel')
      const stock = [{ ...at(product), kind: 'release', onHand: 0, reserved: -2 }] as const
      const change = aChange(order, CANCELLED, { stock, answer: { key, status: 200, body: { done: true } } })
      const outcome = await ports.orders.change(change)
      expect(outcome).toMatchObject({ kind: 'changed' })

      const after = (await ports.orders.find(order.orderId))!
      expect(after.state).toEqual(change.after)
      expect(after.lines[0]).toMatchObject({ cancelled: 2 })
      expect(await reservedOf(product)).toBe(0)
      const history = await ports.orders.history(order.orderId, 0, 10)
      expect(history.map((entry) => entry.version)).toEqual([1, 2])
      expect(replay(history.map((entry) => entry.event))).toEqual(after.state)
      expect(await ports.orders.history(order.orderId, 1, 10)).toHaveLength(1)
      expect(await ports.orders.readKey(history[0]!.shard, key)).toMatchObject({ response: { body: { done: true } } })
      expect(await ports.orders.change(change)).toEqual({ kind: 'lost' })
      const delivered = { type: 'ORDER_DELIVERED', details: {} } as const
      const again = aChange(after, delivered, { answer: change.answer })
      expect(await ports.orders.change(again)).toEqual({ kind: 'key_known' })
    })

    it('keeps what each payment has brought', async () => {
      const order = await placedOrder(await stocked(5), 1)
      const paid = (captured: number, amount: number) =>
        ({ type: 'PAYMENT_RECEIVED', details: { payment_intent_id: 'pi_1', captured, amount } }) as const
      await ports.orders.change(aChange(order, paid(300, 300)))
      const between = (await ports.orders.find(order.orderId))!
      await ports.orders.change(aChange(between, paid(500, 200)))
      const { state } = (await ports.orders.find(order.orderId))!
      expect(state).toMatchObject({ paidTotal: 500n, paymentStatus: 'partially_paid' })
      expect(state.payments).toEqual([{ paymentIntentId: 'pi_1', captured: 500n, refunded: 0n }])
    })

    it('keeps shipments with their tracking, and when they left and arrived', async () => {
      const order = await placedOrder(await stocked(5), 2)
      const shipped = { shipment_no: 1, lines: [{ line_no: 1, quantity: 1 }], carrier: 'A "carrier"' }
      const second = { shipment_no: 2, lines: [{ line_no: 1, quantity: 1 }] }
      const after = await changed(
        order,
        PAID,
        { type: 'ITEMS_SHIPPED', details: shipped },
        { type: 'TRACKING_CHANGED', details: { shipment_no: 1, tracking_url: 'https://example.com/1' } },
        { type: 'ORDER_SHIPPED', details: second },
        { type: 'SHIPMENT_DELIVERED', details: { shipment_no: 2 } },
      )
      expect(after.state.shipments).toEqual([
        {
          ...{ shipmentNo: 1, lines: shipped.lines, delivered: false },
          ...{ carrier: 'A "carrier"', tracking_url: 'https://example.com/1' },
        },
        { shipmentNo: 2, lines: second.lines, delivered: true },
      ])
      expect(after.shipmentTimes).toEqual([
        { shipmentNo: 1, shippedAtMs: AT_MS, deliveredAtMs: undefined },
        { shipmentNo: 2, shippedAtMs: AT_MS, deliveredAtMs: AT_MS },
      ])
      const history = await ports.orders.history(order.orderId, 0, 10)
      expect(replay(history.map((entry) => entry.event))).toEqual(after.state)
      expect(chainProblem(order.orderId, history, after.historyHash)).toBeUndefined()
    })

    it('keeps the address of before when another comes', async () => {
      const order = await placedOrder(await stocked(5), 2)
      const before = { shippingAddressId: undefined, shippingAddress: order.shippingAddress }
      const oslo = { shippingAddressId: 'adr_1', shippingAddress: { line1: 'x', city: 'Oslo', country: 'NO' } }
      const event = {
        type: 'SHIPPING_ADDRESS_CHANGED',
        details: { ship_to: { country: 'NO', city: 'Oslo' } },
      } as const
      await ports.orders.change(aChange(order, event, { address: { before, after: oslo } }))
      const moved = (await ports.orders.find(order.orderId))!
      expect(moved).toMatchObject({ ...oslo, state: { place: { country: 'NO', city: 'Oslo' } } })
      expect(moved.state.place).not.toHaveProperty('region')
      await ports.orders.change(aChange(moved, event, { address: { before: oslo, after: before } }))
      expect(await ports.orders.find(order.orderId)).toMatchObject(before)
      expect(await ports.orders.formerAddresses(order.orderId)).toEqual([
        { untilVersion: 2, ...before },
        { untilVersion: 3, ...oslo },
      ])
    })

    describe('by an edit', () => {
      function anEdit(order: Order, product: Product, quantity: number, key?: string) {
        const line = { ...aLine(order.lines.length + 1, product, quantity), tax: 1n }
        const total_price = Number(order.state.totalPrice + line.amount + line.tax)
        const details = { added: [createdLine(line)], lines: [], taken_back: 0, total_price }
        return aChange(
          order,
          { type: 'ORDER_EDITED', details },
          {
            addedLines: [line],
            adjustments: [{ kind: 'tax', label: 'VAT', rate: '20', line_no: line.lineNo, amount: 1 }],
            stock: [{ ...at(product), kind: 'reserve', onHand: 0, reserved: quantity }],
            answer: key === undefined ? undefined : { key: aKey(key), status: 200, body: {} },
          },
        )
      }
      const orderOf = (change: { orderId: bigint }) => ports.orders.find(change.orderId)

      it('adds lines and their adjustments, and reserves their units', async () => {
        const product = await stocked(3)
        const edit = anEdit(await placedOrder(await stocked(5), 1), product, 3)
        expect(await ports.orders.change(edit)).toMatchObject({ kind: 'changed' })
        const after = (await orderOf(edit))!
        expect(after.state).toEqual(edit.after)
        expect(after.lines[1]).toMatchObject({ lineNo: 2, productName: product.name, quantity: 3 })
        expect(after.adjustments).toEqual(edit.adjustments)
        expect(await reservedOf(product)).toBe(3)
      })

      it('names what is short, and changes nothing; others of the batch are changed', async () => {
        const product = await stocked(3)
        const [one, two] = [await placedOrder(await stocked(5), 1), await placedOrder(await stocked(5), 1)]
        const short = anEdit(one, product, 4, 'edit short')
        const outcomes = await Promise.all([ports.orders.change(short), ports.orders.change(aChange(two, PAID))])
        expect(outcomes).toMatchObject([
          { ...at(product), kind: 'short', requested: 4, available: 3 },
          { kind: 'changed' },
        ])
        expect(await orderOf(short)).toEqual(one)
        expect(await reservedOf(product)).toBe(0)
        expect(await ports.orders.readKey(0, aKey('edit short'))).toBeUndefined()
      })

      it('refuses a line that was priced from a product that has changed', async () => {
        const product = await stocked(3)
        const edit = anEdit(await placedOrder(await stocked(5), 1), product, 1)
        await ports.catalogue.change(product.productId, 1, { price: 1n }, byTest())
        expect(await ports.orders.change(edit)).toEqual({ kind: 'stale' })
        expect(await reservedOf(product)).toBe(0)
      })

      it('shares the last units of a product among many, and never more', async () => {
        const product = await stocked(10)
        const orders: Order[] = []
        for (let n = 0; n < 20; n++) orders.push(await placedOrder(await stocked(1), 1))
        const outcomes = await Promise.all(orders.map((order) => ports.orders.change(anEdit(order, product, 1))))
        const kinds = outcomes.map(({ kind }) => kind)
        // Who came behind others of his batch is told to decide again.
        expect(kinds.filter((kind) => kind === 'changed')).toHaveLength(10)
        expect(kinds.filter((kind) => kind === 'short' || kind === 'lost')).toHaveLength(10)
        expect(await levelOf(product)).toMatchObject({ onHand: 10, reserved: 10 })
      })
    })

    it('refuses what was read before the personal data of the order was emptied', async () => {
      const order = await placedOrder(await stocked(5), 2)
      const early = { ...order, updatedAtMs: order.updatedAtMs - 1 }
      expect(await ports.orders.change(aChange(early, PAID))).toEqual({ kind: 'lost' })
    })

    it('lets one of many rivals win', async () => {
      const product = await stocked(100)
      for (let round = 0; round < 5; round++) {
        const order = await placedOrder(product, 2)
        const outcomes = await Promise.all(
          Array.from({ length: 10 }, () => ports.orders.change(aChange(order, CANCELLED))),
        )
        expect(outcomes.filter(({ kind }) => kind === 'changed')).toHaveLength(1)
        expect(await ports.orders.history(order.orderId, 0, 10)).toHaveLength(2)
      }
    })
  })
}
