import { describe, expect, it } from 'vitest'
import { loadOrderMapping, ORDER_MAPPINGS } from '../../src/orders/import/mapping.ts'
import { parseDay, unitPrice } from '../../src/orders/import/row.ts'
import { businessDay, startOfDay } from '../../src/orders/model/business-day.ts'
import { chainProblem, historyHash, type StoredEntry } from '../../src/orders/model/chain.ts'
import { checkTransition, decide, type OrderCommand } from '../../src/orders/model/decide.ts'
import type { CreatedLine, OrderEvent } from '../../src/orders/model/events.ts'
import { amountDueOf, evolve, type OrderState, owedOf, refundDueOf, replay } from '../../src/orders/model/order.ts'
import { ORDER_STATUSES, TRANSITIONS } from '../../src/orders/model/statuses.ts'
import { mergeItems, priceOrder } from '../../src/orders/placing/pricing.ts'
import { aProduct } from '../../src/testing/order-values.ts'

const DAY = '2026-01-31'
const NEW_YORK = { country: 'US', city: 'New York' }
const aLine = (line_no: number, product_id: string, quantity: number, price: number, tax = 0): CreatedLine => ({
  ...{ line_no, product_id, location_id: 'main', quantity, price, discount: 0, tax_included: 0 },
  ...{ amount: quantity * price, tax },
})
/** Two units of `b` at 10.00 and one of `a` at 3.00 with 0.20 tax; 5.00 for shipping with 0.50 tax. */
const CREATED: OrderEvent = {
  type: 'ORDER_CREATED',
  details: {
    ...{ order_number: '1', currency: 'USD', total_price: 2_870, shipping: 500, shipping_tax: 50 },
    ship_to: NEW_YORK,
    lines: [aLine(1, 'b', 2, 1_000), aLine(2, 'a', 1, 300, 20)],
  },
}
const pending = evolve(undefined, CREATED)
const pay = (captured: bigint, paymentIntentId = 'pi_1'): OrderCommand => ({
  ...{ type: 'RecordPayment', paymentIntentId, captured, currency: 'USD' },
})
const refund = (refunded: bigint, paymentIntentId = 'pi_1'): OrderCommand => ({
  ...{ type: 'RecordRefund', paymentIntentId, refunded, currency: 'USD' },
})
const ship = (...items: [line_no: number, quantity: number][]): OrderCommand => ({
  ...{ type: 'Ship', tracking: {} },
  ...(items.length === 0 ? {} : { items: items.map(([line_no, quantity]) => ({ line_no, quantity })) }),
})
const cancel = (...items: [line_no: number, quantity: number][]): OrderCommand => ({
  type: 'Cancel',
  ...(items.length === 0 ? {} : { items: items.map(([line_no, quantity]) => ({ line_no, quantity })) }),
})
const giveBack = (line_no: number, quantity: number, more: { restock?: boolean; withShipping?: boolean } = {}) =>
  ({ type: 'Return', items: [{ line_no, quantity }], restock: true, ...more }) satisfies OrderCommand
const edit = (add: CreatedLine[], remove: [line_no: number, quantity: number][] = []): OrderCommand => ({
  ...{ type: 'Edit', add, remove: remove.map(([line_no, quantity]) => ({ line_no, quantity })) },
})
const PAID = pay(2_870n)

/** Given a state, when commands, then the state. */
function given(state: OrderState, ...commands: OrderCommand[]): OrderState {
  return commands.reduce((order, command) => {
    const decision = decide(command, order, DAY)
    return decision === undefined ? order : evolve(order, decision.event)
  }, state)
}

const refused = (code: string, data: object = {}) =>
  expect.objectContaining({ code, data: expect.objectContaining(data) })

