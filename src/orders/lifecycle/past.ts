import { AppError, invalidField } from '../../core/errors.ts'
import type { OrderEvent } from '../model/events.ts'
import { evolve, type OrderState } from '../model/order.ts'
import type { Order, OrderLine, OrderStore, PricedLine, ShipmentTimes } from '../ports.ts'

/** What an order is after an event, and what it was before: the same parts from the same rules. */

/** When shipments left and arrived, after one more event. */
export function timesAfter(times: readonly ShipmentTimes[], event: OrderEvent, atMs: number): readonly ShipmentTimes[] {
  switch (event.type) {
    case 'ITEMS_SHIPPED':
    case 'ORDER_SHIPPED':
      return [...times, { shipmentNo: event.details.shipment_no, shippedAtMs: atMs, deliveredAtMs: undefined }]
    case 'SHIPMENT_DELIVERED':
    case 'ORDER_DELIVERED': {
      const arrived = (no: number) => event.type === 'ORDER_DELIVERED' || event.details.shipment_no === no
      return times.map((one) =>
        one.deliveredAtMs === undefined && arrived(one.shipmentNo) ? { ...one, deliveredAtMs: atMs } : one,
      )
    }
    default:
      return times
  }
}

/** The lines of a state, with what each was at the time of purchase. */
export function linesOf(state: OrderState, known: readonly (OrderLine | PricedLine)[]): OrderLine[] {
  const byNumber = new Map(known.map((line) => [line.lineNo, line]))
  return state.lines.map((line) => {
    const { sku, productName, productCategory } = byNumber.get(line.lineNo)!
    return { ...line, sku, productName, productCategory }
  })
}

export type AsOf = { readonly version: number } | { readonly atMs: number }

/** Throws `invalid_input` for what is neither a version nor a time. */
export function parseAsOf(text: string): AsOf {
  if (/^[1-9]\d{0,8}$/.test(text)) return { version: Number(text) }
  const atMs = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(atMs)) throw invalidField('query/as_of', 'must be a version or a time such as 2026-03-01T09:30:00Z')
  return { atMs }
}

/** Throws `invalid_input` for a version that an order, now at `newest`, never had. */
export function checkVersion(version: number, newest: number): AsOf {
  if (Number.isSafeInteger(version) && version >= 1 && version <= newest) return { version }
  throw invalidField('query/version', `must be 1 to ${newest}`)
}

const HISTORY_PAGE = 500

type Past = Pick<Order, 'state' | 'shipmentTimes' | 'updatedAtMs' | 'historyHash'>

/** What a history had come to at a version or a moment. */
async function replayUntil(store: OrderStore, orderId: bigint, asOf: AsOf): Promise<Past | undefined> {
  let past: Past | undefined
  for (;;) {
    const page = await store.history(orderId, past?.state.version ?? 0, HISTORY_PAGE)
    for (const { version, event, atMs, hash } of page) {
      const wanted = 'version' in asOf ? version <= asOf.version : atMs <= asOf.atMs
      if (!wanted) return past
      const shipmentTimes = timesAfter(past?.shipmentTimes ?? [], event, atMs)
      past = { state: evolve(past?.state, event), shipmentTimes, updatedAtMs: atMs, historyHash: hash }
    }
    if (page.length < HISTORY_PAGE) return past
  }
}

/**
 * An order as it was: replayed from its history, with the address of then, the lines that existed then and their
 * adjustments. Throws `order_not_found` for a moment before it was made.
 */
export async function orderAsOf(store: OrderStore, order: Order, asOf: AsOf): Promise<Order> {
  const past = await replayUntil(store, order.orderId, asOf)
  if (past === undefined) throw new AppError('order_not_found', `Order ${order.orderId} was not there yet`)
  const { version } = past.state
  const former = await store.formerAddresses(order.orderId)
  const { shippingAddressId, shippingAddress } = former.find(({ untilVersion }) => version < untilVersion) ?? order
  const lines = linesOf(past.state, order.lines)
  const lastLine = lines.at(-1)!.lineNo
  const adjustments = order.adjustments.filter(({ line_no: lineNo = 0 }) => lineNo <= lastLine)
  return { ...order, ...past, lines, adjustments, shippingAddressId, shippingAddress }
}
