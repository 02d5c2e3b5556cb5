import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import { parseDecimal } from '../../src/core/money.ts'
import { unitPrice } from '../../src/orders/import/row.ts'
import { businessDay, startOfDay } from '../../src/orders/model/business-day.ts'
import { decide, type OrderCommand } from '../../src/orders/model/decide.ts'
import type { CreatedDetails, CreatedLine, Leg, OrderEvent } from '../../src/orders/model/events.ts'
import { evolve, type OrderState, owedOf, replay } from '../../src/orders/model/order.ts'
import { BOOKED_STATUSES, TRANSITIONS } from '../../src/orders/model/statuses.ts'
import { mergeItems, type RequestedItem } from '../../src/orders/placing/pricing.ts'

const SHELVES = ['main', 'north']

/** A line with any discount, and its tax inside the price or on top. */
const line = fc
  .record({
    product: fc.integer({ min: 0, max: 3 }),
    location: fc.constantFrom(...SHELVES),
    quantity: fc.integer({ min: 1, max: 12 }),
    price: fc.integer({ min: 0, max: 9_999 }),
    off: fc.integer({ min: 0, max: 100 }),
    rate: fc.integer({ min: 0, max: 30 }),
    inside: fc.boolean(),
  })
  .map(({ product, location, quantity, price, off, rate, inside }): Omit<CreatedLine, 'line_no'> => {
    const gross = quantity * price
    const discount = Math.floor((gross * off) / 100)
    const tax = Math.floor(((gross - discount) * rate) / (inside ? 100 + rate : 100))
    const tax_included = inside ? tax : 0
    return {
      ...{ product_id: `p${product}`, location_id: location, quantity, price, discount, tax_included, tax },
      amount: gross - discount - tax_included,
    }
  })

const numbered = (lines: readonly Omit<CreatedLine, 'line_no'>[], first: number): CreatedLine[] =>
  lines.map((part, index) => ({ ...part, line_no: first + index }))
const costOf = (lines: readonly CreatedLine[]) => lines.reduce((sum, { amount, tax }) => sum + amount + tax, 0)

const created = fc
  .record({
    parts: fc.array(line, { minLength: 1, maxLength: 4 }),
    shipping: fc.integer({ min: 0, max: 2_000 }),
    shippingTax: fc.integer({ min: 0, max: 300 }),
  })
  .map(({ parts, shipping, shippingTax }) => {
    const lines = numbered(parts, 1)
    const details: CreatedDetails = {
      ...{ order_number: '1', currency: 'USD', shipping, shipping_tax: shippingTax },
      ...{ ship_to: { country: 'US', city: 'New York' }, lines, total_price: costOf(lines) + shipping + shippingTax },
    }
    return { type: 'ORDER_CREATED', details } as const
  })

const items = fc.array(
  fc.record({ line_no: fc.integer({ min: 1, max: 5 }), quantity: fc.integer({ min: 1, max: 6 }) }),
  { minLength: 1, maxLength: 3 },
)
const somebody = fc.record({ paymentIntentId: fc.constantFrom('pi_1', 'pi_2'), currency: fc.constant('USD') })
const share = fc.integer({ min: 0, max: 120 })

