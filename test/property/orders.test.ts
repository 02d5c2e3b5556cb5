import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import { parseDecimal } from '../../src/core/money.ts'
import { businessDay, startOfDay } from '../../src/orders/business-day.ts'
import { decide, type OrderCommand } from '../../src/orders/decide.ts'
import { unitPrice } from '../../src/orders/import-row.ts'
import { type CreatedLine, evolve, type Leg, type OrderEvent, replay, TRANSITIONS } from '../../src/orders/order.ts'
import { mergeItems, type RequestedItem } from '../../src/orders/pricing.ts'

const line = fc
  .record({
    quantity: fc.integer({ min: 1, max: 50 }),
    price: fc.integer({ min: 0, max: 9_999 }),
    product: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ quantity, price, product }) => ({ quantity, price, product_id: `p${product}`, amount: quantity * price }))

const created = fc.array(line, { minLength: 1, maxLength: 6 }).map((parts): OrderEvent => {
  const lines = parts.map((part, index): CreatedLine => ({ ...part, line_no: index + 1, discount: 0, tax: 0 }))
  const total = lines.reduce((sum, { amount }) => sum + amount, 0)
  const ship_to = { country: 'US', city: 'New York' }
  return { type: 'ORDER_CREATED', details: { order_number: '1', currency: 'USD', total_price: total, ship_to, lines } }
})

const payment = fc.record({
  paymentIntentId: fc.constantFrom('pi_1', 'pi_2'),
  currency: fc.constant('USD'),
})
const amount = fc.integer({ min: 0, max: 400_000 }).map(BigInt)
const command: fc.Arbitrary<OrderCommand> = fc.oneof(
  fc.constantFrom({ type: 'Ship' } as const, { type: 'Deliver' } as const, { type: 'Cancel' } as const),
  fc.tuple(payment, amount).map(([who, captured]) => ({ type: 'RecordPayment', ...who, captured }) as const),
  fc.tuple(payment, amount).map(([who, refunded]) => ({ type: 'RecordRefund', ...who, refunded }) as const),
)

const legsOf = (event: OrderEvent): readonly Leg[] => ('legs' in event.details ? (event.details.legs ?? []) : [])

describe('an order under any commands', () => {
  it('follows legal edges only, keeps its invariants, and equals the replay of its history', () => {
    fc.assert(
      fc.property(created, fc.array(command, { maxLength: 12 }), (first, commands) => {
        const history: OrderEvent[] = [first]
        let order = evolve(undefined, first)
        let reserved = order.lines.reduce((sum, { quantity }) => sum + quantity, 0)
        let left = 0
        for (const next of commands) {
          let decision: ReturnType<typeof decide>
          try {
            decision = decide(next, order, '2026-01-31')
          } catch (error) {
            if (!isAppError(error)) throw error
            continue
          }
          if (decision === undefined) continue
          const before = order
          order = evolve(order, decision.event)
          history.push(decision.event)
          for (const move of decision.stock) {
            reserved += move.reserved
            left -= move.onHand
          }

          expect(order.version).toBe(before.version + 1)
          if (order.status !== before.status) expect(TRANSITIONS[before.status]).toContain(order.status)
          expect(order.refundedTotal <= order.paidTotal).toBe(true)
          expect(order.paidTotal).toBe(order.payments.reduce((sum, { captured }) => sum + captured, 0n))
          expect(order.refundedTotal).toBe(order.payments.reduce((sum, { refunded }) => sum + refunded, 0n))
        }

        const units = order.lines.reduce((sum, { quantity }) => sum + quantity, 0)
        const booked = history.flatMap(legsOf)
        const sold = ['PAID', 'SHIPPED', 'DELIVERED'].includes(order.status)
        const worth = order.lines.reduce((sum, line) => sum + Number(line.amount), 0)
        expect(booked.reduce((sum, leg) => sum + leg.amount, 0)).toBe(sold ? worth : 0)
        expect(booked.reduce((sum, leg) => sum + leg.quantity, 0)).toBe(sold ? units : 0)
        expect(reserved).toBe(order.status === 'PENDING' || order.status === 'PAID' ? units : 0)
        expect(left).toBe(order.status === 'SHIPPED' || order.status === 'DELIVERED' ? units : 0)
        // What is stored is JSON, so the replay starts from that.
        expect(replay(JSON.parse(JSON.stringify(history)))).toEqual(order)
      }),
      { numRuns: 500 },
    )
  })

  it('ignores a payment fact that was seen before', () => {
    fc.assert(
      fc.property(created, amount, (first, captured) => {
        const pay: OrderCommand = { type: 'RecordPayment', paymentIntentId: 'pi_1', currency: 'USD', captured }
        const order = evolve(undefined, first)
        const decision = decide(pay, order, '2026-01-31')
        fc.pre(decision !== undefined)
        expect(decide(pay, evolve(order, decision!.event), '2026-01-31')).toBeUndefined()
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
