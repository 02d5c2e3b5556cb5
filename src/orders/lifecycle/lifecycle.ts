import type { CommandContext } from '../../core/command.ts'
import { AppError } from '../../core/errors.ts'
import { formatMinor, fromMinor } from '../../core/money.ts'
import { validator } from '../../core/schema.ts'
import type { OrderCommand } from '../model/decide.ts'
import { illegal } from '../model/decision.ts'
import { amountDueOf, trackingOf } from '../model/order.ts'
import type { Sources } from '../placing/sources.ts'
import type { CustomerStore } from '../ports.ts'
import { prepareAddress } from './address.ts'
import { type ChangerDeps, createChanger, orderIdOf, readOrder } from './change.ts'
import { prepareEdit } from './edit.ts'
import { itemsOf } from './items.ts'
import {
  CancelOrder,
  ChangeShipment,
  ChangeShippingAddress,
  DeliverOrder,
  EditOrder,
  type ItemInput,
  type OrderDocument,
  RecordPayment,
  RecordRefund,
  ReturnItems,
  ShipOrder,
} from './schemas.ts'

const checkShip = validator(ShipOrder)
const checkShipment = validator(ChangeShipment)
const checkDeliver = validator(DeliverOrder)
const checkCancel = validator(CancelOrder)
const checkReturn = validator(ReturnItems)
const checkEdit = validator(EditOrder)
const checkAddress = validator(ChangeShippingAddress)
const checkRecordPayment = validator(RecordPayment)
const checkRecordRefund = validator(RecordRefund)

export interface LifecycleDeps extends ChangerDeps {
  readonly customers: CustomerStore
  readonly sources: Sources
}

const optionalItems = (orderId: bigint, items: readonly ItemInput[] | undefined) =>
  items === undefined ? undefined : itemsOf(orderId, items)

/**
 * The life of an order after it was placed. Every command throws `order_not_found`, `version_mismatch` (with
 * `expectedVersion`), `idempotency_key_reused`, `write_contention`, `overloaded`, and `illegal_transition` when the
 * order is in a status that does not allow it; what else it throws stands with it. Amounts in minor units.
 */
