import type { Clock } from '../core/clock.ts'
import { type CommandContext, DEFAULT_ACTOR, type IdempotencyKey, idempotencyKeyOf } from '../core/command.ts'
import { AppError, invalidField } from '../core/errors.ts'
import type { IdMaker } from '../core/ids.ts'
import { LIMITS } from '../core/limits.ts'
import { currencyExponent, formatMinor, fromMinor } from '../core/money.ts'
import { validator } from '../core/schema.ts'
import { businessDay } from './business-day.ts'
import { createVersionedCache } from './cache.ts'
import { addressOf, orderDocument } from './documents.ts'
import { replayOf } from './keys.ts'
import { type CreatedDetails, evolve, type OrderEvent, type Place } from './order.ts'
import type {
  Address,
  AddressKey,
  CatalogueStore,
  Customer,
  CustomerStore,
  Order,
  OrderHeader,
  OrderStore,
  Placement,
  PricedLine,
} from './ports.ts'
import { priceLines } from './pricing.ts'
import { type OrderDocument, PlaceOrder } from './schemas.ts'

const checkPlace = validator(PlaceOrder)

export interface PlacingDeps {
  readonly orders: OrderStore
  readonly catalogue: CatalogueStore
  readonly customers: CustomerStore
  readonly ids: IdMaker
  readonly clock: Clock
  /** IANA name; decides to which day a sale belongs. */
  readonly timeZone: string
}

export function placeOf({ country, region, city }: Address): Place {
  return { country, ...(region === undefined ? {} : { region }), city }
}

/** The first entry of a history: all that the rules need later, and nothing personal. */
export function createdDetails(header: OrderHeader, lines: readonly PricedLine[]): CreatedDetails {
  return {
    order_number: header.orderNumber,
    currency: header.currency,
    total_price: fromMinor(header.totalPrice),
    ship_to: placeOf(header.shippingAddress),
    lines: lines.map((line) => ({
      line_no: line.lineNo,
      product_id: line.productId,
      quantity: line.quantity,
      price: fromMinor(line.price),
      discount: fromMinor(line.discount),
      amount: fromMinor(line.amount),
      tax: fromMinor(line.tax),
    })),
  }
}

/** An address as the id of a cache; ids hold no line break. */
const keyText = ({ customerId, addressId }: AddressKey) => `${customerId}\n${addressId}`

function addressKey(text: string): AddressKey {
  const [customerId = '', addressId = ''] = text.split('\n')
  return { customerId, addressId }
}

function checkTotal(request: PlaceOrder, total: bigint, currency: string): void {
  const expected = request.expected_total
  if (expected === undefined || BigInt(expected) === total) return
  const actual = formatMinor(total, currency)
  throw new AppError(
    'price_changed',
    `The order costs ${actual} ${currency} now, not ${formatMinor(BigInt(expected), currency)}`,
    {
      data: { expected_total: expected, actual_total: fromMinor(total), currency },
    },
  )
}

