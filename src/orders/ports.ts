import type { IdempotencyKey, StoredKey } from '../core/command.ts'
import type { Minor } from '../core/money.ts'
import type { LogStore, Projection } from '../log/port.ts'
import type { StockMove } from './decide.ts'
import type { OrderEvent, OrderOrigin, OrderState, OrderStatus } from './order.ts'

/** The stores of the order model. Money is `bigint` in minor units, days are `YYYY-MM-DD`. */
export interface OrderPorts {
  readonly catalogue: CatalogueStore
  readonly customers: CustomerStore
  readonly orders: OrderStore
  readonly report: SalesReportStore
  /** One consistent view of everything, for `verify`; writers go on meanwhile. */
  audit<T>(work: (view: AuditView) => Promise<T>): Promise<T>
  /** The log of orders and what is folded from it. The transaction type belongs to the engine. */
  readonly log: LogStore<unknown>
  readonly projections: readonly Projection<unknown>[]
}

export interface Product {
  readonly productId: string
  readonly sku: string
  readonly name: string
  readonly category: string
  readonly price: Minor
  readonly currency: string
  readonly active: boolean
  /** Counts every change; an order names the version it was priced from. */
  readonly version: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** Units at one location. Available is `onHand - reserved`. */
export interface StockLevel {
  readonly productId: string
  readonly locationId: string
  readonly onHand: number
  readonly reserved: number
}

export interface ProductPrice {
  readonly productId: string
  readonly version: number
  readonly price: Minor
  readonly currency: string
  readonly validFromMs: number
  readonly actor: string
}

/** What a repeatable command brings along: its key, and who sends it when. */
export interface Origin {
  readonly actor: string
  readonly atMs: number
  readonly key: IdempotencyKey | undefined
}

/** The answer of a command that is carried out once per key. `body` is plain JSON. */
export interface Once<Body> {
  readonly body: Body
  readonly replayed: boolean
}

export type ProductChange = Partial<Pick<Product, 'sku' | 'name' | 'category' | 'price' | 'active'>>

export interface CatalogueStore {
  /**
   * Stores a new product, its first price and its stock, all or nothing and once per key; `present` makes the body.
   * Throws `already_exists` for a known `productId` or `sku`.
   */
  create<Body>(
    product: Product,
    onHand: number,
    origin: Origin,
    present: (product: Product) => Body,
  ): Promise<Once<Body>>
  /**
   * Changes a product whose version is still `version` and appends to the price history when the price differs.
   * `undefined` when the version has moved on. Throws `already_exists` for a known `sku`.
   */
  change(productId: string, version: number, change: ProductChange, origin: Origin): Promise<Product | undefined>
  /** Those that exist, in no order. */
  find(productIds: readonly string[]): Promise<Product[]>
  /** Ascending by id, after `after`; of one category if given. */
  list(filter: { category?: string | undefined }, after: string | undefined, limit: number): Promise<Product[]>
  /** Newest first, below version `before`. */
  prices(productId: string, before: number | undefined, limit: number): Promise<ProductPrice[]>
  stock(productId: string): Promise<StockLevel | undefined>
  /**
   * Sets the units on hand and writes the difference to the ledger, atomically. Fewer than are reserved:
   * `kind: 'reserved'` and nothing changes. `undefined`: no such product.
   */
  setOnHand(
    productId: string,
    onHand: number,
    origin: Origin,
  ): Promise<{ kind: 'set' | 'reserved'; level: StockLevel } | undefined>
}

export interface Customer {
  readonly customerId: string
  readonly name: string | undefined
  readonly email: string | undefined
  readonly version: number
  readonly createdAtMs: number
}

/** A postal address. `line1` is missing from addresses that came by an import. */
export interface Address {
  readonly name?: string
  readonly line1?: string
  readonly line2?: string
  readonly city: string
  readonly region?: string
  readonly postal_code?: string
  readonly country: string
}

export interface StoredAddress extends Address {
  readonly addressId: string
  readonly customerId: string
  readonly createdAtMs: number
}

export type AddressKey = Pick<StoredAddress, 'customerId' | 'addressId'>

export interface CustomerStore {
  /** Once per key. Throws `already_exists` for a known id, also that of an erased customer. */
  create<Body>(customer: Customer, origin: Origin, present: (customer: Customer) => Body): Promise<Once<Body>>
  /** Those that exist and were not erased, in no order. */
  find(customerIds: readonly string[]): Promise<Customer[]>
  /** Once per key. The customer must exist. */
  addAddress<Body>(
    address: StoredAddress,
    origin: Origin,
    present: (address: StoredAddress) => Body,
  ): Promise<Once<Body> | undefined>
  /** Those that exist, in no order. An address never changes; it goes only with its customer. */
  findAddresses(keys: readonly AddressKey[]): Promise<StoredAddress[]>
  /** Ascending by id, after `after`. */
  addresses(customerId: string, after: string | undefined, limit: number): Promise<StoredAddress[]>
  /**
   * Empties name and e-mail, deletes the addresses, and empties names and streets in the customer's orders and in the
   * report; city and amounts stay. Repeatable, and safe to stop half-way. False: no such customer.
   */
  erase(customerId: string, atMs: number): Promise<boolean>
}

/** A line of a new order: what is bought, at the price of this moment. Amounts in minor units. */
export interface PricedLine {
  readonly lineNo: number
  readonly productId: string
  /** Version of the product that the price, name and category are from. */
  readonly productVersion: number
  readonly sku: string
  readonly productName: string
  readonly productCategory: string
  readonly quantity: number
  readonly price: Minor
  readonly discount: Minor
  /** `price * quantity - discount`. */
  readonly amount: Minor
  readonly tax: Minor
}

/** A line as it stands in an order: what was bought, and what became of it. */
export interface OrderLine extends Omit<PricedLine, 'productVersion'> {
  readonly shipped: number
  readonly cancelled: number
  readonly returned: number
}

/** What is fixed when an order is made. */
export interface OrderHeader {
  readonly orderId: bigint
  readonly orderNumber: string
  readonly customerId: string
  readonly customerName: string | undefined
  readonly orderDateMs: number
  readonly timeZone: string
  readonly businessDay: string
  readonly currency: string
  readonly subtotal: Minor
  readonly shippingTotal: Minor
  readonly taxTotal: Minor
  readonly totalPrice: Minor
  readonly shippingAddressId: string | undefined
  readonly shippingAddress: Address
  readonly billing: Readonly<Record<string, unknown>> | undefined
  readonly metadata: Readonly<Record<string, unknown>>
  readonly origin: OrderOrigin
}

/** An order as it is now. */
export interface Order extends OrderHeader {
  readonly state: OrderState
  readonly lines: readonly OrderLine[]
  readonly updatedAtMs: number
}

export interface NewEvent {
  readonly event: OrderEvent
  readonly atMs: number
  readonly actor: string
  readonly requestId: string | undefined
}

/** A key and the answer that is stored with it. */
export interface KeyedAnswer {
  readonly key: IdempotencyKey
  readonly status: number
  readonly body: object
}

export interface Placement {
  readonly shard: number
  readonly header: OrderHeader
  /** Version of the customer that name and address are from. */
  readonly customerVersion: number
  readonly lines: readonly PricedLine[]
  readonly state: OrderState
  readonly event: NewEvent
  readonly answer: KeyedAnswer | undefined
}

export type PlaceOutcome =
  | { readonly kind: 'placed'; readonly eventId: bigint }
  /** The key is in use: see {@link OrderStore.readKey}. */
  | { readonly kind: 'key_known' }
  /** The customer or a product has changed since it was read. */
  | { readonly kind: 'stale' }
  /** This line alone asks for more than there is. */
  | { readonly kind: 'short'; readonly productId: string; readonly requested: number; readonly available: number }

export interface OrderChange {
  readonly orderId: bigint
  readonly before: OrderState
  readonly after: OrderState
  readonly stock: readonly StockMove[]
  readonly event: NewEvent
  readonly answer: KeyedAnswer | undefined
}

export type ChangeOutcome =
  | { readonly kind: 'changed'; readonly eventId: bigint }
  | { readonly kind: 'key_known' }
  /** The order is no longer at `before.version`. */
  | { readonly kind: 'lost' }

export interface OrderFilter {
  readonly customerId?: string | undefined
  readonly status?: OrderStatus | undefined
}

export interface HistoryEntry extends NewEvent {
  readonly shard: number
  readonly eventId: bigint
  readonly version: number
}

/** An order of the past, brought from elsewhere: paid and delivered, without any effect on stock. */
export interface ImportedOrder {
  readonly shard: number
  readonly header: OrderHeader
  readonly lines: readonly PricedLine[]
  readonly state: OrderState
  readonly event: NewEvent
}

export interface ImportedCatalogue {
  readonly products: readonly Product[]
  readonly customers: readonly Customer[]
  readonly addresses: readonly StoredAddress[]
}

export interface OrderStore {
  readonly shards: number
  /** The shard of an order that is made with this key (hash of the key), or of one without. */
  shardFor(key: IdempotencyKey | undefined): number
  readKey(shard: number, key: IdempotencyKey): Promise<StoredKey | undefined>
  /**
   * All or nothing: key with answer, order, lines, reservation, ledger of stock, history. Orders that arrive together
   * are placed together, in order of arrival: of those that want the same product as many are placed as the stock
   * suffices for, and never more. Throws `overloaded`, or `write_contention` after {@link LIMITS.commandMsMax}.
   */
  place(placement: Placement): Promise<PlaceOutcome>
  /** All or nothing, if the order is still at `before.version`: order, lines, payments, stock, key, history. */
  change(change: OrderChange): Promise<ChangeOutcome>
  find(orderId: bigint): Promise<Order | undefined>
  /** Newest first, below `before`. */
  list(filter: OrderFilter, before: bigint | undefined, limit: number): Promise<Order[]>
  /** Ascending by version, after `after`; empty for an unknown order. */
  history(orderId: bigint, after: number, limit: number): Promise<HistoryEntry[]>
  /** Stores what is missing, changes nothing that exists; answers the ids of the products that exist afterwards. */
  importCatalogue(catalogue: ImportedCatalogue, origin: Origin): Promise<Set<string>>
  /**
   * Stores those whose number is new, each whole with its lines and its history, in one statement per shard. Answers
   * one outcome per order: `imported`, `known` (nothing changed), or `id_taken` (try again with another id).
   */
  importOrders(orders: readonly ImportedOrder[]): Promise<('imported' | 'known' | 'id_taken')[]>
}

export const SALES_DIMENSIONS = ['day', 'month', 'category', 'city'] as const
export type SalesDimension = (typeof SALES_DIMENSIONS)[number]

export interface SalesQuery {
  readonly productCategory?: string | undefined
  readonly shippingCity?: string | undefined
  readonly currency?: string | undefined
  /** First and last day, both included. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** Which day of a row counts. */
  readonly dayOf: 'sale_day' | 'booked_day'
  readonly groupBy: readonly SalesDimension[]
  readonly rowsMax: number
}

export interface SalesFigures {
  readonly currency: string
  readonly price: Minor
  readonly quantity: number
  /** Orders that still have units sold in this group. */
  readonly orders: number
}

export interface SalesRow extends SalesFigures {
  readonly group: Readonly<Partial<Record<SalesDimension, string>>>
}

export interface SalesResult {
  /** One entry per currency. */
  readonly totals: readonly SalesFigures[]
  /** Ascending by group; at most `rowsMax + 1`. Empty without `groupBy`. */
  readonly rows: readonly SalesRow[]
  /** Time of the oldest event that is not in the report; `undefined` when all are. */
  readonly oldestMissingMs: number | undefined
}

/** Reads the live generation of `daily_sales_report`; one consistent view per call. */
export interface SalesReportStore {
  sales(query: SalesQuery): Promise<SalesResult>
}

/** One comparison of stored things that must agree. */
export interface AuditCheck {
  readonly name: string
  /** What is compared with what, in a sentence. */
  readonly about: string
  /** Runs it; answers how many things were compared, and at most `limit` that differ. */
  run(limit: number): Promise<AuditResult>
}

export interface AuditResult {
  readonly compared: number
  readonly differences: readonly AuditDifference[]
}

export interface AuditDifference {
  readonly subject: string
  readonly expected: string
  readonly actual: string
}

/** One order with its whole history, for replaying it. */
export interface AuditedOrder {
  readonly orderId: bigint
  readonly state: OrderState
  readonly events: readonly OrderEvent[]
}

export interface AuditView {
  readonly checks: readonly AuditCheck[]
  /** Ascending by id, after `after`. */
  orders(after: bigint, limit: number): Promise<AuditedOrder[]>
  /** Events that the report has not folded yet; their orders are left out of its comparisons. */
  readonly lag: bigint
}
