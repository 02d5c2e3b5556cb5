import type { OrderHistoryEntry } from 'fanfold/client'
import type { LineQuantity, OrderEvent } from '../../../../src/orders/model/events.ts'
import { formatCount, formatMoney } from '../../ui/format.ts'

const unitsOf = (lines: readonly LineQuantity[]) =>
  lines.map(({ line_no: line, quantity }) => `line ${line} × ${formatCount(quantity)}`).join(', ')

const list = (...parts: readonly (string | undefined)[]) =>
  parts.filter((part) => part !== undefined && part !== '').join('; ')

const count = (quantity: number, one: string) => `${formatCount(quantity)} ${one}${quantity === 1 ? '' : 's'}`

/** What an entry of the history says, in a sentence. Amounts are in the currency of the order. */
export function describeEvent(entry: OrderHistoryEntry, currency: string): string {
  const event = { type: entry.event_type, details: entry.details } as unknown as OrderEvent
  const money = (minor: number) => formatMoney(minor, currency)
  const due = (minor: number | undefined) => (minor === undefined ? undefined : `${money(minor)} due to be given back`)
  const why = (reason: string | undefined) => (reason === undefined ? undefined : `because: ${reason}`)
  switch (event.type) {
    case 'ORDER_CREATED':
    case 'ORDER_IMPORTED': {
      const { lines, total_price: total, ship_to: to } = event.details
      const units = lines.reduce((sum, { quantity }) => sum + quantity, 0)
      return `${count(units, 'unit')} in ${count(lines.length, 'line')} for ${money(total)}, to ${to.city}, ${to.country}`
    }
    case 'ORDER_PAID': {
      const { details } = event
      if (details.payment_intent_id === undefined) return `nothing left to pay; booked on ${details.booked_day}`
      const { amount, payment_intent_id: id } = details
      return list(`${money(amount)} by ${id}`, `booked on ${details.booked_day}`, due(details.refund_due))
    }
    case 'PAYMENT_RECEIVED':
    case 'PAYMENT_AFTER_CANCELLATION': {
      const { amount, captured, payment_intent_id: id, refund_due: left } = event.details
      return list(`${money(amount)} by ${id}`, `${money(captured)} captured in all`, due(left))
    }
    case 'REFUND_RECORDED': {
      const { amount, refunded, payment_intent_id: id } = event.details
      return list(`${money(amount)} given back through ${id}`, `${money(refunded)} in all`)
    }
    case 'ITEMS_SHIPPED':
    case 'ORDER_SHIPPED': {
      const { shipment_no: no, lines, carrier, tracking_number: tracking } = event.details
      return list(
        `shipment ${no}: ${unitsOf(lines)}`,
        [carrier, tracking].filter((part) => part !== undefined).join(' '),
      )
    }
    case 'TRACKING_CHANGED': {
      const { shipment_no: no, carrier, tracking_number: tracking, tracking_url: url } = event.details
      return list(`shipment ${no}`, [carrier, tracking, url].filter((part) => part !== undefined).join(' '))
    }
    case 'SHIPMENT_DELIVERED':
      return `shipment ${event.details.shipment_no} has arrived`
    case 'ORDER_DELIVERED':
      return 'everything has arrived'
    case 'ITEMS_CANCELLED':
    case 'ORDER_CANCELLED':
    case 'ITEMS_RETURNED': {
      const { lines, taken_back: worth, reason, refund_due: left } = event.details
      return list(unitsOf(lines), `worth ${money(worth)}`, due(left), why(reason))
    }
    case 'ORDER_EDITED': {
      const { added, lines, total_price: total, reason, refund_due: left } = event.details
      const adds = added.map(({ product_id: id, quantity }) => `${id} × ${formatCount(quantity)}`).join(', ')
      return list(
        adds === '' ? undefined : `added ${adds}`,
        lines.length === 0 ? undefined : `removed ${unitsOf(lines)}`,
        `total ${money(total)}`,
        due(left),
        why(reason),
      )
    }
    case 'SHIPPING_ADDRESS_CHANGED': {
      const { ship_to: to, legs } = event.details
      return list(`to ${to.city}, ${to.country}`, legs === undefined ? undefined : 'what was booked moved along')
    }
    default:
      return ''
  }
}