export function createPlacing({ orders, catalogue, customers, ids, clock, timeZone }: PlacingDeps) {
  const products = createVersionedCache(catalogue.find, (product) => product.productId)
  const buyers = createVersionedCache(customers.find, (customer) => customer.customerId)
  const addresses = createVersionedCache((keys) => customers.findAddresses(keys.map(addressKey)), keyText)

  async function addressFor(request: PlaceOrder): Promise<{ address: Address; addressId: string | undefined }> {
    const { shipping_address: given, shipping_address_id: addressId, customer_id: customerId } = request
    if (given !== undefined && addressId === undefined) return { address: addressOf(given), addressId }
    if (given !== undefined || addressId === undefined) {
      throw invalidField('/shipping_address', 'give either shipping_address or shipping_address_id')
    }
    const id = keyText({ customerId, addressId })
    const address = (await addresses.load([id])).get(id)
    if (address === undefined) {
      throw new AppError('address_not_found', `Customer ${customerId} has no address ${addressId}`)
    }
    return { address: addressOf(address), addressId }
  }

  async function customerFor(request: PlaceOrder): Promise<Customer> {
    const customer = (await buyers.load([request.customer_id])).get(request.customer_id)
    if (customer === undefined) throw new AppError('customer_not_found', `No customer ${request.customer_id}`)
    return customer
  }

  /** Reads what the order is made from and makes it, without storing anything. */
  async function draft(
    request: PlaceOrder,
    shard: number,
    key: IdempotencyKey | undefined,
    context: CommandContext,
  ): Promise<{ placement: Placement; document: OrderDocument }> {
    const [customer, { address, addressId }, known] = await Promise.all([
      customerFor(request),
      addressFor(request),
      products.load([...new Set(request.items.map((item) => item.product_id))]),
    ])
    const { lines, currency, subtotal } = priceLines(request.items, known, request.currency)
    checkTotal(request, subtotal, currency)

    const atMs = clock.now()
    const orderId = ids.next(shard)
    const header: OrderHeader = {
      orderId,
      orderNumber: String(orderId),
      customerId: customer.customerId,
      customerName: customer.name,
      orderDateMs: atMs,
      timeZone,
      businessDay: businessDay(atMs, timeZone),
      currency,
      subtotal,
      shippingTotal: 0n,
      taxTotal: 0n,
      totalPrice: subtotal,
      shippingAddressId: addressId,
      shippingAddress: address,
      billing: undefined,
      metadata: request.metadata ?? {},
      origin: 'api',
    }
    const event: OrderEvent = { type: 'ORDER_CREATED', details: createdDetails(header, lines) }
    const state = evolve(undefined, event)
    const untouched = { shipped: 0, cancelled: 0, returned: 0 }
    const order: Order = {
      ...header,
      state,
      lines: lines.map((line) => ({ ...line, ...untouched })),
      updatedAtMs: atMs,
    }
    const document = orderDocument(order)
    const placement: Placement = {
      shard,
      header,
      customerVersion: customer.version,
      lines,
      state,
      event: { event, atMs, actor: context.actor ?? DEFAULT_ACTOR, requestId: context.requestId },
      answer: key === undefined ? undefined : { key, status: 201, body: document },
    }
    return { placement, document }
  }

  async function attempt(
    request: PlaceOrder,
    shard: number,
    key: IdempotencyKey | undefined,
    context: CommandContext,
  ): Promise<OrderDocument | 'key_known'> {
    const deadline = clock.now() + LIMITS.commandMsMax
    for (;;) {
      const { placement, document } = await draft(request, shard, key, context)
      const outcome = await orders.place(placement)
      switch (outcome.kind) {
        case 'placed':
          return document
        case 'key_known':
          return 'key_known'
        case 'short': {
          const { productId, requested, available } = outcome
          throw new AppError(
            'insufficient_stock',
            `Product ${productId}: ${requested} ordered, ${available} available`,
            {
              data: { product_id: productId, requested, available },
            },
          )
        }
        case 'stale':
          products.forget(request.items.map((item) => item.product_id))
          buyers.forget([request.customer_id])
          addresses.forget([keyText({ customerId: request.customer_id, addressId: request.shipping_address_id ?? '' })])
          if (clock.now() > deadline) throw new AppError('write_contention', undefined, { retryAfterMs: 1_000 })
      }
    }
  }

  /**
   * Places an order: today's prices and the address are copied into it, its units are reserved, all in one transaction.
   * Amounts in minor units. Repeatable by `idempotencyKey`; a refused order leaves the key unused.
   * Throws `invalid_input`, `customer_not_found`, `address_not_found`, `product_not_found`, `product_inactive`,
   * `currency_mismatch`, `price_changed` (with `expected_total`, `actual_total`), `insufficient_stock` (with
   * `product_id`, `requested`, `available`), `idempotency_key_reused`, `write_contention`, `overloaded`.
   */
  return async function place(input: PlaceOrder, context: CommandContext = {}): Promise<OrderDocument> {
    const request = checkPlace(input)
    if (Buffer.byteLength(JSON.stringify(request.metadata ?? {})) > LIMITS.metadataBytesMax) {
      throw invalidField('/metadata', `must be at most ${LIMITS.metadataBytesMax} bytes of JSON`)
    }
    if (request.currency !== undefined) currencyExponent(request.currency)
    const key = idempotencyKeyOf(context, 'PlaceOrder', request)
    const shard = orders.shardFor(key)
    const replay = () => replayOf<OrderDocument>(orders, shard, key, context, clock)
    try {
      const placed = await attempt(request, shard, key, context)
      if (placed !== 'key_known') return placed
    } catch (error) {
      // What was placed is placed, also when it could not be today: the key is asked before the rules.
      const earlier = await replay()
      if (earlier !== undefined) return earlier
      throw error
    }
    const earlier = await replay()
    if (earlier === undefined) throw new AppError('write_contention', undefined, { retryAfterMs: 1_000 })
    return earlier
  }
}