describe('rules of an order', () => {
  it('knows the five legal edges and no other', () => {
    const legal = ORDER_STATUSES.flatMap((from) => TRANSITIONS[from].map((to) => `${from} -> ${to}`))
    expect(legal).toEqual([
      'PENDING -> PAID',
      'PENDING -> CANCELLED',
      'PAID -> SHIPPED',
      'PAID -> CANCELLED',
      'SHIPPED -> DELIVERED',
    ])
    for (const from of ORDER_STATUSES) {
      for (const to of ORDER_STATUSES) {
        const check = () => checkTransition(from, to)
        if (TRANSITIONS[from].includes(to)) expect(check).not.toThrow()
        else expect(check).toThrow(refused('illegal_transition', { order_status: from, wanted: to }))
      }
    }
  })

  it('books the sale, shipping too, with the payment that covers the order', () => {
    expect(decide(pay(2_869n), pending, DAY)?.event).toMatchObject({ type: 'PAYMENT_RECEIVED' })
    expect(decide(PAID, pending, DAY)).toEqual({
      stock: [],
      event: {
        type: 'ORDER_PAID',
        details: {
          ...{ payment_intent_id: 'pi_1', captured: 2_870, amount: 2_870, booked_day: DAY, ship_to: NEW_YORK },
          legs: [
            { line_no: 1, kind: 'sale', quantity: 2, amount: 2_000, tax: 0 },
            { line_no: 2, kind: 'sale', quantity: 1, amount: 300, tax: 20 },
            { line_no: 0, kind: 'sale', quantity: 0, amount: 500, tax: 50 },
          ],
        },
      },
    })
  })

  it('takes nothing back in the report when an unpaid order is cancelled, but frees its units', () => {
    expect(decide({ type: 'Cancel', reason: 'why' }, pending, DAY)).toEqual({
      event: {
        type: 'ORDER_CANCELLED',
        details: {
          ...{ reason: 'why', taken_back: 2_870, shipping_taken_back: true },
          lines: [
            { line_no: 1, quantity: 2 },
            { line_no: 2, quantity: 1 },
          ],
        },
      },
      stock: [
        { productId: 'a', locationId: 'main', kind: 'release', onHand: 0, reserved: -1 },
        { productId: 'b', locationId: 'main', kind: 'release', onHand: 0, reserved: -2 },
      ],
    })
  })

  it('becomes SHIPPED with the last open unit, whether that is shipped or cancelled', () => {
    const part = given(pending, PAID, ship([1, 1]))
    expect(part).toMatchObject({ status: 'PAID', fulfillmentStatus: 'partially_shipped' })
    expect(given(part, ship())).toMatchObject({ status: 'SHIPPED', fulfillmentStatus: 'shipped' })
    const rest = given(part, cancel([1, 1], [2, 1]))
    expect(rest).toMatchObject({ status: 'SHIPPED', fulfillmentStatus: 'shipped', cancelledTotal: 1_320n })
    expect(rest.shipments).toMatchObject([{ shipmentNo: 1, lines: [{ line_no: 1, quantity: 1 }] }])
  })

  it('is cancelled as a whole when all its units are, and not any more once some are shipped', () => {
    expect(given(pending, PAID, cancel([1, 2], [2, 1]))).toMatchObject({
      ...{ status: 'CANCELLED', cancelledTotal: 2_870n, paymentStatus: 'refund_due' },
    })
    const part = given(pending, PAID, ship([1, 1]))
    expect(() => decide(cancel(), part, DAY)).toThrow(refused('order_partly_shipped', { quantity_shipped: 1 }))
    expect(() => decide(edit([], [[1, 1]]), part, DAY)).toThrow(refused('order_partly_shipped'))
    const moved: OrderCommand = { type: 'ChangeAddress', place: { country: 'NO', city: 'Oslo' } }
    expect(() => decide(moved, part, DAY)).toThrow(refused('order_partly_shipped'))
  })

  it('takes no more units than a line has left, and none of a line that is not there', () => {
    const paid = given(pending, PAID)
    const wrong: [OrderCommand, string, object][] = [
      [ship([1, 3]), 'quantity_exceeds_line', { line_no: 1, requested: 3, available: 2 }],
      [ship([1, 2], [1, 1]), 'quantity_exceeds_line', { requested: 3 }],
      [ship([9, 1]), 'unknown_order_line', { line_no: 9 }],
      [cancel([2, 2]), 'quantity_exceeds_line', { available: 1 }],
      [giveBack(1, 1), 'quantity_exceeds_line', { available: 0 }],
      [edit([], [[2, 2]]), 'quantity_exceeds_line', { available: 1 }],
      [
        edit(
          [],
          [
            [1, 2],
            [2, 1],
          ],
        ),
        'illegal_transition',
        {},
      ],
      [edit([]), 'invalid_input', {}],
      [edit(Array.from({ length: 199 }, (_, n) => aLine(3 + n, 'c', 1, 1))), 'invalid_input', {}],
      [edit([aLine(3, 'c', 1, 1_000_000_000_000)]), 'invalid_input', {}],
    ]
    for (const [command, code, data] of wrong) expect(() => decide(command, paid, DAY)).toThrow(refused(code, data))
  })

  it('puts returned units back into the stock, or not, and takes them back in the report', () => {
    const shipped = given(pending, PAID, ship())
    expect(decide(giveBack(2, 1), shipped, DAY)).toEqual({
      event: {
        type: 'ITEMS_RETURNED',
        details: {
          ...{ lines: [{ line_no: 2, quantity: 1 }], restocked: [{ line_no: 2, quantity: 1 }] },
          ...{ taken_back: 320, refund_due: 320, booked_day: DAY, ship_to: NEW_YORK },
          legs: [{ line_no: 2, kind: 'return', quantity: -1, amount: -300, tax: -20 }],
        },
      },
      stock: [{ productId: 'a', locationId: 'main', kind: 'return', onHand: 1, reserved: 0 }],
    })
    const lost = decide(giveBack(2, 1, { restock: false, withShipping: true }), shipped, DAY)!
    expect(lost.stock).toEqual([])
    expect(lost.event.details).toMatchObject({ restocked: [], taken_back: 870, shipping_taken_back: true })
    const twice = given(shipped, giveBack(2, 1, { withShipping: true }), giveBack(1, 1, { withShipping: true }))
    expect(twice).toMatchObject({ returnedTotal: 1_870n, fulfillmentStatus: 'partially_returned' })
    expect(given(twice, giveBack(1, 1)).fulfillmentStatus).toBe('returned')
  })

  it('does not call an order returned while units of it are still to be shipped', () => {
    expect(given(pending, PAID, ship([1, 1]), giveBack(1, 1)).fulfillmentStatus).toBe('partially_returned')
  })

  it('is delivered with its last shipment', () => {
    const two = given(pending, PAID, ship([1, 2]), ship())
    const deliver = (shipmentNo?: number): OrderCommand => ({ type: 'Deliver', shipmentNo })
    const one = given(two, deliver(2))
    expect(one).toMatchObject({ status: 'SHIPPED', shipments: [{ delivered: false }, { delivered: true }] })
    expect(given(one, deliver(1))).toMatchObject({ status: 'DELIVERED', fulfillmentStatus: 'delivered' })
    expect(given(two, deliver())).toMatchObject({ status: 'DELIVERED', shipments: [{ delivered: true }, {}] })
    expect(() => decide(deliver(2), one, DAY)).toThrow(refused('illegal_transition'))
    expect(() => decide(deliver(3), one, DAY)).toThrow(refused('shipment_not_found'))
    const early = given(pending, PAID, ship([1, 2]), deliver(1))
    expect(early).toMatchObject({ status: 'PAID', shipments: [{ delivered: true }] })
    expect(() => decide(deliver(), early, DAY)).toThrow(refused('illegal_transition'))
  })

  it('changes what is known of a shipment, and nothing when it is known', () => {
    const shipped = given(pending, PAID, ship())
    const track = (tracking_number: string): OrderCommand => ({
      ...{ type: 'ChangeTracking', shipmentNo: 1, tracking: { tracking_number } },
    })
    const tracked = given(shipped, { type: 'ChangeTracking', shipmentNo: 1, tracking: { carrier: 'A' } }, track('1'))
    expect(tracked.shipments).toMatchObject([{ carrier: 'A', tracking_number: '1' }])
    expect(decide(track('1'), tracked, DAY)).toBeUndefined()
  })

  it('moves what is booked along with the address', () => {
    const oslo = { country: 'NO', city: 'Oslo' }
    const move: OrderCommand = { type: 'ChangeAddress', place: oslo }
    expect(decide(move, pending, DAY)?.event.details).toEqual({ ship_to: oslo })
    const { event } = decide(move, given(pending, PAID), DAY)!
    const legs = 'legs' in event.details ? (event.details.legs ?? []) : []
    expect(legs.filter((leg) => leg.place !== undefined).map((leg) => [leg.line_no, leg.amount])).toEqual([
      [1, -2_000],
      [2, -300],
      [0, -500],
    ])
    expect(legs.reduce((sum, { amount }) => sum + amount, 0)).toBe(0)
  })

  it('is PAID as soon as nothing is left to pay: by a cancellation, an edit, or because it costs nothing', () => {
    const part = given(pending, pay(2_550n))
    expect(given(part, cancel([2, 1]))).toMatchObject({ status: 'PAID', paymentStatus: 'paid' })
    expect(given(part, edit([], [[2, 1]]))).toMatchObject({ status: 'PAID', paymentStatus: 'paid' })
    const details = { ...CREATED.details, total_price: 0, shipping: 0, shipping_tax: 0, lines: [aLine(1, 'b', 2, 0)] }
    const free = evolve(undefined, { type: 'ORDER_CREATED', details } as OrderEvent)
    expect(given(free, { type: 'Settle' })).toMatchObject({ status: 'PAID', paymentStatus: 'unpaid' })
    expect(given(free, cancel([1, 1]))).toMatchObject({ status: 'PAID' })
    expect(() => decide({ type: 'Settle' }, pending, DAY)).toThrow(refused('order_not_paid', { amount_due: 2_870 }))
    expect(decide({ type: 'Settle' }, given(pending, PAID), DAY)).toBeUndefined()
  })

  it('holds back goods that an edit made dearer until the rest is paid', () => {
    const dearer = given(pending, PAID, edit([aLine(3, 'c', 1, 100)]))
    expect(dearer).toMatchObject({ status: 'PAID', paymentStatus: 'partially_paid', totalPrice: 2_970n })
    expect(() => decide(ship(), dearer, DAY)).toThrow(refused('order_not_paid', { amount_due: 100 }))
    expect(given(dearer, pay(2_970n), ship())).toMatchObject({ status: 'SHIPPED', paymentStatus: 'paid' })
  })

  it('counts what is held and owed into the payment status', () => {
    const status = (...commands: OrderCommand[]) => given(pending, ...commands).paymentStatus
    expect(status()).toBe('unpaid')
    expect(status(cancel())).toBe('unpaid')
    expect(status(pay(1n))).toBe('partially_paid')
    expect(status(PAID)).toBe('paid')
    expect(status(PAID, pay(1n, 'pi_2'))).toBe('refund_due')
    expect(status(PAID, cancel())).toBe('refund_due')
    expect(status(PAID, refund(300n))).toBe('partially_refunded')
    expect(status(PAID, cancel(), refund(2_870n))).toBe('refunded')
    expect(status(cancel(), pay(5n))).toBe('refund_due')
    expect(status(PAID, cancel([2, 1]), refund(320n))).toBe('paid')
  })

  it('does not count money that went back as paid, unless it was a courtesy', () => {
    const due = (...commands: OrderCommand[]) => amountDueOf(given(pending, ...commands))
    // What was due and went back has to be paid again when units are added.
    const smaller = [PAID, edit([], [[2, 1]]), refund(320n)]
    expect(due(...smaller)).toBe(0n)
    expect(due(...smaller, edit([aLine(3, 'a', 1, 300, 20)]))).toBe(320n)
    expect(() => decide(ship(), given(pending, ...smaller, edit([aLine(3, 'a', 1, 300, 20)])), DAY)).toThrow(
      refused('order_not_paid', { amount_due: 320 }),
    )
    // A courtesy holds nothing up.
    const nice = given(pending, PAID, refund(100n))
    expect(nice).toMatchObject({ goodwillTotal: 100n, status: 'PAID' })
    expect(given(nice, ship())).toMatchObject({ status: 'SHIPPED' })
    // Before the order is paid, what goes back is its payment.
    const withdrawn = given(pending, pay(1_000n), refund(1_000n))
    expect(withdrawn).toMatchObject({ goodwillTotal: 0n, paymentStatus: 'unpaid' })
    expect(amountDueOf(withdrawn)).toBe(2_870n)
    expect(given(withdrawn, pay(1_870n, 'pi_2')).status).toBe('PENDING')
  })

  it('gives back to the cent what was paid, in whatever parts', () => {
    const lines = [aLine(1, 'b', 3, 333, 100), aLine(2, 'a', 7, 99, 33)]
    const details = { ...CREATED.details, total_price: 2_375, lines } as typeof CREATED.details
    const order = given(evolve(undefined, { type: 'ORDER_CREATED', details } as OrderEvent), pay(2_375n), ship())
    const units = [1, 2, 2, 1, 2, 2, 2, 1, 2, 2]
    const back = units.reduce((now, line, n) => given(now, giveBack(line, 1, { withShipping: n === 4 })), order)
    expect([owedOf(back), refundDueOf(back), back.returnedTotal]).toEqual([0n, 2_375n, 2_375n])
  })

  it('leaves the stock alone for an order that was imported', () => {
    const details = { ...CREATED.details, booked_day: DAY, ship_to: NEW_YORK, legs: [] }
    const imported = replay([{ type: 'ORDER_IMPORTED', details } as OrderEvent])!
    expect(imported).toMatchObject({ status: 'DELIVERED', paymentStatus: 'paid', paidTotal: 2_870n })
    expect(decide(giveBack(1, 1), imported, DAY)).toMatchObject({
      stock: [],
      event: { details: { taken_back: 1_000 } },
    })
  })

  it('refuses a history that does not begin with the making of the order, or makes it twice', () => {
    expect(() => evolve(undefined, { type: 'ORDER_DELIVERED', details: {} })).toThrow(/begin/)
    expect(() => evolve(pending, CREATED)).toThrow(/twice/)
    expect(replay([])).toBeUndefined()
  })
})

