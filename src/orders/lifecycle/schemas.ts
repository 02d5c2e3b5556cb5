import Type, { type Static } from 'typebox'
import { actionsSchema } from '../../core/actions.ts'
import { LIMITS } from '../../core/limits.ts'
import { AddressInput } from '../catalogue/schemas.ts'
import { amount, currency, day, externalId, orderId, page, strict, time, units, version } from '../fields.ts'
import { FULFILLMENT_STATUSES, ORDER_STATUSES, PAYMENT_STATUSES } from '../model/statuses.ts'

const minor = (what: string) => Type.Integer({ description: `${what}, in minor units` })

export const OrderItem = Type.Object(
  {
    line_no: Type.Integer({ description: 'Counts the lines of the order from 1' }),
    line_item_id: Type.String({ description: 'The id of the line' }),
    product_id: Type.String({ description: 'What was ordered' }),
    location_id: Type.String({ description: 'Where it is sent from' }),
    sku: Type.String({ description: 'As it was at the time of purchase' }),
    product_name: Type.String({ description: 'As it was at the time of purchase' }),
    product_category: Type.String({ description: 'As it was at the time of purchase' }),
    quantity: Type.Integer({ description: 'Units ordered' }),
    price_at_time_of_purchase: minor('Price of one unit'),
    discount: minor('Discount on the whole line'),
    amount: minor('What the line costs without tax: price * quantity - discount - tax inside the price'),
    tax: minor('Tax on the line'),
    quantity_shipped: Type.Integer({ description: 'Units shipped' }),
    quantity_cancelled: Type.Integer({ description: 'Units cancelled or removed' }),
    quantity_returned: Type.Integer({ description: 'Units returned' }),
  },
  { title: 'OrderItem', description: 'A line of an order' },
)
export type OrderItem = Static<typeof OrderItem>

const OrderAddress = Type.Object(
  {
    name: Type.Optional(Type.String()),
    line1: Type.Optional(Type.String()),
    line2: Type.Optional(Type.String()),
    city: Type.String(),
    region: Type.Optional(Type.String()),
    postal_code: Type.Optional(Type.String()),
    country: Type.String(),
  },
  { title: 'OrderAddress', description: 'Where the order goes' },
)

const OrderShipment = Type.Object(
  {
    shipment_no: Type.Integer({ description: 'Counts the shipments of the order from 1' }),
    status: Type.Enum(['shipped', 'delivered'], { description: 'Whether it has arrived' }),
    items: Type.Array(
      Type.Object({
        line_no: Type.Integer({ description: 'The line' }),
        line_item_id: Type.String({ description: 'The id of the line' }),
        quantity: Type.Integer({ description: 'Units in this shipment' }),
      }),
    ),
    carrier: Type.Optional(Type.String({ description: 'Who brings it' })),
    tracking_number: Type.Optional(Type.String({ description: 'The number of the carrier' })),
    tracking_url: Type.Optional(Type.String({ description: 'Where it can be followed' })),
    shipped_at: time('When it left'),
    delivered_at: Type.Optional(time('When it arrived')),
  },
  { title: 'OrderShipment', description: 'A part of an order that left' },
)

const OrderAdjustment = Type.Object(
  {
    kind: Type.Enum(['discount', 'shipping', 'tax'], { description: 'What it is' }),
    label: Type.String({ description: 'What it is called' }),
    code: Type.Optional(Type.String({ description: 'The code of a discount' })),
    rate: Type.Optional(Type.String({ description: 'The rate of a tax, in percent' })),
    line_no: Type.Optional(Type.Integer({ description: 'The line it belongs to; 0 is shipping' })),
    amount: minor('How much; a discount is positive'),
  },
  { title: 'OrderAdjustment', description: 'How the total came about' },
)

const OrderGift = Type.Object(
  {
    message: Type.Optional(Type.String()),
    from: Type.Optional(Type.String()),
    to: Type.Optional(Type.String()),
    wrap: Type.Optional(Type.Boolean()),
  },
  { title: 'OrderGift', description: 'What the giver wants to say' },
)

const OrderPayment = Type.Object(
  {
    payment_intent_id: Type.String({ description: 'The payment' }),
    captured: minor('What it has brought so far'),
    refunded: minor('Of that, what was given back'),
  },
  { title: 'OrderPayment', description: 'What one payment has brought' },
)

export const ORDER_ACTIONS = ['ship', 'deliver', 'cancel', 'return', 'edit', 'change_address'] as const
export type OrderAction = (typeof ORDER_ACTIONS)[number]

