import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { replay } from '../orders/model/order.ts'
import {
  type Customer,
  MAIN_LOCATION,
  type OrderPorts,
  type Placement,
  type PlaceOutcome,
  type Product,
} from '../orders/ports.ts'
import {
  aCustomer,
  aHeader,
  aKey,
  aLine,
  aNewEvent,
  aPlacement,
  aProduct,
  byTest,
  createdEvent,
} from './order-values.ts'
import type { StoreHarness } from './social-values.ts'

/** Drivers answer bytes as one class or another. */
const bytes = <T extends { readonly hash: Uint8Array }>(entry: T) => ({ ...entry, hash: Buffer.from(entry.hash) })

/** The promises of {@link OrderPorts.orders} and of the log it writes, for any engine. */
export function testOrderStore(name: string, create: () => Promise<StoreHarness<OrderPorts>>): void {
  describe(`order store on ${name}`, () => {
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
    const place = (placement: Placement) => ports.orders.place(placement)
    const count = (outcomes: readonly PlaceOutcome[], kind: PlaceOutcome['kind']) =>
      outcomes.filter((outcome) => outcome.kind === kind).length

    describe('placing', () => {
      it('stores order, lines, reservation, history and answer together', async () => {
        const [a, b] = [await stocked(5), await stocked(5)]
        const key = aKey('together')
        const placement = aPlacement(ports, ada, [aLine(1, b, 1), aLine(2, a, 2)], key)
        const outcome = await place(placement)
        expect(outcome).toMatchObject({ kind: 'placed' })

        const { header, state, lines, shard } = placement
        const untouched = { shipped: 0, cancelled: 0, returned: 0 }
        const { historyHash, ...found } = (await ports.orders.find(header.orderId))!
        expect(Buffer.from(historyHash)).toEqual(Buffer.from(placement.event.hash))
        expect(found).toEqual({
          ...header,
          state,
          lines: lines.map(({ productVersion: _, ...line }) => ({ ...line, ...untouched })),
          shipmentTimes: [],
          updatedAtMs: header.orderDateMs,
        })
        expect([await reservedOf(a), await reservedOf(b)]).toEqual([2, 1])
        const eventId = outcome.kind === 'placed' ? outcome.eventId : undefined
        const history = await ports.orders.history(header.orderId, 0, 10)
        expect(history.map(bytes)).toEqual([{ ...bytes(placement.event), shard, eventId, version: 1 }])
        expect(await ports.orders.readKey(shard, key)).toMatchObject({
          response: { status: 201, body: { order_id: String(header.orderId) } },
        })
      })

      it('places nothing a second time under one key, also when both come at once', async () => {
        const product = await stocked(50)
        const key = aKey('once')
        const outcomes = await Promise.all(
          Array.from({ length: 8 }, () => place(aPlacement(ports, ada, [aLine(1, product, 1)], key))),
        )
        expect([count(outcomes, 'placed'), count(outcomes, 'key_known')]).toEqual([1, 7])
        expect(await reservedOf(product)).toBe(1)
      })

      it('refuses what was priced from a product or a customer that has changed, and leaves the key unused', async () => {
        const product = await stocked(5)
        const key = aKey('stale')
        await ports.catalogue.change(product.productId, 1, { price: 1n }, byTest())
        expect(await place(aPlacement(ports, ada, [aLine(1, product, 1)], key))).toEqual({ kind: 'stale' })
        const renamed = { ...ada, version: 7 }
        const fresh = { ...product, version: 2 }
        expect(await place(aPlacement(ports, renamed, [aLine(1, fresh, 1)], key))).toEqual({ kind: 'stale' })
        expect(await ports.orders.readKey(ports.orders.shardFor(key), key)).toBeUndefined()
        expect(await place(aPlacement(ports, ada, [aLine(1, fresh, 1)], key))).toMatchObject({ kind: 'placed' })
      })

      it('names the line that is short, reserves nothing, and leaves the key unused', async () => {
        const [a, b] = [await stocked(5), await stocked(2)]
        const key = aKey('short')
        const outcome = await place(aPlacement(ports, ada, [aLine(1, a, 1), aLine(2, b, 3)], key))
        expect(outcome).toEqual({
          ...{ kind: 'short', productId: b.productId, locationId: MAIN_LOCATION, requested: 3, available: 2 },
        })
        expect([await reservedOf(a), await reservedOf(b)]).toEqual([0, 0])
        expect(await ports.orders.readKey(ports.orders.shardFor(key), key)).toBeUndefined()
      })

      it('sells exactly what there is to a crowd that comes at once', async () => {
        const product = await stocked(50)
        const outcomes = await Promise.all(
          Array.from({ length: 64 }, () => place(aPlacement(ports, ada, [aLine(1, product, 1)]))),
        )
        expect([count(outcomes, 'placed'), count(outcomes, 'short')]).toEqual([50, 14])
        expect(await levelOf(product)).toMatchObject({ onHand: 50, reserved: 50 })
      })

      it('lets a smaller order through when a larger one before it is refused', async () => {
        const [a, b] = [await stocked(3), await stocked(0)]
        const refused = aPlacement(ports, ada, [aLine(1, a, 3), aLine(2, b, 1)])
        const small = aPlacement(ports, ada, [aLine(1, a, 1)])
        const outcomes = await Promise.all([place(refused), place(small)])
        expect(outcomes).toMatchObject([{ kind: 'short' }, { kind: 'placed' }])
        // In another shard the small one may come first: then the other product is short too, and is named first.
        expect([a.productId, b.productId]).toContain(outcomes[0]?.kind === 'short' && outcomes[0].productId)
        expect(await reservedOf(a)).toBe(1)
      })

      it('places orders that name the same products in opposite order', async () => {
        const [a, b] = [await stocked(500), await stocked(500)]
        const outcomes = await Promise.all(
          Array.from({ length: 100 }, (_, n) => {
            const lines = n % 2 === 0 ? [aLine(1, a, 1), aLine(2, b, 1)] : [aLine(1, b, 1), aLine(2, a, 1)]
            return place(aPlacement(ports, ada, lines))
          }),
        )
        expect(count(outcomes, 'placed')).toBe(100)
        expect([await reservedOf(a), await reservedOf(b)]).toEqual([100, 100])
      })

      it('lets one bad order of a batch fail alone', async () => {
        const product = await stocked(50)
        const good = Array.from({ length: 5 }, () => aPlacement(ports, ada, [aLine(1, product, 1)]))
        const twin = aPlacement(ports, ada, [aLine(1, product, 1)])
        const taken = { ...twin, shard: good[0]!.shard, header: { ...twin.header, orderId: good[0]!.header.orderId } }
        const settled = await Promise.allSettled([...good, taken].map(place))
        expect(settled.map(({ status }) => status)).toEqual([...good.map(() => 'fulfilled'), 'rejected'])
        expect(await reservedOf(product)).toBe(5)
      })
    })

    it('lists the newest first, by customer and status, page by page', async () => {
      const bob = aCustomer('bob')
      await ports.customers.create(bob, byTest(), () => ({}))
      const product = await stocked(50)
      const placements = Array.from({ length: 5 }, () => aPlacement(ports, bob, [aLine(1, product, 1)]))
      for (const placement of placements) await place(placement)
      const ids = placements.map(({ header }) => header.orderId).sort((x, y) => (x > y ? -1 : 1))
      const list = async (filter: object, before: bigint | undefined, limit: number) =>
        (await ports.orders.list(filter, before, limit)).map((order) => order.orderId)
      expect(await list({ customerId: 'bob' }, undefined, 3)).toEqual(ids.slice(0, 3))
      expect(await list({ customerId: 'bob' }, ids[2], 3)).toEqual(ids.slice(3))
      expect(await list({ customerId: 'bob', status: 'PENDING' }, undefined, 9)).toEqual(ids)
      expect(await list({ customerId: 'bob', status: 'PAID' }, undefined, 9)).toEqual([])
      expect(await list({ status: 'PENDING' }, ids[1], 2)).toEqual(ids.slice(2, 4))
      expect(await list({}, ids[1], 1)).toEqual(ids.slice(2, 3))
    })

    it('imports what is new, once, and says which id is taken', async () => {
      const product = await stocked(0)
      const lines = [aLine(1, product, 3)]
      const anImport = (number: string) => {
        const shard = 0
        const header = { ...aHeader(shard, ada), orderNumber: number, origin: 'import' as const }
        const booking = { booked_day: '2026-01-31', legs: [] }
        const event = {
          type: 'ORDER_IMPORTED',
          details: { ...createdEvent(header, lines).details, ...booking },
        } as const
        return { shard, header, lines, state: replay([event])!, event: aNewEvent(header.orderId, 1, event) }
      }
      const [one, two] = [anImport('N-1'), anImport('N-2')]
      expect(await ports.imports.importOrders([one, two])).toEqual(['imported', 'imported'])
      const three = anImport('N-3')
      const taken = { ...three, header: { ...three.header, orderId: one.header.orderId } }
      expect(await ports.imports.importOrders([anImport('N-1'), taken])).toEqual(['known', 'id_taken'])
      expect((await ports.orders.find(one.header.orderId))?.state).toEqual(one.state)
      expect(await ports.orders.history(one.header.orderId, 0, 5)).toHaveLength(1)
    })

    it('numbers all events of a shard without a gap', async () => {
      const heads = await ports.log.heads()
      for (const [shard, head] of heads.entries()) {
        const events = await ports.log.read(shard, 0n, 10_000)
        expect(events.map((event) => event.eventId)).toEqual(events.map((_, index) => BigInt(index + 1)))
        expect(BigInt(events.length)).toBe(head)
      }
    })

    it('agrees with itself at the end', async () => {
      const differences = await ports.audit(async (view) => {
        const found = []
        for (const check of view.checks) {
          if (!check.name.startsWith('report')) found.push(...(await check.run(10)).differences)
        }
        return found
      })
      expect(differences).toEqual([])
    })
  })
}