describe('the chain of a history', () => {
  const entries: StoredEntry[] = []
  const events = [
    CREATED,
    ...[PAID, ship()].map((command, n) => decide(command, given(pending, ...[PAID].slice(0, n)), DAY)!.event),
  ]
  for (const [index, event] of events.entries()) {
    const entry = { version: index + 1, event, atMs: 1_000 * index, actor: 'me', requestId: undefined }
    entries.push({ ...entry, hash: historyHash({ ...entry, orderId: 7n }, entries.at(-1)?.hash) })
  }
  const last = entries[2]!.hash
  const changed = (index: number, change: Partial<StoredEntry>) =>
    entries.map((entry, at) => (at === index ? { ...entry, ...change } : entry))

  it('is whole as it was written, also when it comes from JSON', () => {
    expect(chainProblem(7n, entries, last)).toBeUndefined()
    const stored = entries.map((entry) => ({ ...entry, event: JSON.parse(JSON.stringify(entry.event)) }))
    expect(chainProblem(7n, stored, last)).toBeUndefined()
  })

  it('names the entry that was changed, whatever of it', () => {
    const details = { ...CREATED.details, total_price: 1 }
    const cases: Partial<StoredEntry>[] = [
      { event: { type: 'ORDER_CREATED', details } as OrderEvent },
      { atMs: 1 },
      { actor: 'you' },
      { requestId: 'r' },
      { hash: new Uint8Array(32) },
    ]
    for (const change of cases) expect(chainProblem(7n, changed(0, change), last)).toMatchObject({ version: 1 })
    expect(chainProblem(7n, changed(1, { actor: 'you' }), last)).toMatchObject({ version: 2 })
    expect(chainProblem(8n, entries, last)).toMatchObject({ version: 1 })
  })

  it('shows entries that are missing, also at the end', () => {
    expect(chainProblem(7n, [entries[0]!, entries[2]!], last)).toMatchObject({ version: 3 })
    expect(chainProblem(7n, entries.slice(0, 2), last)).toMatchObject({ version: 3 })
    expect(chainProblem(7n, [], last)).toMatchObject({ version: 1 })
  })
})