export const OrderDocument = Type.Object(
  {
    order_id: orderId,
    order_number: Type.String({ description: 'The number people use; the id unless it was imported' }),
    customer_id: Type.String({ description: 'Who ordered' }),
    status: Type.Enum([...ORDER_STATUSES], { description: 'Where the order stands' }),
    payment_status: Type.Enum([...PAYMENT_STATUSES], {
      description: 'What the payments say; refund_due: more is held than the order costs',
    }),
    fulfillment_status: Type.Enum([...FULFILLMENT_STATUSES], { description: 'Where the goods are' }),
    currency,
    prices_include_tax: Type.Boolean({ description: 'Whether the prices of the lines have their tax inside' }),
    subtotal: minor('Sum of the lines, without tax'),
    discount_total: minor('Discounts; taken off in subtotal'),
    shipping_total: minor('Cost of shipping, without tax'),
    tax_total: minor('Taxes, that of shipping too'),
    total_price: minor('Everything that was bought: subtotal + shipping_total + tax_total'),
    cancelled_total: minor('Of that, what was taken back before it was shipped'),
    returned_total: minor('Of that, what was taken back after it was shipped'),
    owed_total: minor('What the order costs now: total_price - cancelled_total - returned_total'),
    paid_total: minor('Captured by payments so far'),
    refunded_total: minor('Given back so far'),
    amount_due: minor('What is left to pay'),
    refund_due: minor('What is held without being owed'),
    items: Type.Array(OrderItem, { description: 'The lines' }),
    adjustments: Type.Array(OrderAdjustment, { description: 'Discounts, shipping and taxes' }),
    shipments: Type.Array(OrderShipment, { description: 'What has left, in order' }),
    payments: Type.Array(OrderPayment, { description: 'What each payment has brought' }),
    shipping_address_id: Type.Optional(Type.String({ description: 'The address it was copied from' })),
    shipping_address: OrderAddress,
    billing: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'Whom the invoice goes to, as it was given' }),
    ),
    gift: Type.Optional(OrderGift),
    note: Type.Optional(Type.String({ description: 'What the customer wrote to it' })),
    metadata: Type.Record(Type.String(), Type.String(), { description: 'Texts of your own' }),
    origin: Type.Enum(['api', 'import'], { description: 'Whether it was placed here or imported' }),
    order_date: time('When it was placed'),
    business_day: day('The day of the store on which it was placed'),
    time_zone: Type.String({ description: 'Time zone of the store at that time', examples: ['America/New_York'] }),
    version,
    updated_at: time('When it was changed last'),
    actions: Type.Optional(actionsSchema('OrderAction', ORDER_ACTIONS)),
  },
  { title: 'Order', description: 'An order' },
)
export type OrderDocument = Static<typeof OrderDocument>

/** A line can be named by its number or its id. */
const item = Type.Object(
  {
    line_no: Type.Optional(Type.Integer({ minimum: 1, description: 'The line; give this or line_item_id' })),
    line_item_id: Type.Optional(Type.String({ maxLength: 40, description: 'The line; give this or line_no' })),
    quantity: units('How many', LIMITS.quantityMax, 1),
  },
  strict,
)
export type ItemInput = Static<typeof item>

const items = (what: string) =>
  Type.Array(item, { minItems: 1, maxItems: LIMITS.orderLinesMax, description: `${what}; items of one line add up` })

const text = (what: string, example: string, most: number = LIMITS.nameCharsMax) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: most, pattern: '\\S', description: what, examples: [example] }))

const tracking = {
  carrier: text('Who brings it', 'DHL'),
  tracking_number: text('The number of the carrier', 'JD014600003828'),
  tracking_url: Type.Optional(
    Type.String({
      maxLength: LIMITS.urlCharsMax,
      pattern: '^https?://[^\\s]+$',
      errorMessage: 'must be a URL that starts with http:// or https://',
      description: 'Where it can be followed',
      examples: ['https://www.dhl.com/track?id=JD014600003828'],
    }),
  ),
}

const shipmentNo = Type.Integer({ minimum: 1, description: 'The shipment, counted from 1' })
const reason = text('Why; kept in the history, so name nobody', 'changed my mind', LIMITS.reasonCharsMax)
const refundShipping = Type.Optional(
  Type.Boolean({ description: 'Whether the cost of shipping is given back too; no unless said' }),
)

export const ShipOrder = Type.Object(
  { items: Type.Optional(items('What leaves; everything that is open unless given')), ...tracking },
  { ...strict, title: 'ShipOrder' },
)
export type ShipOrder = Static<typeof ShipOrder>

export const ChangeShipment = Type.Object(tracking, {
  title: 'ChangeShipment',
  ...strict,
  minProperties: 1,
  errorMessage: 'must change at least one of carrier, tracking_number, tracking_url',
})
export type ChangeShipment = Static<typeof ChangeShipment>

