import { firstIdAt, ID_OLDEST_MS } from '../../core/ids.ts'
import type { OrderFilter } from '../../orders/ports.ts'
import type { SqlParam } from './sql.ts'

// Numbers are handed out a little ahead of the clock at times, and imports make ids of one day one after the other.
const ID_SLACK_MS = 3_600_000
export const ID_MAX = 2n ** 63n - 1n

/** Up to so many orders of each word are counted, to begin with the rarest. */
export const WORDS_COUNTED_MAX = 1_000

type Given = Pick<
  OrderFilter,
  'customerId' | 'status' | 'paymentStatus' | 'fulfillmentStatus' | 'orderNumber' | 'fromMs' | 'beforeMs' | 'words'
>

/** The filters about `orders o`, each with the begin of its condition; its value follows. */
export const COLUMN_FILTERS = [
  ['customerId', 'o.customer_id ='],
  ['paymentStatus', 'o.payment_status ='],
  ['fulfillmentStatus', 'o.fulfillment_status ='],
  ['status', 'o.status ='],
  ['orderNumber', 'o.order_number ='],
  ['fromMs', 'o.order_date >='],
  ['beforeMs', 'o.order_date <'],
] as const satisfies readonly (readonly [keyof Given, string])[]

export type ColumnFilter = (typeof COLUMN_FILTERS)[number][0]

export function paramOf(filter: Given, name: ColumnFilter): SqlParam {
  if (name === 'fromMs' || name === 'beforeMs') return new Date(filter[name]!)
  return filter[name]
}

/** Whether one of them leads, beside the number: it has an index of its own. */
export const isLed = (given: readonly ColumnFilter[]) =>
  given.some((name) => name !== 'fromMs' && name !== 'beforeMs' && name !== 'orderNumber')

/** Which ids orders placed in this range can have. */
export function idRangeOf({ fromMs, beforeMs }: Pick<OrderFilter, 'fromMs' | 'beforeMs'>): {
  from: bigint
  below: bigint
} {
  return {
    from: fromMs === undefined ? 0n : firstIdAt(fromMs - ID_SLACK_MS),
    below: beforeMs === undefined ? ID_MAX : firstIdAt(Math.max(beforeMs, ID_OLDEST_MS) + ID_SLACK_MS),
  }
}