describe('prices of an order', () => {
  const products = new Map([
    ['a', aProduct('a')],
    ['b', aProduct('b', { price: 1n })],
  ])
  const item = (product_id: string, quantity: number) => ({ product_id, quantity, location_id: 'main' })
  const priced = (items: ReturnType<typeof item>[], known = products) =>
    priceOrder({
      ...{ items, products: known, currency: undefined },
      ...{ discounts: [], shipping: [], taxRules: [], pricesIncludeTax: false },
    })

  it('puts the items of one product together, in the order in which they were named', () => {
    const items = [item('b', 1), item('a', 2), item('b', 3)]
    expect(mergeItems(items)).toEqual([item('b', 4), item('a', 2)])
    expect(priced(items)).toMatchObject({ currency: 'USD', totalPrice: 2_004n })
  })

  it('refuses quantities and totals above the limits', () => {
    expect(() => priced([item('a', 1_000_000), item('a', 1)])).toThrow(/add up to more/)
    const dear = new Map([['a', aProduct('a', { price: 1_000_000_000_000n })]])
    expect(() => priced([item('a', 2)], dear)).toThrow(/costs more than the limit/)
  })
})

describe('days of the store', () => {
  it.each([
    ['2026-03-08', 'America/New_York', '2026-03-08T05:00:00Z', 'a day of 23 hours'],
    ['2026-11-01', 'America/New_York', '2026-11-01T04:00:00Z', 'a day of 25 hours'],
    ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00Z', 'a day without midnight'],
    ['2026-01-01', 'Pacific/Kiritimati', '2025-12-31T10:00:00Z', '14 hours ahead'],
    ['2026-01-01', 'Asia/Kathmandu', '2025-12-31T18:15:00Z', 'quarters of an hour'],
  ])('starts %s in %s at %s: %s', (day, zone, start) => {
    expect(new Date(startOfDay(day, zone)!).toISOString()).toBe(new Date(start).toISOString())
    expect(businessDay(Date.parse(start), zone)).toBe(day)
    expect(businessDay(Date.parse(start) - 1, zone)).not.toBe(day)
  })

  it('starts a day that the zone skipped with the next one', () => {
    expect(startOfDay('2011-12-30', 'Pacific/Apia')).toBe(startOfDay('2011-12-31', 'Pacific/Apia'))
  })

  it('knows what is no day', () => {
    for (const text of ['2026-02-30', '2026-1-1', 'today', '']) expect(startOfDay(text, 'UTC')).toBeUndefined()
  })
})

