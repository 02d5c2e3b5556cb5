import { AppError, invalidField } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { formatMinor, fromMinor } from '../../core/money.ts'
import { grossOf, leg, legsOfAll, lineOf, openUnits, takeBack } from './amounts.ts'
import type { OrderCommand } from './decide.ts'
import { openLines } from './decide-shipping.ts'
import {
  bookingOf,
  checkItems,
  checkTransition,
  type Decision,
  illegal,
  nothingShipped,
  refundDue,
  saleOf,
  stockMoves,
} from './decision.ts'
import type { CreatedLine, LineQuantity, OrderEvent } from './events.ts'
import { amountDueOf, evolve, type LineState, type OrderState, owedOf } from './order.ts'
import { BOOKED_STATUSES, type OrderStatus } from './statuses.ts'

type Command<T extends OrderCommand['type']> = OrderCommand & { readonly type: T }

/** Cancelling, returning, editing: whatever changes how many units an order is about. */
const isBooked = (order: OrderState) => BOOKED_STATUSES.includes(order.status)

const reasonOf = (reason: string | undefined) => (reason === undefined ? {} : { reason })

const shippingTaken = (order: OrderState, wanted: boolean) =>
  wanted && !order.shipping.takenBack ? { shipping_taken_back: true as const } : {}

/** Units that were reserved and are free again. */
const released = (order: OrderState, items: readonly LineQuantity[]) =>
  items.map(({ line_no, quantity }) => ({ line: lineOf(order, line_no)!, onHand: 0, reserved: -quantity }))

/** Gives a new headline to an event after which nothing is open, or nothing left to pay. */
function withStatus<E extends OrderEvent & { type: 'ITEMS_CANCELLED' | 'ORDER_EDITED' }>(
  order: OrderState,
  event: E,
  bookedDay: string,
): OrderEvent {
  const after = evolve(order, event)
  const settled = order.status === 'PENDING' && amountDueOf(after) === 0n
  const closed = order.status === 'PAID' && openLines(after).length === 0
  if (!settled && !closed) return event
  const status: OrderStatus = settled ? 'PAID' : 'SHIPPED'
  const sale = settled ? saleOf(after, bookedDay) : {}
  return { ...event, details: { ...event.details, ...sale, status } } as OrderEvent
}

function cancelWhole(order: OrderState, reason: string | undefined, bookedDay: string): Decision {
  checkTransition(order.status, 'CANCELLED')
  nothingShipped(order, "it can't be cancelled as a whole; cancel the open units with items")
  const lines = openLines(order)
  return {
    event: {
      type: 'ORDER_CANCELLED',
      details: {
        lines,
        taken_back: fromMinor(owedOf(order)),
        ...shippingTaken(order, true),
        ...reasonOf(reason),
        ...refundDue(order, { owed: 0n }),
        // An order that was never paid is in no report, so there is nothing to take back.
        ...(isBooked(order) ? bookingOf(order, legsOfAll(order, 'cancel', -1), bookedDay) : {}),
      },
    },
    stock: stockMoves(order, released(order, lines)),
  }
}

export function decideCancel(order: OrderState, command: Command<'Cancel'>, bookedDay: string): Decision {
  const { items, reason, withShipping = false } = command
  if (items === undefined) return cancelWhole(order, reason, bookedDay)
  if (order.status !== 'PENDING' && order.status !== 'PAID') throw illegal(order, 'have items cancelled')
  const lines = checkItems(order, items, openUnits, 'cancelled')
  const units = (list: readonly LineQuantity[]) => list.reduce((sum, { quantity }) => sum + quantity, 0)
  const shipped = order.lines.some((line) => line.shipped > 0)
  if (!shipped && units(lines) === units(openLines(order))) return cancelWhole(order, reason, bookedDay)

  const { worth, legs } = takeBack(order, lines, 'cancel', withShipping)
  const event = {
    type: 'ITEMS_CANCELLED',
    details: {
      lines,
      taken_back: fromMinor(grossOf(worth)),
      ...shippingTaken(order, withShipping),
      ...reasonOf(reason),
      ...refundDue(order, { owed: owedOf(order) - grossOf(worth) }),
      ...(isBooked(order) ? bookingOf(order, legs, bookedDay) : {}),
    },
  } as const
  return { event: withStatus(order, event, bookedDay), stock: stockMoves(order, released(order, lines)) }
}

