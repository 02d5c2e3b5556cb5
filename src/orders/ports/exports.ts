import type { StoredAddress } from './customers.ts'
import type { HistoryEntry, Order } from './orders.ts'

/** Orders placed at or after, and before, these moments. */
export interface ExportRange {
  readonly fromMs?: number | undefined
  readonly beforeMs?: number | undefined
}

export interface ExportedEntry extends HistoryEntry {
  readonly orderId: bigint
}

/** Reading everything from its beginning, a page at a time. */
export interface OrderExportStore {
  /** Ascending by id, after `after`. */
  orders(range: ExportRange, after: bigint, limit: number): Promise<Order[]>
  /** The entries of these orders, ascending by order, then version; those after `after`. */
  history(
    orderIds: readonly bigint[],
    after: { readonly orderId: bigint; readonly version: number },
    limit: number,
  ): Promise<ExportedEntry[]>
  /** All addresses of these customers, ascending by customer, then address. */
  addressesOf(customerIds: readonly string[]): Promise<StoredAddress[]>
}