describe('reading files of orders', () => {
  it('reads dates of each form, and only those of the calendar', () => {
    expect(parseDay('11/8/2017', 'M/D/YYYY')).toBe('2017-11-08')
    expect(parseDay('11/8/2017', 'D/M/YYYY')).toBe('2017-08-11')
    expect(parseDay('1.2.2020', 'D.M.YYYY')).toBe('2020-02-01')
    expect(parseDay('2020-02-29', 'YYYY-MM-DD')).toBe('2020-02-29')
    for (const text of ['2019-02-29', '20-02-2019', '2/30/2020', '']) {
      expect(parseDay(text, 'YYYY-MM-DD') ?? parseDay(text, 'M/D/YYYY')).toBeUndefined()
    }
  })

  it('finds the list price behind a discount, rounded up', () => {
    expect(unitPrice('261.96', '0', 2, 2)).toBe(13_098n)
    expect(unitPrice('957.5775', '0.45', 5, 2)).toBe(34_821n)
    expect(unitPrice('0.444', '0.8', 1, 2)).toBe(222n)
    expect(unitPrice('5', '1', 1, 2)).toBe(0n)
    expect(unitPrice('5', '1.5', 1, 2)).toBeUndefined()
    expect(unitPrice('-5', '0', 1, 2)).toBeUndefined()
  })

  it('knows its mappings by name, and says which there are', async () => {
    expect(await loadOrderMapping('superstore')).toBe(ORDER_MAPPINGS['superstore'])
    await expect(loadOrderMapping('megastore')).rejects.toMatchObject({
      message: expect.stringContaining('superstore'),
    })
    await expect(loadOrderMapping('/nowhere/map.json')).rejects.toMatchObject({ code: 'invalid_input' })
  })
})
