import type { IdempotencyKey, StoredKey } from '../../core/command.ts'
import type { StockMove } from '../model/decision.ts'
import type { OrderEvent } from '../model/events.ts'
import type { LineState, OrderState } from '../model/order.ts'
import type { FulfillmentStatus, OrderOrigin, OrderStatus, PaymentStatus } from '../model/statuses.ts'
import type { Address, Customer } from './customers.ts'

/** What a line says besides its figures: the product as it was at the time of purchase. */
export interface ProductSnapshot {
  readonly sku: string
  readonly productName: string
  readonly productCategory: string
}

/** A line of a new order: what is bought, at the price of this moment. Amounts in minor units. */
export interface PricedLine extends Omit<LineState, 'shipped' | 'cancelled' | 'returned'>, ProductSnapshot {
  /** Version of the product that price, name and category are from. */
  readonly productVersion: number
}

/** A line as it stands in an order: what was bought, and what became of it. */
export interface OrderLine extends LineState, ProductSnapshot {}

/**
 * How the total came about: a discount, a cost of shipping, or a tax, as it was rounded when the order was made. JSON as
 * it is stored and shown; amounts in minor units, discounts positive.
 */
export interface Adjustment {
  readonly kind: 'discount' | 'shipping' | 'tax'
  readonly label: string
  /** Of a discount. */
  readonly code?: string
  /** Of a tax: percent, a decimal text. */
  readonly rate?: string
  /** The line it belongs to, 0 for shipping; absent where it belongs to none. */
  readonly line_no?: number
  readonly amount: number
}

/** Which tax a line pays, as the caller named it when he ordered; lines added later pay the same. */
export interface TaxRule {
  readonly label: string
  /** Percent, a decimal text such as `"8.875"`. */
  readonly rate: string
  readonly product_category?: string
  readonly product_id?: string
  /** Whether shipping pays it too. */
  readonly shipping?: boolean
}

/** What the giver wants to say. Personal: erasing empties it. */
export interface Gift {
  readonly message?: string
  readonly from?: string
  readonly to?: string
  readonly wrap?: boolean
}

/** What is known of an order besides its state. Only the address and the adjustments ever change. */
export interface OrderHeader {
  readonly orderId: bigint
  readonly orderNumber: string
  readonly customerId: string
  readonly customerName: string | undefined
  readonly orderDateMs: number
  readonly timeZone: string
  readonly businessDay: string
  readonly pricesIncludeTax: boolean
  readonly adjustments: readonly Adjustment[]
  readonly taxRules: readonly TaxRule[]
  readonly shippingAddressId: string | undefined
  readonly shippingAddress: Address
  readonly billing: Readonly<Record<string, unknown>> | undefined
  readonly gift: Gift | undefined
  readonly note: string | undefined
  readonly metadata: Readonly<Record<string, unknown>>
  readonly origin: OrderOrigin
}

/** When a shipment of an order left and, if it has, when it arrived: the times of the events that say so. */
export interface ShipmentTimes {
  readonly shipmentNo: number
  readonly shippedAtMs: number
  readonly deliveredAtMs: number | undefined
}

/** Where an order goes: an address, and which of the customer's it was copied from. */
export type SentTo = Pick<OrderHeader, 'shippingAddressId' | 'shippingAddress'>

/** An order as it is now. */
export interface Order extends OrderHeader {
  readonly state: OrderState
  readonly lines: readonly OrderLine[]
  /** One per shipment of the state, in the same order. */
  readonly shipmentTimes: readonly ShipmentTimes[]
  readonly updatedAtMs: number
  /** The hash of the last entry of its history. */
  readonly historyHash: Uint8Array
}

export interface NewEvent {
  readonly event: OrderEvent
  readonly atMs: number
  readonly actor: string
  readonly requestId: string | undefined
  /** Binds it to the entry before: see `model/chain.ts`. */
  readonly hash: Uint8Array
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
  /** A guest comes into being with his order; of a known customer, the version that name and address are from. */
  readonly buyer: { readonly guest: Customer } | { readonly version: number }
  /** The cart hold that the units are taken from, as far as it goes; what it has beyond is given back. */
  readonly reservationId: bigint | undefined
  readonly lines: readonly PricedLine[]
  readonly state: OrderState
  readonly event: NewEvent
  readonly answer: KeyedAnswer | undefined
}