export function createLifecycle(deps: LifecycleDeps) {
  const { orders, customers, sources } = deps
  const run = createChanger(deps)

  /** Runs a command that needs nothing but the order. */
  const simply = (
    id: string,
    input: object,
    context: CommandContext,
    commandOf: (orderId: bigint) => OrderCommand,
  ): Promise<OrderDocument> => {
    const command = commandOf(orderIdOf(id))
    return run(id, command.type, input, () => ({ command }), context)
  }

  return {
    /**
     * Ships units of a paid order, or all that are open: they leave the stock. The headline becomes SHIPPED with the
     * last of them. Throws `order_not_paid`, `unknown_order_line`, `quantity_exceeds_line`.
     */
    async ship(orderId: string, input: ShipOrder = {}, context: CommandContext = {}): Promise<OrderDocument> {
      const { items, ...tracking } = checkShip(input)
      return simply(orderId, input, context, (id) => ({
        type: 'Ship',
        items: optionalItems(id, items),
        tracking: trackingOf(tracking),
      }))
    },

    /** Says who brings a shipment and how it can be followed. Throws `shipment_not_found`. */
    async changeShipment(
      orderId: string,
      shipmentNo: number,
      input: ChangeShipment,
      context: CommandContext = {},
    ): Promise<OrderDocument> {
      const tracking = trackingOf(checkShipment(input))
      const command = { type: 'ChangeTracking', shipmentNo, tracking } as const
      return simply(orderId, { shipment_no: shipmentNo, ...input }, context, () => command)
    },

    /**
     * Marks a shipment, or everything, as delivered; the headline becomes DELIVERED with the last one. Throws
     * `shipment_not_found`.
     */
    async deliver(orderId: string, input: DeliverOrder = {}, context: CommandContext = {}): Promise<OrderDocument> {
      const { shipment_no: shipmentNo } = checkDeliver(input)
      return simply(orderId, input, context, () => ({ type: 'Deliver', shipmentNo }))
    },

    /**
     * Cancels the whole order, or units that are still open: they can be ordered again, and what was booked as a sale
     * is taken back in the report. Money that was paid for them is due to be given back (`refund_due`). Throws
     * `order_partly_shipped` (for the whole), `unknown_order_line`, `quantity_exceeds_line`.
     */
    async cancel(orderId: string, input: CancelOrder = {}, context: CommandContext = {}): Promise<OrderDocument> {
      const { items, reason, refund_shipping: withShipping } = checkCancel(input)
      return simply(orderId, input, context, (id) => ({
        type: 'Cancel',
        items: optionalItems(id, items),
        reason,
        withShipping,
      }))
    },

    /**
     * Takes shipped units back: what they cost is due to be given back and taken back in the report; they lie in the
     * stock again unless `restock` is false. Throws `unknown_order_line`, `quantity_exceeds_line`.
     */
    async returnItems(orderId: string, input: ReturnItems, context: CommandContext = {}): Promise<OrderDocument> {
      const { items, restock = true, reason, refund_shipping: withShipping } = checkReturn(input)
      return simply(orderId, input, context, (id) => ({
        type: 'Return',
        items: itemsOf(id, items),
        restock,
        reason,
        withShipping,
      }))
    },

    /**
     * Adds lines at the prices of now, and removes units, until something is shipped; all or nothing. Throws
     * `order_partly_shipped`, `unknown_order_line`, `quantity_exceeds_line`, `product_not_found`,
     * `product_inactive`, `currency_mismatch`, `insufficient_stock`, `price_changed`, `invalid_input`.
     */
    async edit(orderId: string, input: EditOrder, context: CommandContext = {}): Promise<OrderDocument> {
      return run(orderId, 'Edit', input, prepareEdit(sources, checkEdit(input)), context)
    },

    /**
     * Sends the order elsewhere, until something is shipped; in the report its sale moves along. Throws
     * `order_partly_shipped`, `address_not_found`, `customer_not_found`.
     */
    async changeShippingAddress(
      orderId: string,
      input: ChangeShippingAddress,
      context: CommandContext = {},
    ): Promise<OrderDocument> {
      return run(orderId, 'ChangeAddress', input, prepareAddress(customers, checkAddress(input)), context)
    },

    /** Makes a PENDING order that has nothing left to pay PAID. Repeatable. Throws `order_not_paid`. */
    async settle(orderId: string, context: CommandContext = {}): Promise<OrderDocument> {
      return simply(orderId, {}, context, () => ({ type: 'Settle' }))
    },

    /**
     * Records that a payment has captured `captured` minor units of an order so far, in all. Repeatable by itself: a
     * figure that is not larger than the known one changes nothing. The order becomes PAID, once, when its payments
     * cover it. Always recorded, also for a cancelled order, whose money is then due to be given back.
     * Throws `currency_mismatch`.
     */
    async recordPayment(input: RecordPayment, context: CommandContext = {}): Promise<OrderDocument> {
      const { order_id: id, payment_intent_id, captured, currency, occurred_at: occurredAt } = checkRecordPayment(input)
      return simply(id, input, context, () => ({
        type: 'RecordPayment',
        paymentIntentId: payment_intent_id,
        captured: BigInt(captured),
        currency,
        occurredAt,
      }))
    },

    /**
     * Records that a payment has given back `refunded` minor units of an order so far, in all. Repeatable by itself.
     * Throws `currency_mismatch`, `order_amount_mismatch` for more than it brought.
     */
    async recordRefund(input: RecordRefund, context: CommandContext = {}): Promise<OrderDocument> {
      const { order_id: id, payment_intent_id, refunded, currency, occurred_at: occurredAt } = checkRecordRefund(input)
      return simply(id, input, context, () => ({
        type: 'RecordRefund',
        paymentIntentId: payment_intent_id,
        refunded: BigInt(refunded),
        currency,
        occurredAt,
      }))
    },

    /**
     * Whether a payment of `amount` minor units may be made for an order: it is PENDING, or PAID and an edit made it
     * dearer, and this is left to pay. Throws `order_not_found`, `illegal_transition`, `order_amount_mismatch`.
     */
    async checkPayable(id: string, amount: number, currency: string): Promise<void> {
      const { state } = await readOrder(orders, orderIdOf(id))
      const open = amountDueOf(state)
      if (state.status !== 'PENDING' && (state.status !== 'PAID' || open === 0n)) throw illegal(state, 'be paid')
      if (state.currency === currency && BigInt(amount) === open) return
      const left = `${formatMinor(open, state.currency)} ${state.currency}`
      const offered = `${formatMinor(BigInt(amount), currency)} ${currency}`
      throw new AppError('order_amount_mismatch', `Order ${id} has ${left} left to pay, not ${offered}`, {
        data: { order_id: id, open_amount: fromMinor(open), order_currency: state.currency },
      })
    },
  }
}
