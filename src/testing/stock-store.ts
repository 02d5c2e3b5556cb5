import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IdempotencyKey } from '../core/command.ts'
import {
  type HeldItem,
  MAIN_LOCATION,
  type OrderPorts,
  type PlaceOutcome,
  type Product,
  type Reservation,
  type StockStore,
} from '../orders/ports.ts'
import { AT_MS, aCustomer, aKey, aLine, anOrderId, aPlacement, aProduct, byTest } from './order-values.ts'
import type { StoreHarness } from './social-values.ts'

const EAST = 'east'
const MINUTE_MS = 60_000

/** The promises of {@link StockStore}, and of orders that bring a cart hold, for any engine. */
export function testStockStore(name: string, create: () => Promise<StoreHarness<OrderPorts>>): void {
  describe(`stock store on ${name}`, () => {
    let ports: OrderPorts
    let stock: StockStore
    let close: () => Promise<void>
    const ada = aCustomer('ada')
    beforeAll(async () => {
      const harness = await create()
      ports = harness.store
      stock = ports.stock
      close = () => harness.close()
      await ports.customers.create(ada, byTest(), () => ({}))
      await stock.putLocation({ locationId: EAST, name: 'East', priority: 5, active: true, createdAtMs: AT_MS })
    })
    afterAll(() => close())

    let products = 0
    async function stocked(onHand: number): Promise<Product> {
      products += 1
      const product = aProduct(`stock-${String(products).padStart(3, '0')}`)
      await ports.catalogue.create(product, { locationId: MAIN_LOCATION, onHand }, byTest(), () => ({}))
      return product
    }
    async function levelOf({ productId }: Product, locationId = MAIN_LOCATION) {
      return (await stock.levels([productId])).find((level) => level.locationId === locationId)
    }
    const item = ({ productId }: Product, quantity: number, locationId = MAIN_LOCATION): HeldItem => {
      return { productId, locationId, quantity }
    }
    const aReservation = (items: readonly HeldItem[]): Reservation => ({
      reservationId: anOrderId(0),
      status: 'held',
      items,
      createdAtMs: AT_MS,
      expiresAtMs: AT_MS + MINUTE_MS,
      orderId: undefined,
    })
    const shown = ({ reservationId }: Reservation) => ({ id: String(reservationId) })
    const holdIt = (reservation: Reservation, key?: IdempotencyKey) => stock.hold(reservation, byTest(key), shown)
    async function held(...items: HeldItem[]): Promise<Reservation> {
      const reservation = aReservation(items)
      expect(await holdIt(reservation)).toMatchObject({ kind: 'held', replayed: false })
      return reservation
    }
    const order = (product: Product, quantity: number, { reservationId }: Partial<Reservation> = {}) =>
      aPlacement(ports, ada, [aLine(1, product, quantity)], undefined, { reservationId })
    const count = (outcomes: readonly { kind: PlaceOutcome['kind'] | 'held' }[], kind: string) =>
      outcomes.filter((outcome) => outcome.kind === kind).length

    it('has one location from the beginning, and puts others by priority', async () => {
      const west = { locationId: 'west', name: 'West', priority: 7, active: true, createdAtMs: AT_MS }
      expect(await stock.putLocation(west)).toEqual(west)
      const moved = { ...west, name: 'Far west', priority: 1, active: false }
      expect(await stock.putLocation({ ...moved, createdAtMs: AT_MS + 1 })).toEqual(moved)
      const ids = (await stock.locations()).map((location) => location.locationId)
      expect(ids).toEqual([MAIN_LOCATION, 'west', EAST])
    })

    it('sets the units on hand at any location, but not below those that are reserved', async () => {
      const product = await stocked(5)
      const set = (onHand: number, locationId = MAIN_LOCATION) =>
        stock.setOnHand(product.productId, locationId, onHand, byTest())
      expect(await set(8)).toMatchObject({ kind: 'set', level: { onHand: 8 } })
      expect(await set(3, EAST)).toMatchObject({ kind: 'set', level: { onHand: 3, reserved: 0 } })
      await held(item(product, 2, EAST))
      expect(await set(1, EAST)).toMatchObject({ kind: 'reserved', level: { onHand: 3, reserved: 2 } })
      expect(await levelOf(product, EAST)).toMatchObject({ onHand: 3, reserved: 2 })
      expect(await stock.setOnHand('nothing', MAIN_LOCATION, 8, byTest())).toBeUndefined()
      await expect(set(1, 'nowhere')).rejects.toMatchObject({ code: 'location_not_found' })
    })

    it('holds all or nothing, and names what is short', async () => {
      const [a, b] = [await stocked(5), await stocked(1)]
      const short = await holdIt(aReservation([item(a, 2), item(b, 2)]))
      expect(short).toEqual({ kind: 'short', item: item(b, 2), available: 1 })
      expect([await levelOf(a), await levelOf(b)]).toMatchObject([{ reserved: 0 }, { reserved: 0 }])
      const reservation = await held(item(a, 2), item(b, 1))
      expect(await stock.reservation(reservation.reservationId)).toEqual(reservation)
      expect([await levelOf(a), await levelOf(b)]).toMatchObject([{ reserved: 2 }, { reserved: 1 }])
      expect(await stock.reservation(1n)).toBeUndefined()
    })

    it('holds once per key, also when both come at once, and leaves the key of a refused hold unused', async () => {
      const product = await stocked(5)
      const key = aKey('hold')
      expect(await holdIt(aReservation([item(product, 6)]), key)).toMatchObject({ kind: 'short' })
      const outcomes = await Promise.all(Array.from({ length: 6 }, () => holdIt(aReservation([item(product, 1)]), key)))
      const bodies = outcomes.map((outcome) => (outcome.kind === 'held' ? outcome.body.id : undefined))
      expect(new Set(bodies).size).toBe(1)
      expect(outcomes.filter((outcome) => outcome.kind === 'held' && !outcome.replayed)).toHaveLength(1)
      expect(await levelOf(product)).toMatchObject({ reserved: 1 })
      const other = holdIt(aReservation([item(product, 1)]), aKey('hold', 2))
      await expect(other).rejects.toMatchObject({ code: 'idempotency_key_reused' })
    })

    it('gives units back once, when they are released or their time is over', async () => {
      const product = await stocked(5)
      const [released, expired] = [await held(item(product, 2)), await held(item(product, 1))]
      const release = () => stock.release(released.reservationId, byTest())
      expect(await release()).toMatchObject({ status: 'released' })
      expect(await release()).toMatchObject({ status: 'released' })
      expect(await levelOf(product)).toMatchObject({ reserved: 1 })
      while ((await stock.expire(AT_MS + MINUTE_MS - 1, 100)) > 0);
      expect(await stock.reservation(expired.reservationId)).toMatchObject({ status: 'held' })
      while ((await stock.expire(AT_MS + MINUTE_MS, 2)) > 0);
      expect(await stock.reservation(expired.reservationId)).toMatchObject({ status: 'expired' })
      expect(await levelOf(product)).toMatchObject({ reserved: 0 })
      expect(await stock.release(expired.reservationId, byTest())).toMatchObject({ status: 'expired' })
      expect(await stock.release(1n, byTest())).toBeUndefined()
    })

    it('gives a hold back once, however many processes sweep at once', async () => {
      const product = await stocked(50)
      for (let n = 0; n < 20; n++) await held(item(product, 2))
      const swept = await Promise.all(Array.from({ length: 4 }, () => stock.expire(AT_MS + MINUTE_MS, 100)))
      expect(swept.reduce((sum, n) => sum + n, 0)).toBe(20)
      expect(await levelOf(product)).toMatchObject({ reserved: 0 })
    })

    describe('an order with a hold', () => {
      it('takes its units over, adds what it needs beyond, and gives back what it does not need', async () => {
        const [a, b, c] = [await stocked(5), await stocked(5), await stocked(5)]
        const reservation = await held(item(a, 3), item(b, 1), item(c, 2))
        const lines = [aLine(1, a, 1), aLine(2, b, 4)]
        const placement = aPlacement(ports, ada, lines, undefined, reservation)
        expect(await ports.orders.place(placement)).toMatchObject({ kind: 'placed' })
        const levels = await Promise.all([a, b, c].map((product) => levelOf(product)))
        expect(levels.map((level) => level?.reserved)).toEqual([1, 4, 0])
        const { orderId } = placement.header
        expect(await stock.reservation(reservation.reservationId)).toMatchObject({ status: 'ordered', orderId })
        const moves = await stock.moves(b.productId, undefined, 10)
        const told = moves.map(({ sourceId, version, kind, reservedDelta }) => [sourceId, version, kind, reservedDelta])
        expect(told.filter(([, , kind]) => kind !== 'adjust')).toEqual([
          [orderId, 1, 'reserve', 4],
          [reservation.reservationId, 2, 'unhold', -1],
          [reservation.reservationId, 1, 'hold', 1],
        ])
      })

      it('gets the last units that its hold has, and no more', async () => {
        const product = await stocked(3)
        const reservation = await held(item(product, 2))
        await held(item(product, 1))
        const more = await ports.orders.place(order(product, 3, reservation))
        const short = { kind: 'short', productId: product.productId, locationId: MAIN_LOCATION }
        expect(more).toEqual({ ...short, requested: 3, available: 2 })
        expect(await stock.reservation(reservation.reservationId)).toMatchObject({ status: 'held' })
        expect(await ports.orders.place(order(product, 2, reservation))).toMatchObject({ kind: 'placed' })
        expect(await levelOf(product)).toMatchObject({ onHand: 3, reserved: 3 })
      })

      it('is refused when the hold was released, is over, or is not there', async () => {
        const product = await stocked(5)
        const released = await held(item(product, 1))
        await stock.release(released.reservationId, byTest())
        const over = { ...aReservation([item(product, 1)]), expiresAtMs: AT_MS }
        await holdIt(over)
        for (const gone of [released, over, { reservationId: 1n }]) {
          expect(await ports.orders.place(order(product, 1, gone))).toEqual({ kind: 'reservation_gone' })
        }
        expect(await stock.reservation(over.reservationId)).toMatchObject({ status: 'held' })
      })

      it('is the only one of many with that hold', async () => {
        const product = await stocked(20)
        for (let round = 0; round < 5; round++) {
          const reservation = await held(item(product, 1))
          const outcomes = await Promise.all(
            Array.from({ length: 8 }, () => ports.orders.place(order(product, 2, reservation))),
          )
          expect([count(outcomes, 'placed'), count(outcomes, 'reservation_gone')]).toEqual([1, 7])
          expect(await levelOf(product)).toMatchObject({ reserved: 2 * (round + 1) })
        }
      })

      it('wins or loses against the end of the hold, never both, in 100 rounds', async () => {
        const product = await stocked(1_000)
        let reserved = 0
        for (let round = 0; round < 100; round++) {
          const reservation = await held(item(product, 3))
          const placing = ports.orders.place(order(product, 2, reservation))
          // The order is sent one turn of the event loop later, so each has its lead in some rounds.
          for (let turn = 0; turn < round % 3; turn++) await new Promise((resolve) => setImmediate(resolve))
          const [outcome] = await Promise.all([placing, stock.expire(AT_MS + MINUTE_MS, 10)])
          const { status } = (await stock.reservation(reservation.reservationId))!
          expect([outcome.kind, status]).toEqual(
            outcome.kind === 'placed' ? ['placed', 'ordered'] : ['reservation_gone', 'expired'],
          )
          if (outcome.kind === 'placed') reserved += 2
          expect(await levelOf(product)).toMatchObject({ reserved })
        }
      })
    })

    it('never gives away more than there is to a crowd of orders and holds', async () => {
      const product = await stocked(50)
      const takes = Array.from({ length: 80 }, (_, n) => {
        return n % 2 === 0 ? holdIt(aReservation([item(product, 1)])) : ports.orders.place(order(product, 1))
      })
      const outcomes = await Promise.all(takes)
      expect(count(outcomes, 'held') + count(outcomes, 'placed')).toBe(50)
      expect(count(outcomes, 'short')).toBe(30)
      expect(await levelOf(product)).toMatchObject({ onHand: 50, reserved: 50 })
    })

    it('refuses or serves who comes while units come back to a product that is sold out', async () => {
      const product = await stocked(4)
      for (let round = 0; round < 40; round++) {
        const holds = await Promise.all(Array.from({ length: 4 }, () => held(item(product, 1))))
        const releases = holds.map(({ reservationId }) => stock.release(reservationId, byTest()))
        const placing = Array.from({ length: 4 }, () => holdIt(aReservation([item(product, 1)])))
        const [outcomes] = await Promise.all([Promise.all(placing), Promise.all(releases)])
        expect(count(outcomes, 'held') + count(outcomes, 'short')).toBe(4)
        expect(await levelOf(product)).toMatchObject({ reserved: count(outcomes, 'held') })
        await stock.expire(AT_MS + MINUTE_MS, 100)
      }
    })

    it('takes orders and holds that name the same products in opposite order', async () => {
      const [a, b] = [await stocked(500), await stocked(500)]
      const takes = Array.from({ length: 90 }, (_, n) => {
        const [x, y] = n % 2 === 0 ? [a, b] : [b, a]
        if (n % 3 === 0) return holdIt(aReservation([item(x, 1), item(y, 1)]))
        return ports.orders.place(aPlacement(ports, ada, [aLine(1, x, 1), aLine(2, y, 1)]))
      })
      const outcomes = await Promise.all(takes)
      expect([count(outcomes, 'held'), count(outcomes, 'placed')]).toEqual([30, 60])
      expect([await levelOf(a), await levelOf(b)]).toMatchObject([{ reserved: 90 }, { reserved: 90 }])
    })

    it('takes from the location that a line names, and keeps the others apart', async () => {
      const product = await stocked(1)
      await stock.setOnHand(product.productId, EAST, 2, byTest())
      const lines = [aLine(1, product, 1), { ...aLine(2, product, 2), locationId: EAST }]
      expect(await ports.orders.place(aPlacement(ports, ada, lines))).toMatchObject({ kind: 'placed' })
      expect(await levelOf(product)).toMatchObject({ onHand: 1, reserved: 1 })
      expect(await levelOf(product, EAST)).toMatchObject({ onHand: 2, reserved: 2 })
      const more = [{ ...aLine(1, product, 1), locationId: EAST }]
      expect(await ports.orders.place(aPlacement(ports, ada, more))).toMatchObject({ kind: 'short', locationId: EAST })
      const moves = await stock.moves(product.productId, undefined, 10)
      const sum = (at: string) =>
        moves.filter((move) => move.locationId === at).reduce((total, move) => total + move.reservedDelta, 0)
      expect([sum(MAIN_LOCATION), sum(EAST)]).toEqual([1, 2])
    })

    it('lists moves page by page and leaves none out, also when one order moved two locations', async () => {
      const product = await stocked(9)
      await stock.setOnHand(product.productId, EAST, 9, byTest())
      for (let n = 0; n < 3; n++) {
        const lines = [aLine(1, product, 1), { ...aLine(2, product, 1), locationId: EAST }]
        await ports.orders.place(aPlacement(ports, ada, lines))
      }
      const all = await stock.moves(product.productId, undefined, 100)
      expect(all).toHaveLength(8)
      const paged = []
      for (let page = all.slice(0, 0), before = undefined as (typeof all)[number] | undefined; ; ) {
        page = await stock.moves(product.productId, before, 3)
        paged.push(...page)
        before = page.at(-1)
        if (before === undefined) break
      }
      expect(paged).toEqual(all)
    })

    it('makes a guest a customer with his order, or not at all', async () => {
      const product = await stocked(1)
      const guest = (id: string) => aCustomer(id, { guest: true })
      const place = (id: string) =>
        ports.orders.place(
          aPlacement(ports, guest(id), [aLine(1, product, 1)], undefined, { buyer: { guest: guest(id) } }),
        )
      expect(await place('guest-1')).toMatchObject({ kind: 'placed' })
      expect(await place('guest-2')).toMatchObject({ kind: 'short' })
      expect(await ports.customers.find(['guest-1', 'guest-2'])).toEqual([guest('guest-1')])
    })
  })
}
