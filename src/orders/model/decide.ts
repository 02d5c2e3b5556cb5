import { legsOfAll } from './amounts.ts'
import { decidePayment, decideRefund, decideSettling } from './decide-payments.ts'
import { decideCancel, decideEdit, decideReturn } from './decide-quantities.ts'
import { decideDelivery, decideShipping, decideTracking } from './decide-shipping.ts'
import { type Decision, illegal, nothingShipped } from './decision.ts'
import type { CreatedLine, LineQuantity, OrderEvent, Place, Tracking } from './events.ts'
import type { OrderState } from './order.ts'
import { BOOKED_STATUSES } from './statuses.ts'

/** What can be asked of an order that exists. Amounts in minor units; line numbers as in the order. */
export type OrderCommand =
  /** Without `items`: everything that is open. */
  | { readonly type: 'Ship'; readonly items?: readonly LineQuantity[] | undefined; readonly tracking: Tracking }
  | { readonly type: 'ChangeTracking'; readonly shipmentNo: number; readonly tracking: Tracking }
  /** Without `shipmentNo`: everything. */
  | { readonly type: 'Deliver'; readonly shipmentNo?: number | undefined }
  /** Without `items`: the whole order. */
  | {
      readonly type: 'Cancel'
      readonly items?: readonly LineQuantity[] | undefined
      readonly reason?: string | undefined
      readonly withShipping?: boolean | undefined
    }
  | {
      readonly type: 'Return'
      readonly items: readonly LineQuantity[]
      /** Whether the units can be sold again. */
      readonly restock: boolean
      readonly reason?: string | undefined
      readonly withShipping?: boolean | undefined
    }
  | {
      readonly type: 'Edit'
      /** Numbered from behind the last line of the order. */
      readonly add: readonly CreatedLine[]
      readonly remove: readonly LineQuantity[]
      readonly reason?: string | undefined
    }
  | { readonly type: 'ChangeAddress'; readonly place: Place }
  /** An order that has nothing to pay becomes PAID. */
  | { readonly type: 'Settle' }
  /** A fact of the payment model: this payment has captured so much of the order, in all. */
  | {
      readonly type: 'RecordPayment'
      readonly paymentIntentId: string
      readonly captured: bigint
      readonly currency: string
      readonly occurredAt?: string | undefined
    }
  /** A fact of the payment model: so much of this payment was given back, in all. */
  | {
      readonly type: 'RecordRefund'
      readonly paymentIntentId: string
      readonly refunded: bigint
      readonly currency: string
      readonly occurredAt?: string | undefined
    }

/** Goods can be sent elsewhere until the first of them is on its way; what was booked moves along. */
function decideAddress(order: OrderState, place: Place, bookedDay: string): OrderEvent {
  if (order.status !== 'PENDING' && order.status !== 'PAID') throw illegal(order, 'change its address')
  nothingShipped(order, 'its address is fixed')
  const { country, region, city } = order.place
  const same = country === place.country && region === place.region && city === place.city
  if (same || !BOOKED_STATUSES.includes(order.status)) {
    return { type: 'SHIPPING_ADDRESS_CHANGED', details: { ship_to: place } }
  }
  const legs = [...legsOfAll(order, 'move', -1, order.place), ...legsOfAll(order, 'move', 1)]
  return { type: 'SHIPPING_ADDRESS_CHANGED', details: { ship_to: place, booked_day: bookedDay, legs } }
}

const factOf = (event: OrderEvent | undefined): Decision | undefined =>
  event === undefined ? undefined : { event, stock: [] }

/**
 * What a command means for an order in this state: one event and its effect on the stock, `undefined` when a fact is
 * known already, or a refusal (`illegal_transition`, `order_partly_shipped`, `order_not_paid`, `unknown_order_line`,
 * `quantity_exceeds_line`, `shipment_not_found`, `currency_mismatch`, `order_amount_mismatch`, `invalid_input`).
 * `bookedDay` is the day of the store on which it happens.
 */
export function decide(command: OrderCommand, order: OrderState, bookedDay: string): Decision | undefined {
  switch (command.type) {
    case 'Ship':
      return decideShipping(order, command)
    case 'ChangeTracking':
      return factOf(decideTracking(order, command))
    case 'Deliver':
      return factOf(decideDelivery(order, command.shipmentNo))
    case 'Cancel':
      return decideCancel(order, command, bookedDay)
    case 'Return':
      return decideReturn(order, command, bookedDay)
    case 'Edit':
      return decideEdit(order, command, bookedDay)
    case 'ChangeAddress':
      return factOf(decideAddress(order, command.place, bookedDay))
    case 'Settle':
      return factOf(decideSettling(order, bookedDay))
    case 'RecordPayment':
      return factOf(decidePayment(order, command, bookedDay))
    case 'RecordRefund':
      return factOf(decideRefund(order, command))
  }
}

export { checkTransition, type Decision, type StockMove } from './decision.ts'
