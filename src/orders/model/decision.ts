import { AppError } from '../../core/errors.ts'
import { fromMinor, type Minor } from '../../core/money.ts'
import { legsOfAll, lineOf } from './amounts.ts'
import type { Booking, Leg, LineQuantity, OrderEvent } from './events.ts'
import { heldOf, type LineState, type OrderState, owedOf } from './order.ts'
import { type OrderStatus, TRANSITIONS } from './statuses.ts'

/** What a change does to the stock of a product at a location; `onHand` and `reserved` are differences. */
export interface StockMove {
  readonly productId: string
  readonly locationId: string
  readonly kind: 'reserve' | 'release' | 'ship' | 'return'
  readonly onHand: number
  readonly reserved: number
}

export interface Decision {
  readonly event: OrderEvent
  /** One per product and location, sorted by them. */
  readonly stock: readonly StockMove[]
}

/** Refuses an edge that is not one of the five. */
export function checkTransition(from: OrderStatus, to: OrderStatus): void {
  if (TRANSITIONS[from].includes(to)) return
  const legal = TRANSITIONS[from].length === 0 ? 'nothing' : TRANSITIONS[from].join(' or ')
  throw new AppError(
    'illegal_transition',
    `An order that is ${from} can't become ${to}; from ${from} it can become ${legal}`,
    { data: { order_status: from, wanted: to } },
  )
}

export function illegal({ status }: OrderState, what: string): AppError {
  return new AppError('illegal_transition', `An order that is ${status} can't ${what}`, {
    data: { order_status: status },
  })
}

export function nothingShipped(order: OrderState, consequence: string): void {
  const shipped = order.lines.reduce((sum, line) => sum + line.shipped, 0)
  if (shipped === 0) return
  throw new AppError('order_partly_shipped', `${shipped} units of the order are shipped, so ${consequence}`, {
    data: { quantity_shipped: shipped },
  })
}

/** Items of one line put together; each line must exist and have that many units left in the sense of `unitsLeft`. */
export function checkItems(
  order: OrderState,
  items: readonly LineQuantity[],
  unitsLeft: (line: LineState) => number,
  what: string,
): LineQuantity[] {
  const merged = new Map<number, number>()
  for (const { line_no, quantity } of items) merged.set(line_no, (merged.get(line_no) ?? 0) + quantity)
  return [...merged]
    .sort(([a], [b]) => a - b)
    .map(([lineNo, quantity]) => {
      const line = lineOf(order, lineNo)
      if (line === undefined) {
        throw new AppError('unknown_order_line', `The order has no line ${lineNo}`, { data: { line_no: lineNo } })
      }
      const left = unitsLeft(line)
      if (quantity > left) {
        throw new AppError('quantity_exceeds_line', `Line ${lineNo} has ${left} units that can be ${what}`, {
          data: { line_no: lineNo, requested: quantity, available: left },
        })
      }
      return { line_no: lineNo, quantity }
    })
}

/** Differences per product and location, put together and sorted. The kind is that of the net effect. */
export function stockMoves(
  order: OrderState,
  parts: readonly { readonly line: Pick<LineState, 'productId' | 'locationId'>; onHand: number; reserved: number }[],
): StockMove[] {
  // Imported orders were never reserved here.
  if (order.origin === 'import') return []
  const moves = new Map<string, { productId: string; locationId: string; onHand: number; reserved: number }>()
  for (const { line, onHand, reserved } of parts) {
    const { productId, locationId } = line
    const key = `${productId}\n${locationId}`
    const before = moves.get(key) ?? { productId, locationId, onHand: 0, reserved: 0 }
    moves.set(key, { ...before, onHand: before.onHand + onHand, reserved: before.reserved + reserved })
  }
  return [...moves]
    .filter(([, { onHand, reserved }]) => onHand !== 0 || reserved !== 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, move]) => ({ ...move, kind: kindOf(move) }))
}

function kindOf({ onHand, reserved }: Pick<StockMove, 'onHand' | 'reserved'>): StockMove['kind'] {
  if (onHand !== 0) return onHand < 0 ? 'ship' : 'return'
  return reserved < 0 ? 'release' : 'reserve'
}

export function bookingOf(order: OrderState, legs: readonly Leg[], bookedDay: string): Booking {
  return { booked_day: bookedDay, ship_to: order.place, legs }
}

/** A sale is booked, with everything that is left of the order, when it is paid. */
export const saleOf = (order: OrderState, bookedDay: string): Booking =>
  bookingOf(order, legsOfAll(order, 'sale', 1), bookedDay)

/** What is held without being owed, once `paid` more came in and `owed` is what the order costs; absent when nothing is. */
export function refundDue(order: OrderState, { paid = 0n, owed = owedOf(order) } = {}): { refund_due?: number } {
  const over: Minor = heldOf(order) + paid - owed
  return over > 0n ? { refund_due: fromMinor(over) } : {}
}
