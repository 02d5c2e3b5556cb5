import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Orders } from '../../src/orders/orders.ts'
import type { OrderDocument } from '../../src/orders/schemas.ts'
import { type OrderBench, openOrderBench, orderEngines } from '../setup/orders.ts'

/** Races of one kind; those of an embedded database share one connection, so fewer say as much. */
const RACES = { postgres: 1_000, mariadb: 400, pglite: 60 }
/** Races under way at the same time, so that batches hold several. */
const AT_ONCE = 20

for (const engine of orderEngines()) {
  describe(`rivals for one order on ${engine.name}`, () => {
    const races = RACES[engine.name]
    let bench: OrderBench
    let other: { readonly orders: Orders; close(): Promise<void> }
    beforeAll(async () => {
      bench = await openOrderBench(engine)
      other = await bench.another()
    })
    afterAll(async () => {
      await other.close()
      await bench.close()
    })

    const one = (quantity: number) => [{ line_no: 1, quantity }]
    const shelf = async (product: string) => {
      const [level] = await bench.ports.stock.levels([product])
      return { onHand: level!.onHand, reserved: level!.reserved }
    }

    /** Runs two commands at the same moment, in two processes, on each of many orders; answers what became of them. */
    async function race(
      count: number,
      make: () => Promise<OrderDocument>,
      left: (orders: Orders, id: string) => Promise<OrderDocument>,
      right: (orders: Orders, id: string) => Promise<OrderDocument>,
    ) {
      const ends: { wins: boolean[]; refusals: unknown[]; order: OrderDocument }[] = []
      let started = 0
      async function runner(): Promise<void> {
        while (started < count) {
          started += 1
          // Each process does either half of the time, so that none of the two is always first.
          const [here, there] = started % 2 === 0 ? [bench.orders, other.orders] : [other.orders, bench.orders]
          const { order_id: id } = await make()
          const settled = await Promise.allSettled([left(here, id), right(there, id)])
          ends.push({
            wins: settled.map(({ status }) => status === 'fulfilled'),
            refusals: settled.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : [])),
            order: await bench.orders.get(id),
          })
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, runner))
      return ends
    }
    const placed = (product_id: string, quantity: number) => async () =>
      bench.pay(await bench.place([{ product_id, quantity }]))

    it(`lets exactly one of ship and cancel win, ${races} times, and the stock is right`, {
      timeout: 120_000,
    }, async () => {
      await bench.product('vase', 2 * races)
      const ends = await race(
        races,
        placed('vase', 2),
        (orders, id) => orders.ship(id),
        (orders, id) => orders.cancel(id),
      )
      expect(ends).toHaveLength(races)
      for (const { wins, refusals, order } of ends) {
        expect(wins.filter(Boolean)).toHaveLength(1)
        expect(refusals).toEqual(['illegal_transition'])
        expect([order.status, order.version]).toEqual([wins[0] ? 'SHIPPED' : 'CANCELLED', 3])
      }
      const shipped = ends.filter(({ wins }) => wins[0]).length
      expect(await shelf('vase')).toEqual({ onHand: 2 * races - 2 * shipped, reserved: 0 })
    })

    it('never ships and cancels the same unit', { timeout: 60_000 }, async () => {
      const count = races / 5
      await bench.product('plate', 3 * count)
      const ends = await race(
        count,
        placed('plate', 3),
        (orders, id) => orders.ship(id, { items: one(2) }),
        (orders, id) => orders.cancel(id, { items: one(2) }),
      )
      for (const { wins, refusals, order } of ends) {
        expect(wins.filter(Boolean)).toHaveLength(1)
        expect(refusals).toEqual(['quantity_exceeds_line'])
        const [line] = order.items
        expect([line!.quantity_shipped, line!.quantity_cancelled]).toEqual(wins[0] ? [2, 0] : [0, 2])
      }
      const shipped = ends.filter(({ wins }) => wins[0]).length
      expect(await shelf('plate')).toEqual({ onHand: 3 * count - 2 * shipped, reserved: count })
    })

    it('takes no unit back twice', { timeout: 60_000 }, async () => {
      const count = races / 5
      await bench.product('cup', 3 * count)
      const ends = await race(
        count,
        async () => bench.orders.ship((await placed('cup', 3)()).order_id),
        (orders, id) => orders.returnItems(id, { items: one(2) }),
        (orders, id) => orders.returnItems(id, { items: one(2), refund_shipping: true }),
      )
      for (const { wins, refusals, order } of ends) {
        expect(wins.filter(Boolean)).toHaveLength(1)
        expect(refusals).toEqual(['quantity_exceeds_line'])
        expect(order).toMatchObject({ returned_total: 2_000, refund_due: 2_000, items: [{ quantity_returned: 2 }] })
      }
      expect(await shelf('cup')).toEqual({ onHand: 2 * count, reserved: 0 })
    })

    it('sells the last units once, to an edit or to a new order', { timeout: 60_000 }, async () => {
      const count = races / 10
      await bench.product('hat', 1_000)
      await bench.product('last', count)
      const add_items = [{ product_id: 'last', quantity: 1 }]
      const ends = await race(
        count,
        placed('hat', 1),
        (orders, id) => orders.edit(id, { add_items }),
        (orders) => orders.place({ customer_id: 'ada', shipping_address: HOME, items: add_items }),
      )
      const sold = ends.flatMap(({ wins }) => wins).filter(Boolean).length
      expect(sold).toBe(count)
      for (const { refusals } of ends) for (const code of refusals) expect(code).toBe('insufficient_stock')
      expect(await shelf('last')).toEqual({ onHand: count, reserved: count })
    })
    const HOME = { line1: '1 Main Street', city: 'New York', country: 'US' }

    it('agrees with itself after all of this', { timeout: 60_000 }, async () => {
      await bench.fold()
      expect(await other.orders.verifyOrders()).toMatchObject({ ok: true, problems: [], lag: 0 })
    })
  })
}
