import { describe, expect, it } from 'vitest'
import { openOrderBench, orderEngines, SOMEWHERE } from '../setup/orders.ts'
import { seededRandom } from '../setup/random.ts'

const SEED = 20_260_131

// An embedded database serves one process.
const shared = orderEngines().filter(({ name }) => name !== 'pglite')

describe.skipIf(shared.length === 0)('orders of two servers on one database', () => {
  it.each(shared)('never oversell, never lose a command, and agree at the end, on $name', async (engine) => {
    const bench = await openOrderBench(engine)
    // Its own connections, caches, batches and ids: what another process would have.
    const other = await bench.another()
    const second = other.orders
    const servers = [bench.orders, second]
    try {
      const products = ['p1', 'p2', 'p3']
      for (const id of products) await bench.product(id, 120)

      const random = seededRandom(SEED)
      const answers: Record<string, number> = {}
      const buyer = async (n: number) => {
        const orders = servers[n % 2]!
        const items = products
          .filter(() => random.int(10) < 6)
          .sort(() => random.pick([-1, 1]))
          .map((product_id) => ({ product_id, quantity: 1 + random.int(3) }))
        if (items.length === 0) return 'nothing wanted'
        // Every other one holds what is in the cart first, at whichever server answers.
        const cart =
          n % 4 < 2 ? await servers[(n + 1) % 2]!.reserve({ items }, { idempotencyKey: `cart-${n}` }) : undefined
        const { reservation_id } = cart ?? {}
        if (cart !== undefined && random.int(10) < 2)
          return orders.releaseReservation(cart.reservation_id).then(() => 'left')
        const input = {
          ...{ customer_id: 'ada', shipping_address: SOMEWHERE, items },
          ...(reservation_id === undefined ? {} : { reservation_id }),
        }
        const context = { idempotencyKey: `buyer-${n}` }
        // Everybody asks both servers: a client that lost its connection and tries the other one.
        const [order, same] = await Promise.all([
          orders.place(input, context),
          servers[(n + 1) % 2]!.place(input, context),
        ])
        expect(same).toEqual(order)
        const fate = random.int(10)
        if (fate < 2) return orders.cancel(order.order_id).then(() => 'cancelled')
        const captured = order.total_price
        await orders.recordPayment({ order_id: order.order_id, payment_intent_id: 'pi_1', captured, currency: 'USD' })
        if (fate < 3) return 'paid'
        const race = await Promise.allSettled([
          orders.ship(order.order_id),
          servers[(n + 1) % 2]!.cancel(order.order_id),
        ])
        expect(race.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        return race[0]!.status === 'fulfilled' ? 'shipped' : 'cancelled'
      }
      await Promise.all(
        Array.from({ length: 250 }, async (_, n) => {
          const answer = await buyer(n).catch((error: { code?: string }) => error.code ?? String(error))
          answers[answer] = (answers[answer] ?? 0) + 1
        }),
      )

      const known = ['cancelled', 'insufficient_stock', 'left', 'nothing wanted', 'paid', 'shipped']
      expect(known).toEqual(expect.arrayContaining(Object.keys(answers)))
      expect(answers['shipped'], `seed ${SEED}: ${JSON.stringify(answers)}`).toBeGreaterThan(0)
      expect(answers['insufficient_stock']).toBeGreaterThan(0)
      for (const id of products) {
        const { on_hand, reserved } = await bench.orders.getStock(id)
        expect(on_hand >= reserved && reserved >= 0).toBe(true)
      }
      await bench.fold()
      expect(await second.verifyOrders()).toMatchObject({ ok: true, problems: [], lag: 0 })
    } finally {
      await other.close()
      await bench.close()
    }
  })
})
