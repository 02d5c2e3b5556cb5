import { AppError } from '../../core/errors.ts'
import { formatMinor, fromMinor } from '../../core/money.ts'
import { lineOf, openUnits } from './amounts.ts'
import type { OrderCommand } from './decide.ts'
import { checkItems, checkTransition, type Decision, illegal, stockMoves } from './decision.ts'
import type { LineQuantity, OrderEvent } from './events.ts'
import { amountDueOf, type OrderState, type Shipment, trackingOf } from './order.ts'

type Command<T extends OrderCommand['type']> = OrderCommand & { readonly type: T }

export function openLines(order: OrderState): LineQuantity[] {
  return order.lines
    .filter((line) => openUnits(line) > 0)
    .map((line) => ({ line_no: line.lineNo, quantity: openUnits(line) }))
}

const unitsOf = (items: readonly LineQuantity[]) => items.reduce((sum, { quantity }) => sum + quantity, 0)

/** Nothing leaves the house that is not paid; a payment given back later as a courtesy holds nothing up. */
function checkPaid(order: OrderState): void {
  checkTransition(order.status, 'SHIPPED')
  const left = amountDueOf(order)
  if (left === 0n) return
  throw new AppError('order_not_paid', `The order has ${formatMinor(left, order.currency)} left to pay`, {
    data: { amount_due: fromMinor(left), currency: order.currency },
  })
}

export function decideShipping(order: OrderState, { items, tracking }: Command<'Ship'>): Decision {
  checkPaid(order)
  const open = openLines(order)
  const lines = items === undefined ? open : checkItems(order, items, openUnits, 'shipped')
  const last = unitsOf(lines) === unitsOf(open)
  const details = { shipment_no: order.shipments.length + 1, lines, ...trackingOf(tracking) }
  const stock = stockMoves(
    order,
    lines.map(({ line_no, quantity }) => ({
      line: lineOf(order, line_no)!,
      onHand: -quantity,
      reserved: -quantity,
    })),
  )
  return { event: { type: last ? 'ORDER_SHIPPED' : 'ITEMS_SHIPPED', details }, stock }
}

function shipmentOf(order: OrderState, shipmentNo: number): Shipment {
  const shipment = order.shipments.find((other) => other.shipmentNo === shipmentNo)
  if (shipment !== undefined) return shipment
  throw new AppError('shipment_not_found', `The order has no shipment ${shipmentNo}`)
}

export function decideTracking(
  order: OrderState,
  { shipmentNo, tracking }: Command<'ChangeTracking'>,
): OrderEvent | undefined {
  const shipment = shipmentOf(order, shipmentNo)
  const wanted = trackingOf(tracking)
  const known = trackingOf(shipment)
  const changes = Object.entries(wanted).some(([name, value]) => known[name as keyof typeof known] !== value)
  return changes ? { type: 'TRACKING_CHANGED', details: { shipment_no: shipmentNo, ...wanted } } : undefined
}

export function decideDelivery(order: OrderState, shipmentNo: number | undefined): OrderEvent | undefined {
  if (shipmentNo === undefined) {
    checkTransition(order.status, 'DELIVERED')
    return { type: 'ORDER_DELIVERED', details: {} }
  }
  if (shipmentOf(order, shipmentNo).delivered) throw illegal(order, `have its shipment ${shipmentNo} delivered twice`)
  const others = order.shipments.filter((shipment) => shipment.shipmentNo !== shipmentNo)
  const last = order.status === 'SHIPPED' && others.every((shipment) => shipment.delivered)
  return last
    ? { type: 'ORDER_DELIVERED', details: {} }
    : { type: 'SHIPMENT_DELIVERED', details: { shipment_no: shipmentNo } }
}
