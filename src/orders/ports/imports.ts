import type { OrderState } from '../model/order.ts'
import type { Origin, Product } from './catalogue.ts'
import type { Customer, StoredAddress } from './customers.ts'
import type { NewEvent, OrderHeader, PricedLine } from './orders.ts'

/** An order of the past, brought from elsewhere: paid and delivered, without any effect on stock. */
export interface ImportedOrder {
  readonly shard: number
  readonly header: OrderHeader
  readonly lines: readonly PricedLine[]
  readonly state: OrderState
  readonly event: NewEvent
}

export interface ImportedProduct {
  readonly product: Product
  /** Units on hand, by location; each location exists. */
  readonly stock: ReadonlyMap<string, number>
}

export interface ImportedCustomer {
  readonly customer: Customer
  readonly addresses: readonly StoredAddress[]
}

export interface OrderImportStore {
  /**
   * Stores products that are new, with their first prices, levels of stock and moves, all or nothing; those known by
   * their id stay as they are. Answers one outcome per product: `added`, `known`, or `sku_taken` by another product.
   */
  importProducts(products: readonly ImportedProduct[], origin: Origin): Promise<('added' | 'known' | 'sku_taken')[]>
  /**
   * Stores customers and addresses that are new. With `update` a known customer gets the given name and e-mail; one who
   * was erased never does, nor an address. Answers one outcome per customer; each may stand there once.
   */
  importCustomers(
    customers: readonly ImportedCustomer[],
    options: { readonly update: boolean },
  ): Promise<('added' | 'known' | 'changed' | 'erased')[]>
  /** Those of these orders that are there: the quick way past what an earlier run has stored. */
  knownOrders(orders: readonly { readonly shard: number; readonly orderNumber: string }[]): Promise<Set<string>>
  /**
   * Stores those whose number is new, each whole with its lines and its history, in one statement per shard; of an
   * erased customer without what is personal. Answers one outcome per order: `imported`, `known` (nothing changed), or
   * `id_taken` (try again with another id).
   */
  importOrders(orders: readonly ImportedOrder[]): Promise<('imported' | 'known' | 'id_taken')[]>
}
