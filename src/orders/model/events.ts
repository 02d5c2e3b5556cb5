import type { OrderStatus } from './statuses.ts'

/**
 * The facts of an order, as they are stored in `order_history.details`: JSON, money in whole minor units of the order's
 * currency. They hold nothing personal, since they are never changed: names and streets stand in tables that can be
 * erased.
 */

/** Where a sale counts in the report. */
export interface Place {
  readonly country: string
  readonly region?: string
  readonly city: string
}

export interface LineQuantity {
  readonly line_no: number
  readonly quantity: number
}

/** The line number of what is paid for shipping. */
export const SHIPPING_LINE = 0

/**
 * One signed amount of an event that moves money, net of tax; the report books each as one row. `line_no` 0 is
 * shipping. `place` is where the goods went before a move; without it the booking's `ship_to` counts.
 */
export interface Leg {
  readonly line_no: number
  readonly kind: 'sale' | 'cancel' | 'return' | 'edit' | 'move'
  readonly quantity: number
  readonly amount: number
  readonly tax: number
  readonly place?: Place
}

/** The legs of an event, the day they are booked on, and where the goods go. */
export interface Booking {
  readonly booked_day: string
  readonly ship_to: Place
  readonly legs: readonly Leg[]
}

/**
 * A line at the prices of its moment. `amount` is what it brings without tax:
 * `price * quantity - discount - tax_included`, where `tax_included` is the tax inside the price (0 if it comes on top).
 */
export interface CreatedLine {
  readonly line_no: number
  readonly product_id: string
  readonly location_id: string
  readonly quantity: number
  readonly price: number
  readonly discount: number
  readonly tax_included: number
  readonly amount: number
  readonly tax: number
}

export interface CreatedDetails {
  readonly order_number: string
  readonly currency: string
  /** `sum(amount) + sum(tax) + shipping + shipping_tax`. */
  readonly total_price: number
  readonly shipping: number
  readonly shipping_tax: number
  readonly ship_to: Place
  readonly lines: readonly CreatedLine[]
  /** The cart hold that the units were taken from. */
  readonly reservation_id?: string
}

export interface PaymentDetails {
  readonly payment_intent_id: string
  /** Captured by this payment so far. */
  readonly captured: number
  /** What this event added. */
  readonly amount: number
  /** Held without being owed; absent when nothing is. */
  readonly refund_due?: number
  /** When the payment model saw it (RFC 3339), where it told. */
  readonly occurred_at?: string
}

/** An order that cost nothing was paid without a payment. */
type PaidDetails = (PaymentDetails | { readonly payment_intent_id?: undefined }) & Booking

export interface RefundDetails {
  readonly payment_intent_id: string
  readonly refunded: number
  readonly amount: number
  readonly occurred_at?: string
}

export interface Tracking {
  readonly carrier?: string
  readonly tracking_number?: string
  readonly tracking_url?: string
}

export interface ShippedDetails extends Tracking {
  /** Counts the shipments of the order from 1. */
  readonly shipment_no: number
  readonly lines: readonly LineQuantity[]
}

/** What an order is less after units of it were cancelled or returned. */
interface TakenBack extends Partial<Booking> {
  readonly lines: readonly LineQuantity[]
  /** Gross: with tax, and with shipping when that is given back too. */
  readonly taken_back: number
  readonly shipping_taken_back?: true
  readonly reason?: string
  /** Held without being owed after this; absent when nothing is. */
  readonly refund_due?: number
}

export interface EventDetails {
  readonly ORDER_CREATED: CreatedDetails
  readonly ORDER_IMPORTED: CreatedDetails & Booking
  readonly PAYMENT_RECEIVED: PaymentDetails
  readonly ORDER_PAID: PaidDetails
  readonly PAYMENT_AFTER_CANCELLATION: PaymentDetails
  readonly REFUND_RECORDED: RefundDetails
  /** Some units left; others are open. */
  readonly ITEMS_SHIPPED: ShippedDetails
  /** The last open units left. */
  readonly ORDER_SHIPPED: ShippedDetails
  readonly TRACKING_CHANGED: Tracking & { readonly shipment_no: number }
  readonly SHIPMENT_DELIVERED: { readonly shipment_no: number }
  /** Everything has arrived. */
  readonly ORDER_DELIVERED: Readonly<Record<string, never>>
  /** `status`: the headline, where it moved because nothing is open, or nothing left to pay. */
  readonly ITEMS_CANCELLED: TakenBack & { readonly status?: OrderStatus }
  readonly ORDER_CANCELLED: TakenBack
  readonly ITEMS_RETURNED: TakenBack & { readonly restocked: readonly LineQuantity[] }
  readonly ORDER_EDITED: TakenBack & {
    readonly added: readonly CreatedLine[]
    /** The total after the edit, before cancellations. */
    readonly total_price: number
    readonly status?: OrderStatus
  }
  readonly SHIPPING_ADDRESS_CHANGED: { readonly ship_to: Place } & Partial<Booking>
}

export type OrderEventType = keyof EventDetails

/** An entry of the history, as the rules see it. */
export type OrderEvent = {
  [T in OrderEventType]: { readonly type: T; readonly details: EventDetails[T] }
}[OrderEventType]