/** Commands; amounts of money as percent of what the order costs, so that many of them fit. */
const step = fc.oneof(
  fc.record({ do: fc.constant('Ship' as const), items: fc.option(items, { nil: undefined }) }),
  fc.record({ do: fc.constant('Deliver' as const), shipmentNo: fc.option(fc.nat(3), { nil: undefined }) }),
  fc.record({
    do: fc.constant('Cancel' as const),
    items: fc.option(items, { nil: undefined, freq: 4 }),
    withShipping: fc.boolean(),
  }),
  fc.record({ do: fc.constant('Return' as const), items, restock: fc.boolean(), withShipping: fc.boolean() }),
  fc.record({
    do: fc.constant('Edit' as const),
    add: fc.array(line, { maxLength: 2 }),
    remove: fc.oneof(fc.constant([]), items),
  }),
  fc.record({ do: fc.constant('ChangeAddress' as const), city: fc.constantFrom('New York', 'Oslo', 'Rome') }),
  fc.constant({ do: 'Settle' as const }),
  fc.record({ do: fc.constant('RecordPayment' as const), who: somebody, share }),
  fc.record({ do: fc.constant('RecordPayment' as const), who: somebody, share: fc.constant(100) }),
  fc.record({ do: fc.constant('RecordRefund' as const), who: somebody, share }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function commandOf(order: OrderState, s: Step): OrderCommand {
  const part = (percent: number) => (order.totalPrice * BigInt(percent)) / 100n
  switch (s.do) {
    case 'Ship':
      return { type: 'Ship', items: s.items, tracking: {} }
    case 'Edit':
      return { type: 'Edit', add: numbered(s.add, order.lines.length + 1), remove: s.remove }
    case 'ChangeAddress':
      return { type: 'ChangeAddress', place: { country: 'XX', city: s.city } }
    case 'RecordPayment':
      return { type: 'RecordPayment', ...s.who, captured: part(s.share) }
    case 'RecordRefund':
      return { type: 'RecordRefund', ...s.who, refunded: part(s.share) }
    default: {
      const { do: type, ...rest } = s
      return { type, ...rest } as OrderCommand
    }
  }
}

/** `undefined` when the rules refuse it, or it changes nothing. */
function tried(command: OrderCommand, order: OrderState) {
  try {
    return decide(command, order, '2026-01-31')
  } catch (error) {
    if (!isAppError(error)) throw error
    return undefined
  }
}

const legsOf = (event: OrderEvent): readonly Leg[] => ('legs' in event.details ? (event.details.legs ?? []) : [])
const sum = <T>(list: readonly T[], pick: (item: T) => number) => list.reduce((total, item) => total + pick(item), 0)

/** What an order has done to the stock: units by product and location. */
function createShelves() {
  const shelves = new Map<string, { reserved: number; onHand: number }>()
  return {
    add(productId: string, locationId: string, reserved: number, onHand: number) {
      const key = `${productId} ${locationId}`
      const { reserved: r, onHand: h } = shelves.get(key) ?? { reserved: 0, onHand: 0 }
      shelves.set(key, { reserved: r + reserved, onHand: h + onHand })
    },
    contents: () =>
      Object.fromEntries([...shelves].filter(([, { reserved, onHand }]) => reserved !== 0 || onHand !== 0)),
  }
}

/** What the stock must be, from the lines alone; restocked units are not in them. */
function expectedShelves(order: OrderState, history: readonly OrderEvent[]) {
  const shelves = createShelves()
  for (const { productId, locationId, quantity, cancelled, shipped } of order.lines) {
    shelves.add(productId, locationId, order.status === 'CANCELLED' ? 0 : quantity - cancelled - shipped, -shipped)
  }
  for (const event of history) {
    if (event.type !== 'ITEMS_RETURNED') continue
    for (const { line_no, quantity } of event.details.restocked) {
      const { productId, locationId } = order.lines.find(({ lineNo }) => lineNo === line_no)!
      shelves.add(productId, locationId, 0, quantity)
    }
  }
  return shelves.contents()
}

/** The money of an order from its history alone, and from its state: they must be the same. */
function checkMoney(order: OrderState, history: readonly OrderEvent[]): void {
  const legs = history.flatMap(legsOf)
  const booked = BOOKED_STATUSES.includes(order.status)
  expect(sum(legs, ({ amount, tax }) => amount + tax)).toBe(booked ? Number(owedOf(order)) : 0)
  const left = order.lines.map(({ quantity, cancelled, returned }) => quantity - cancelled - returned)
  expect(sum(legs, ({ quantity }) => quantity)).toBe(booked ? sum(left, (units) => units) : 0)
  // A line of which nothing is left has brought nothing, to the cent, and tax by itself too.
  for (const [index, { lineNo }] of order.lines.entries()) {
    const own = legs.filter((leg) => leg.line_no === lineNo)
    if (left[index] === 0) expect([sum(own, (leg) => leg.amount), sum(own, (leg) => leg.tax)]).toEqual([0, 0])
  }
  const takenBack = sum(history, ({ details }) => ('taken_back' in details ? details.taken_back : 0))
  expect(BigInt(takenBack) + owedOf(order)).toBe(order.totalPrice)
  expect(owedOf(order) >= 0n).toBe(true)
  expect(order.refundedTotal <= order.paidTotal).toBe(true)
  expect(order.goodwillTotal <= order.refundedTotal).toBe(true)
  expect(order.paidTotal).toBe(order.payments.reduce((total, { captured }) => total + captured, 0n))
  expect(order.refundedTotal).toBe(order.payments.reduce((total, { refunded }) => total + refunded, 0n))
}

/** Where the goods of a booked order count must be where they go. */
function checkPlaces(order: OrderState, history: readonly OrderEvent[]): void {
  const cities = new Map<string, number>()
  for (const event of history) {
    const shipTo = 'ship_to' in event.details ? event.details.ship_to : undefined
    for (const leg of legsOf(event)) {
      const city = (leg.place ?? shipTo)!.city
      cities.set(city, (cities.get(city) ?? 0) + leg.amount + leg.tax)
    }
  }
  for (const [city, amount] of cities) if (city !== order.place.city) expect(amount).toBe(0)
}

describe('an order under any commands', () => {
  it('follows legal edges only, keeps its money, units and places, and equals the replay of its history', () => {
    const reached = new Set<string>()
    fc.assert(
      fc.property(created, fc.array(step, { maxLength: 25, size: 'max' }), (first, steps) => {
        const history: OrderEvent[] = [first]
        let order = evolve(undefined, first)
        const shelves = createShelves()
        for (const { productId, locationId, quantity } of order.lines) shelves.add(productId, locationId, quantity, 0)
        for (const next of steps) {
          const decision = tried(commandOf(order, next), order)
          if (decision === undefined) continue
          const before = order
          order = evolve(order, decision.event)
          history.push(decision.event)
          reached.add(decision.event.type)
          for (const move of decision.stock) shelves.add(move.productId, move.locationId, move.reserved, move.onHand)
          expect(order.version).toBe(before.version + 1)
          if (order.status !== before.status) expect(TRANSITIONS[before.status]).toContain(order.status)
          checkMoney(order, history)
          expect(shelves.contents()).toEqual(expectedShelves(order, history))
        }
        checkPlaces(order, history)
        // What is stored is JSON, so the replay starts from that.
        expect(replay(JSON.parse(JSON.stringify(history)))).toEqual(order)
      }),
      { numRuns: 1_000 },
    )
    // The commands above come as far as this; TRACKING_CHANGED and ORDER_IMPORTED have tests of their own.
    expect([...reached].sort()).toEqual([
      'ITEMS_CANCELLED',
      'ITEMS_RETURNED',
      'ITEMS_SHIPPED',
      'ORDER_CANCELLED',
      'ORDER_DELIVERED',
      'ORDER_EDITED',
      'ORDER_PAID',
      'ORDER_SHIPPED',
      'PAYMENT_AFTER_CANCELLATION',
      'PAYMENT_RECEIVED',
      'REFUND_RECORDED',
      'SHIPMENT_DELIVERED',
      'SHIPPING_ADDRESS_CHANGED',
    ])
  })

  it('gives exactly the whole back when everything is returned, in whatever parts', () => {
    fc.assert(
      fc.property(created, fc.array(items, { maxLength: 12 }), fc.boolean(), (first, parts, early) => {
        let order = evolve(undefined, first)
        const run = (command: OrderCommand) => {
          const decision = tried(command, order)
          if (decision !== undefined) order = evolve(order, decision.event)
        }
        run({ type: 'RecordPayment', paymentIntentId: 'pi_1', currency: 'USD', captured: order.totalPrice })
        run({ type: 'Settle' })
        run({ type: 'Ship', tracking: {} })
        expect(order.status).toBe('SHIPPED')
        for (const some of parts) run({ type: 'Return', items: some, restock: true, withShipping: early })
        const rest = order.lines
          .map(({ lineNo, shipped, returned }) => ({ line_no: lineNo, quantity: shipped - returned }))
          .filter(({ quantity }) => quantity > 0)
        if (rest.length > 0) run({ type: 'Return', items: rest, restock: true, withShipping: true })
        const shipping = order.shipping.takenBack ? 0n : order.shipping.amount + order.shipping.tax
        expect(owedOf(order)).toBe(shipping)
        expect(order.returnedTotal + shipping).toBe(order.totalPrice)
        expect(order.fulfillmentStatus).toBe('returned')
      }),
    )
  })

  it('ignores a payment fact that was seen before', () => {
    fc.assert(
      fc.property(created, fc.integer({ min: 1, max: 400_000 }), (first, captured) => {
        const pay: OrderCommand = {
          ...{ type: 'RecordPayment', paymentIntentId: 'pi_1', currency: 'USD', captured: BigInt(captured) },
        }
        const order = evolve(undefined, first)
        const { event } = decide(pay, order, '2026-01-31')!
        expect(decide(pay, evolve(order, event), '2026-01-31')).toBeUndefined()
      }),
    )
  })
})

describe('lines', () => {
  it('keep their units when they are merged', () => {
    const items = fc.array(
      fc.record({ product_id: fc.constantFrom('a', 'b', 'c'), quantity: fc.integer({ min: 1, max: 99 }) }),
    )
    fc.assert(
      fc.property(items, (given) => {
        const merged = mergeItems(given)
        const sum = (list: readonly RequestedItem[], id: string) =>
          list.filter((item) => item.product_id === id).reduce((total, item) => total + item.quantity, 0)
        for (const id of ['a', 'b', 'c']) expect(sum(merged, id)).toBe(sum(given, id))
        expect(new Set(merged.map((item) => item.product_id)).size).toBe(merged.length)
      }),
    )
  })

  it('never have a negative discount after an import, and cost exactly what the file says', () => {
    const decimal = fc
      .tuple(fc.integer({ min: 0, max: 99_999 }), fc.integer({ min: 0, max: 9_999 }))
      .map(([whole, fraction]) => `${whole}.${String(fraction).padStart(4, '0')}`)
    const discount = fc.integer({ min: 0, max: 99 }).map((percent) => `0.${String(percent).padStart(2, '0')}`)
    fc.assert(
      fc.property(decimal, discount, fc.integer({ min: 1, max: 1_000 }), (text, off, quantity) => {
        const price = unitPrice(text, off, quantity, 2)!
        const paid = parseDecimal(text, 2)!
        const taken = price * BigInt(quantity) - paid
        expect(taken >= 0n).toBe(true)
        // Rounded up by less than a cent per unit.
        const list = (Number(text) * 100) / (1 - Number(off))
        expect(Number(price * BigInt(quantity)) - list).toBeLessThan(quantity + 1)
      }),
    )
  })
})

describe('days', () => {
  it('begin at the first moment that belongs to them, in every zone', () => {
    const zone = fc.constantFrom(
      'UTC',
      'America/New_York',
      'America/Sao_Paulo',
      'Asia/Kathmandu',
      'Australia/Lord_Howe',
      'Pacific/Kiritimati',
    )
    const at = fc.integer({ min: Date.UTC(2012, 0, 1), max: Date.UTC(2040, 0, 1) })
    fc.assert(
      fc.property(zone, at, (timeZone, ms) => {
        const day = businessDay(ms, timeZone)
        const start = startOfDay(day, timeZone)!
        expect(start <= ms).toBe(true)
        expect(businessDay(start, timeZone)).toBe(day)
        expect(businessDay(start - 1, timeZone) < day).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})
