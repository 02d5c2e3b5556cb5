import { describe, expect, it } from 'vitest'
import { businessDay, startOfDay } from '../../src/orders/business-day.ts'
import { checkTransition, decide, type OrderCommand } from '../../src/orders/decide.ts'
import { loadOrderMapping, ORDER_MAPPINGS } from '../../src/orders/import-mapping.ts'
import { parseDay, unitPrice } from '../../src/orders/import-row.ts'
import {
  evolve,
  ORDER_STATUSES,
  type OrderEvent,
  type OrderState,
  replay,
  TRANSITIONS,
} from '../../src/orders/order.ts'
import { mergeItems, priceLines } from '../../src/orders/pricing.ts'
import { aProduct } from '../../src/testing/order-values.ts'

const DAY = '2026-01-31'
const CREATED: OrderEvent = {
  type: 'ORDER_CREATED',
  details: {
    order_number: '1',
    currency: 'USD',
    total_price: 2_300,
    ship_to: { country: 'US', city: 'New York' },
    lines: [
      { line_no: 1, product_id: 'b', quantity: 2, price: 1_000, discount: 0, amount: 2_000, tax: 0 },
      { line_no: 2, product_id: 'a', quantity: 1, price: 300, discount: 0, amount: 300, tax: 20 },
    ],
  },
}
const pending = evolve(undefined, CREATED)
const pay = (captured: bigint, paymentIntentId = 'pi_1'): OrderCommand => ({
  type: 'RecordPayment',
  paymentIntentId,
  captured,
  currency: 'USD',
})

/** Given a state, when commands, then the state. */
function after(state: OrderState, ...commands: OrderCommand[]): OrderState {
  return commands.reduce((order, command) => {
    const decision = decide(command, order, DAY)
    return decision === undefined ? order : evolve(order, decision.event)
  }, state)
}

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
        else
          expect(check).toThrow(
            expect.objectContaining({ code: 'illegal_transition', data: { status: from, wanted: to } }),
          )
      }
    }
  })

  it('books the sale with the payment that covers the order', () => {
    expect(decide(pay(2_299n), pending, DAY)?.event).toMatchObject({ type: 'PAYMENT_RECEIVED' })
    expect(decide(pay(2_300n), pending, DAY)).toEqual({
      stock: [],
      event: {
        type: 'ORDER_PAID',
        details: {
          payment_intent_id: 'pi_1',
          captured: 2_300,
          amount: 2_300,
          booked_day: DAY,
          ship_to: { country: 'US', city: 'New York' },
          legs: [
            { line_no: 1, kind: 'sale', quantity: 2, amount: 2_000, tax: 0 },
            { line_no: 2, kind: 'sale', quantity: 1, amount: 300, tax: 20 },
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
          reason: 'why',
          lines: [
            { line_no: 1, quantity: 2 },
            { line_no: 2, quantity: 1 },
          ],
        },
      },
      stock: [
        { productId: 'a', kind: 'release', onHand: 0, reserved: -1 },
        { productId: 'b', kind: 'release', onHand: 0, reserved: -2 },
      ],
    })
  })

  it('counts what is held and owed into the payment status', () => {
    const cancel: OrderCommand = { type: 'Cancel' }
    const refund = (refunded: bigint): OrderCommand => ({
      type: 'RecordRefund',
      paymentIntentId: 'pi_1',
      refunded,
      currency: 'USD',
    })
    const status = (...commands: OrderCommand[]) => after(pending, ...commands).paymentStatus
    expect(status()).toBe('unpaid')
    expect(status(cancel)).toBe('unpaid')
    expect(status(pay(1n))).toBe('partially_paid')
    expect(status(pay(2_300n))).toBe('paid')
    expect(status(pay(2_300n), pay(1n, 'pi_2'))).toBe('refund_due')
    expect(status(pay(2_300n), cancel)).toBe('refund_due')
    expect(status(pay(2_300n), refund(300n))).toBe('partially_refunded')
    expect(status(pay(2_300n), cancel, refund(2_300n))).toBe('refunded')
    expect(status(cancel, pay(5n))).toBe('refund_due')
  })

  it('leaves the stock alone for an order that was imported', () => {
    const imported = replay([
      { type: 'ORDER_IMPORTED', details: { ...CREATED.details, booked_day: DAY, legs: [] } } as OrderEvent,
    ])!
    expect(imported).toMatchObject({ status: 'DELIVERED', paymentStatus: 'paid', paidTotal: 2_300n })
    const shippable = { ...imported, status: 'PAID', lines: pending.lines } as OrderState
    expect(decide({ type: 'Ship' }, shippable, DAY)?.stock).toEqual([])
  })

  it('refuses a history that does not begin with the making of the order, or makes it twice', () => {
    expect(() => evolve(undefined, { type: 'ORDER_DELIVERED', details: {} })).toThrow(/begin/)
    expect(() => evolve(pending, CREATED)).toThrow(/twice/)
    expect(replay([])).toBeUndefined()
  })
})

describe('prices of an order', () => {
  const products = new Map([
    ['a', aProduct('a')],
    ['b', aProduct('b', { price: 1n })],
  ])

  it('puts the items of one product together, in the order in which they were named', () => {
    const items = [
      { product_id: 'b', quantity: 1 },
      { product_id: 'a', quantity: 2 },
      { product_id: 'b', quantity: 3 },
    ]
    expect(mergeItems(items)).toEqual([
      { product_id: 'b', quantity: 4 },
      { product_id: 'a', quantity: 2 },
    ])
    expect(priceLines(items, products, undefined)).toMatchObject({ currency: 'USD', subtotal: 2_004n })
  })

  it('refuses quantities and totals above the limits', () => {
    const many = [
      { product_id: 'a', quantity: 1_000_000 },
      { product_id: 'a', quantity: 1 },
    ]
    expect(() => priceLines(many, products, undefined)).toThrow(/add up to more/)
    const dear = new Map([['a', aProduct('a', { price: 1_000_000_000_000n })]])
    expect(() => priceLines([{ product_id: 'a', quantity: 2 }], dear, undefined)).toThrow(/costs more than the limit/)
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
