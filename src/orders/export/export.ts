import { fromMinor } from '../../core/money.ts'
import { addressDocument, customerDocument, productDocument } from '../catalogue/documents.ts'
import type { AddressDocument, CustomerDocument, ProductDocument } from '../catalogue/schemas.ts'
import { historyDocument, orderDocument } from '../lifecycle/documents.ts'
import type { HistoryDocument, OrderDocument, OrderItem } from '../lifecycle/schemas.ts'
import { momentOf } from '../lists/lists.ts'
import type { ExportedEntry, ExportRange, Order, OrderPorts, TaxRule } from '../ports.ts'

/** An order with what is needed to import it elsewhere. */
export interface ExportedOrder extends Omit<OrderDocument, 'items'> {
  readonly customer_name?: string
  readonly shipping_tax: number
  readonly tax_rules: readonly TaxRule[]
  readonly items: readonly (OrderItem & { readonly tax_included: number })[]
}

export interface ExportedProduct extends ProductDocument {
  /** Units on hand, by location. */
  readonly stock: Readonly<Record<string, number>>
}

export interface ExportedCustomer extends CustomerDocument {
  readonly addresses: readonly AddressDocument[]
}

/** An entry of a history; `shard` and `event_id` are its place in the log. */
export interface ExportedHistory extends HistoryDocument {
  readonly order_id: string
  readonly shard: number
}

export interface ExportOptions {
  /** Orders placed on this day (of the store) or at this time, or later. */
  readonly from?: string | undefined
  /** Orders placed up to the end of this day, or before this time. */
  readonly to?: string | undefined
}

const ROWS_PER_READ = 500
/** Orders whose histories are read together. */
const ORDERS_PER_READ = 200

function exportedOrder(order: Order): ExportedOrder {
  const document = orderDocument(order)
  return {
    ...document,
    ...(order.customerName === undefined ? {} : { customer_name: order.customerName }),
    shipping_tax: fromMinor(order.state.shipping.tax),
    tax_rules: order.taxRules,
    items: document.items.map((item, index) => ({ ...item, tax_included: fromMinor(order.lines[index]!.taxIncluded) })),
  }
}

function exportedEntry(entry: ExportedEntry): ExportedHistory {
  return {
    ...historyDocument(entry),
    order_id: String(entry.orderId),
    shard: entry.shard,
  }
}

/** What follows the last of a page, until there is no more. */
async function* pages<Row, Key>(
  first: Key,
  size: number,
  read: (after: Key, limit: number) => Promise<readonly Row[]>,
  keyOf: (row: Row) => Key,
): AsyncGenerator<readonly Row[]> {
  let after = first
  for (;;) {
    const rows = await read(after, size)
    if (rows.length > 0) yield rows
    if (rows.length < size) return
    after = keyOf(rows.at(-1)!)
  }
}

export function createExporter({ ports, timeZone }: { ports: OrderPorts; timeZone: string }) {
  const { catalogue, customers, stock, exports } = ports

  function rangeOf({ from, to }: ExportOptions): ExportRange {
    return {
      fromMs: from === undefined ? undefined : momentOf(from, timeZone, 'from'),
      beforeMs: to === undefined ? undefined : momentOf(to, timeZone, 'to', true),
    }
  }

  const orderPages = (range: ExportRange, size: number) =>
    pages(
      0n,
      size,
      (after, limit) => exports.orders(range, after, limit),
      (order: Order) => order.orderId,
    )

  return {
    /**
     * Orders, oldest first, in bounded memory. Those that are placed or changed meanwhile are told as they are when their
     * turn comes. Throws `invalid_input` for a range that is none.
     */
    async *exportOrders(options: ExportOptions = {}): AsyncGenerator<ExportedOrder> {
      for await (const page of orderPages(rangeOf(options), ROWS_PER_READ)) yield* page.map(exportedOrder)
    },

    /** The whole history of orders placed in the range: by order, oldest first, then by version. */
    async *exportHistory(options: ExportOptions = {}): AsyncGenerator<ExportedHistory> {
      for await (const orders of orderPages(rangeOf(options), ORDERS_PER_READ)) {
        const ids = orders.map((order) => order.orderId)
        const entries = pages(
          { orderId: 0n, version: 0 },
          ROWS_PER_READ,
          (after, limit) => exports.history(ids, after, limit),
          ({ orderId, version }: ExportedEntry) => ({ orderId, version }),
        )
        for await (const page of entries) yield* page.map(exportedEntry)
      }
    },

    /** Products by id, with their stock. */
    async *exportProducts(): AsyncGenerator<ExportedProduct> {
      const read = (after: string, limit: number) => catalogue.list({}, after, limit)
      for await (const page of pages('', ROWS_PER_READ, read, (product) => product.productId)) {
        const levels = await stock.levels(page.map((product) => product.productId))
        for (const product of page) {
          const own = levels.filter((level) => level.productId === product.productId)
          own.sort((a, b) => (a.locationId < b.locationId ? -1 : 1))
          const byLocation = own.map((level) => [level.locationId, level.onHand])
          yield { ...productDocument(product), stock: Object.fromEntries(byLocation) as Record<string, number> }
        }
      }
    },

    /** Customers by id, with their addresses; none that was erased. */
    async *exportCustomers(): AsyncGenerator<ExportedCustomer> {
      const read = (after: string, limit: number) => customers.list(after, limit)
      for await (const page of pages('', ROWS_PER_READ, read, (customer) => customer.customerId)) {
        const addresses = await exports.addressesOf(page.map((customer) => customer.customerId))
        for (const customer of page) {
          const own = addresses.filter((address) => address.customerId === customer.customerId)
          yield { ...customerDocument(customer), addresses: own.map(addressDocument) }
        }
      }
    },
  }
}