export const DeliverOrder = Type.Object(
  { shipment_no: Type.Optional(shipmentNo) },
  { ...strict, title: 'DeliverOrder' },
)
export type DeliverOrder = Static<typeof DeliverOrder>

export const CancelOrder = Type.Object(
  {
    items: Type.Optional(items('What is cancelled; the whole order unless given')),
    reason,
    refund_shipping: refundShipping,
  },
  { ...strict, title: 'CancelOrder' },
)
export type CancelOrder = Static<typeof CancelOrder>

export const ReturnItems = Type.Object(
  {
    items: items('What came back'),
    restock: Type.Optional(Type.Boolean({ description: 'Whether the units can be sold again; yes unless said' })),
    reason,
    refund_shipping: refundShipping,
  },
  { ...strict, title: 'ReturnItems' },
)
export type ReturnItems = Static<typeof ReturnItems>

export const EditOrder = Type.Object(
  {
    add_items: Type.Optional(
      Type.Array(
        Type.Object(
          {
            product_id: externalId('What is ordered in addition', 'lens-2'),
            quantity: units('How many', LIMITS.quantityMax, 1),
            location_id: Type.Optional(externalId('Where it is sent from; chosen unless given', 'main')),
          },
          strict,
        ),
        { minItems: 1, maxItems: LIMITS.orderLinesMax, description: 'New lines, at the prices of now' },
      ),
    ),
    remove_items: Type.Optional(items('Units that are not wanted any more')),
    reason,
    expected_total: Type.Optional(
      amount('What the order costs afterwards (owed_total); another figure is refused with price_changed'),
    ),
  },
  { ...strict, title: 'EditOrder' },
)
export type EditOrder = Static<typeof EditOrder>

export const ChangeShippingAddress = Type.Object(
  {
    shipping_address_id: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'One of the addresses of the customer; give this or shipping_address',
      }),
    ),
    shipping_address: Type.Optional(AddressInput),
  },
  { ...strict, title: 'ChangeShippingAddress' },
)
export type ChangeShippingAddress = Static<typeof ChangeShippingAddress>

const payment = {
  order_id: orderId,
  payment_intent_id: externalId('The payment', 'pi_01'),
  currency,
  occurred_at: Type.Optional(
    Type.String({
      pattern: '^\\d{4}-\\d{2}-\\d{2}T[\\d:.]{5,20}Z$',
      errorMessage: 'must be a time such as 2026-03-01T09:30:00Z',
      description: 'When the payment model saw it (RFC 3339, UTC)',
    }),
  ),
}

export const RecordPayment = Type.Object(
  { ...payment, captured: amount('Captured by this payment so far, in all') },
  strict,
)
export type RecordPayment = Static<typeof RecordPayment>
export const RecordRefund = Type.Object(
  { ...payment, refunded: amount('Given back by this payment so far, in all') },
  strict,
)
export type RecordRefund = Static<typeof RecordRefund>

export const HistoryDocument = Type.Object(
  {
    version: Type.Integer({ description: 'The version of the order after the event' }),
    event_id: Type.String({ description: 'Number of the event in its shard of the log' }),
    event_type: Type.String({ description: 'What happened', examples: ['ORDER_PAID'] }),
    timestamp: time('When it was written'),
    actor: Type.String({ description: 'Who did it: the id of an API key, or a part of Fanfold' }),
    request_id: Type.Optional(Type.String({ description: 'The request that did it' })),
    details: Type.Record(Type.String(), Type.Unknown(), { description: 'Figures of the event; money in minor units' }),
    hash: Type.String({ description: 'SHA-256 of the entry and the hash of the one before, in hex' }),
  },
  { title: 'OrderHistoryEntry', description: 'An event of an order' },
)
export type HistoryDocument = Static<typeof HistoryDocument>

export const OrderCheck = Type.Object(
  {
    order_id: orderId,
    ok: Type.Boolean({ description: 'Whether nothing was found' }),
    events: Type.Integer({ description: 'How many entries of its history were checked' }),
    findings: Type.Array(
      Type.Object({
        kind: Type.String({ description: 'Which comparison', examples: ['history_chain'] }),
        message: Type.String({ description: 'What differs' }),
      }),
    ),
    checked_at: time('When it was read, all at one moment'),
  },
  { title: 'OrderCheck', description: 'What was found about one order' },
)
export type OrderCheck = Static<typeof OrderCheck>

export const OrderPage = page(OrderDocument, 'Orders, newest first')
export const HistoryPage = page(HistoryDocument, 'Events, oldest first')