export interface Shortage {
  readonly kind: 'short'
  readonly productId: string
  readonly locationId: string
  readonly requested: number
  readonly available: number
}

export type PlaceOutcome =
  | { readonly kind: 'placed'; readonly eventId: bigint }
  /** The key is in use: see {@link OrderStore.readKey}. */
  | { readonly kind: 'key_known' }
  /** The customer or a product has changed since it was read. */
  | { readonly kind: 'stale' }
  /** The cart hold is not held any more. */
  | { readonly kind: 'reservation_gone' }
  /** This line alone asks for more than there is at its location. */
  | Shortage

export interface OrderChange {
  readonly orderId: bigint
  readonly before: OrderState
  /** Of the order as it was read: it moves without a new version when what is personal in it is emptied. */
  readonly beforeAtMs: number
  readonly after: OrderState
  readonly stock: readonly StockMove[]
  /** Lines that an edit adds; they are in `after` too. */
  readonly addedLines: readonly PricedLine[]
  /** Replaces the address and keeps the one before for `as_of`. */
  readonly address?: { readonly before: SentTo; readonly after: SentTo } | undefined
  /** Replaces the adjustments. */
  readonly adjustments?: readonly Adjustment[] | undefined
  readonly event: NewEvent
  readonly answer: KeyedAnswer | undefined
}

export type ChangeOutcome =
  | { readonly kind: 'changed'; readonly eventId: bigint }
  | { readonly kind: 'key_known' }
  /** The order is no longer what it was before, or somebody took the units of an edit a moment ago: decide again. */
  | { readonly kind: 'lost' }
  /** A product of an added line has changed since it was read. */
  | { readonly kind: 'stale' }
  /** An edit adds more than there is. */
  | Shortage

export interface OrderFilter {
  readonly customerId?: string | undefined
  readonly status?: OrderStatus | undefined
  readonly paymentStatus?: PaymentStatus | undefined
  readonly fulfillmentStatus?: FulfillmentStatus | undefined
  readonly orderNumber?: string | undefined
  /** Placed at or after, and before, these moments. */
  readonly fromMs?: number | undefined
  readonly beforeMs?: number | undefined
  /** Words as `search.ts` makes them; the order has all of them. */
  readonly words?: readonly string[] | undefined
}

export interface HistoryEntry extends NewEvent {
  readonly shard: number
  readonly eventId: bigint
  readonly version: number
}

/** The address that an order had before the change that made version `untilVersion`. */
export interface FormerAddress extends SentTo {
  readonly untilVersion: number
}

export interface OrderStore {
  readonly shards: number
  /** The shard of an order that is made with this key (hash of the key), or of one without. */
  shardFor(key: IdempotencyKey | undefined): number
  readKey(shard: number, key: IdempotencyKey): Promise<StoredKey | undefined>
  /**
   * All or nothing: key with answer, guest, order, lines, reservation, ledger of stock, history. Orders that arrive
   * together are placed together, in order of arrival: of those that want the same product as many are placed as the
   * stock suffices for, and never more. Throws `overloaded`, or `write_contention` after {@link LIMITS.commandMsMax}.
   */
  place(placement: Placement): Promise<PlaceOutcome>
  /**
   * All or nothing, if the order is still as it was before: order, lines, shipments, payments, addresses, stock, key,
   * history.
   */
  change(change: OrderChange): Promise<ChangeOutcome>
  find(orderId: bigint): Promise<Order | undefined>
  /** Newest first, below `before`. */
  list(filter: OrderFilter, before: bigint | undefined, limit: number): Promise<Order[]>
  /** Ascending by version, after `after`; empty for an unknown order. */
  history(orderId: bigint, after: number, limit: number): Promise<HistoryEntry[]>
  /** Ascending by `untilVersion`. */
  formerAddresses(orderId: bigint): Promise<FormerAddress[]>
}