const withCustomer = (line: LineState) => line.shipped - line.returned

export function decideReturn(order: OrderState, command: Command<'Return'>, bookedDay: string): Decision {
  const { items, restock, reason, withShipping = false } = command
  if (!isBooked(order)) throw illegal(order, 'have items returned')
  const lines = checkItems(order, items, withCustomer, 'returned')
  const { worth, legs } = takeBack(order, lines, 'return', withShipping)
  return {
    event: {
      type: 'ITEMS_RETURNED',
      details: {
        lines,
        restocked: restock ? lines : [],
        taken_back: fromMinor(grossOf(worth)),
        ...shippingTaken(order, withShipping),
        ...reasonOf(reason),
        ...refundDue(order, { owed: owedOf(order) - grossOf(worth) }),
        ...bookingOf(order, legs, bookedDay),
      },
    },
    stock: restock
      ? stockMoves(
          order,
          lines.map(({ line_no, quantity }) => ({ line: lineOf(order, line_no)!, onHand: quantity, reserved: 0 })),
        )
      : [],
  }
}

function checkEdit(
  order: OrderState,
  add: readonly CreatedLine[],
  remove: readonly LineQuantity[],
  total: bigint,
): void {
  if (add.length === 0 && remove.length === 0) throw invalidField('', 'must add or remove something')
  if (order.lines.length + add.length > LIMITS.orderLinesMax) {
    throw invalidField('/add_items', `an order has at most ${LIMITS.orderLinesMax} lines, removed ones included`)
  }
  if (total > LIMITS.amountMinorMax) {
    const most = formatMinor(LIMITS.amountMinorMax, order.currency)
    throw invalidField('/add_items', `the order costs more than the limit of ${most}`)
  }
}

/** Before the first shipment lines can be added, at today's prices, and units be removed. */
export function decideEdit(order: OrderState, command: Command<'Edit'>, bookedDay: string): Decision {
  const { add, reason } = command
  if (order.status !== 'PENDING' && order.status !== 'PAID') throw illegal(order, 'be edited')
  nothingShipped(order, "it can't be edited any more")
  const lines = checkItems(order, command.remove, openUnits, 'removed')
  const left = order.lines.reduce((sum, line) => sum + openUnits(line), 0)
  if (add.length === 0 && lines.reduce((sum, { quantity }) => sum + quantity, 0) === left) {
    throw new AppError('illegal_transition', 'Nothing would be left of the order; cancel it instead', {
      data: { order_status: order.status },
    })
  }
  const added = add.map((line) => ({
    lineNo: line.line_no,
    quantity: line.quantity,
    worth: { amount: BigInt(line.amount), tax: BigInt(line.tax) },
  }))
  const total = added.reduce((sum, { worth }) => sum + grossOf(worth), order.totalPrice)
  checkEdit(order, add, lines, total)
  const removed = takeBack(order, lines, 'edit', false)
  const legs = [...added.map((part) => leg('edit', 1, part)), ...removed.legs]
  const takenBack = grossOf(removed.worth)
  const event = {
    type: 'ORDER_EDITED',
    details: {
      added: add,
      lines,
      total_price: fromMinor(total),
      taken_back: fromMinor(takenBack),
      ...reasonOf(reason),
      ...refundDue(order, { owed: owedOf(order) + total - order.totalPrice - takenBack }),
      ...(isBooked(order) ? bookingOf(order, legs, bookedDay) : {}),
    },
  } as const
  const reserved = add.map((line) => ({
    line: { productId: line.product_id, locationId: line.location_id },
    onHand: 0,
    reserved: line.quantity,
  }))
  return {
    event: withStatus(order, event, bookedDay),
    stock: stockMoves(order, [...reserved, ...released(order, lines)]),
  }
}
