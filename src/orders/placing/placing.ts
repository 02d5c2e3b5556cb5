import type { Clock } from '../../core/clock.ts'
import { type CommandContext, DEFAULT_ACTOR, type IdempotencyKey, idempotencyKeyOf } from '../../core/command.ts'
import { AppError } from '../../core/errors.ts'
import { type IdMaker, parseId, prefixedId } from '../../core/ids.ts'
import { LIMITS } from '../../core/limits.ts'
import { formatMinor, fromMinor } from '../../core/money.ts'
import { addressOf } from '../catalogue/documents.ts'
import { orderDocument } from '../lifecycle/documents.ts'
import { createdLine } from '../lifecycle/edit.ts'
import { orderAnswer, replayOrder } from '../lifecycle/keys.ts'
import type { OrderDocument } from '../lifecycle/schemas.ts'
import { businessDay } from '../model/business-day.ts'
import { historyHash } from '../model/chain.ts'
import type { CreatedDetails, OrderEvent, Place } from '../model/events.ts'
import { evolve } from '../model/order.ts'
import type {
  Address,
  Customer,
  OrderHeader,
  OrderStore,
  Placement,
  PricedLine,
  Reservation,
  StockStore,
} from '../ports.ts'
import { insufficientStock } from './locator.ts'
import { checkSold, type PricedOrder, priceOrder } from './pricing.ts'
import { type OrderRequest, readRequest } from './request.ts'
import type { PlaceOrder } from './schemas.ts'
import { addressId, inDoubtAgain, type Sources } from './sources.ts'

export interface PlacingDeps {
  readonly orders: OrderStore
  readonly stock: StockStore
  readonly sources: Sources
  readonly ids: IdMaker
  readonly clock: Clock
  /** IANA name; decides to which day a sale belongs. */
  readonly timeZone: string
}

export function placeOf({ country, region, city }: Address): Place {
  return { country, ...(region === undefined ? {} : { region }), city }
}

/** What the first entry of a history says of an order. */
export interface Created {
  readonly header: Pick<OrderHeader, 'orderNumber' | 'shippingAddress'>
  readonly currency: string
  readonly lines: readonly PricedLine[]
  readonly shipping: PricedOrder['shipping']
  readonly totalPrice: bigint
  readonly reservationId?: bigint | undefined
}

/** The first entry of a history: all that the rules need later, and nothing personal. */
export function createdDetails(created: Created): CreatedDetails {
  const { header, currency, lines, shipping, totalPrice, reservationId } = created
  return {
    order_number: header.orderNumber,
    currency,
    total_price: fromMinor(totalPrice),
    shipping: fromMinor(shipping.amount),
    shipping_tax: fromMinor(shipping.tax),
    ship_to: placeOf(header.shippingAddress),
    lines: lines.map(createdLine),
    ...(reservationId === undefined ? {} : { reservation_id: String(reservationId) }),
  }
}

function checkTotal({ input }: OrderRequest, { totalPrice, currency }: PricedOrder): void {
  const expected = input.expected_total
  if (expected === undefined || BigInt(expected) === totalPrice) return
  const [actual, shown] = [formatMinor(totalPrice, currency), formatMinor(BigInt(expected), currency)]
  throw new AppError('price_changed', `The order costs ${actual} ${currency} now, not ${shown}`, {
    data: { expected_total: expected, actual_total: fromMinor(totalPrice), currency },
  })
}

/** Everything that an order is made from, as it was read. */
interface Material {
  readonly customer: Customer
  readonly address: Address
  readonly reservation: Reservation | undefined
  readonly priced: PricedOrder
}

export function createPlacing({ orders, stock, sources, ids, clock, timeZone }: PlacingDeps) {
  const { products, customers, addresses, locator } = sources

  async function addressFor({ input }: OrderRequest): Promise<Address> {
    const { shipping_address: given, shipping_address_id: id = '', customer_id: customerId = '' } = input
    if (given !== undefined) return addressOf(given)
    const key = addressId({ customerId, addressId: id })
    const address = (await addresses.load([key])).get(key)
    if (address === undefined) throw new AppError('address_not_found', `Customer ${customerId} has no address ${id}`)
    return addressOf(address)
  }

  async function customerFor({ input }: OrderRequest): Promise<Customer> {
    const { customer_id: customerId, guest } = input
    if (customerId === undefined) {
      const made = { customerId: prefixedId('cus', 0, clock), version: 1, createdAtMs: clock.now() }
      return { ...made, name: guest?.name, email: guest?.email, guest: true }
    }
    const customer = (await customers.load([customerId])).get(customerId)
    if (customer === undefined) throw new AppError('customer_not_found', `No customer ${customerId}`)
    return customer
  }

  async function reservationFor({ input }: OrderRequest): Promise<Reservation | undefined> {
    const text = input.reservation_id
    if (text === undefined) return undefined
    const id = parseId(text)
    const reservation = id === undefined ? undefined : await stock.reservation(id)
    if (reservation === undefined) throw new AppError('reservation_not_found', `No reservation ${text}`)
    return reservation
  }

  async function read(request: OrderRequest): Promise<Material> {
    const { input, items } = request
    const [customer, address, reservation, known] = await Promise.all([
      customerFor(request),
      addressFor(request),
      reservationFor(request),
      products.load([...new Set(items.map((item) => item.product_id))]),
    ])
    checkSold(items, known)
    const located = await locator.locate(items, reservation?.items ?? [])
    const { discounts, shipping, taxRules, pricesIncludeTax } = request
    const adjustments = { discounts, shipping, taxRules, pricesIncludeTax }
    const priced = priceOrder({ ...adjustments, items: located, products: known, currency: input.currency })
    checkTotal(request, priced)
    return { customer, address, reservation, priced }
  }

  function headerOf({ input, taxRules, pricesIncludeTax }: OrderRequest, orderId: bigint, made: Material): OrderHeader {
    const atMs = clock.now()
    return {
      orderId,
      orderNumber: String(orderId),
      customerId: made.customer.customerId,
      customerName: made.customer.name,
      orderDateMs: atMs,
      timeZone,
      businessDay: businessDay(atMs, timeZone),
      pricesIncludeTax,
      adjustments: made.priced.adjustments,
      taxRules,
      shippingAddressId: input.shipping_address_id,
      shippingAddress: made.address,
      billing: input.billing,
      gift: input.gift,
      note: input.note,
      metadata: input.metadata ?? {},
      origin: 'api',
    }
  }

  /** Reads what the order is made from and makes it, without storing anything. */
  async function draft(
    request: OrderRequest,
    shard: number,
    key: IdempotencyKey | undefined,
    context: CommandContext,
  ): Promise<{ placement: Placement; document: OrderDocument }> {
    const made = await read(request)
    const { customer, reservation, priced } = made
    const orderId = ids.next(shard)
    const header = headerOf(request, orderId, made)
    const reservationId = reservation?.reservationId
    const event: OrderEvent = { type: 'ORDER_CREATED', details: createdDetails({ ...priced, header, reservationId }) }
    const state = evolve(undefined, event)
    const entry = {
      event,
      atMs: header.orderDateMs,
      actor: context.actor ?? DEFAULT_ACTOR,
      requestId: context.requestId,
    }
    const hash = historyHash({ ...entry, orderId, version: state.version })
    const untouched = { shipped: 0, cancelled: 0, returned: 0 }
    const document = orderDocument({
      ...header,
      state,
      lines: priced.lines.map((line) => ({ ...line, ...untouched })),
      shipmentTimes: [],
      updatedAtMs: header.orderDateMs,
      historyHash: hash,
    })
    const placement: Placement = {
      shard,
      header,
      buyer: request.input.guest === undefined ? { version: customer.version } : { guest: customer },
      reservationId,
      lines: priced.lines,
      state,
      event: { ...entry, hash },
      answer: orderAnswer(key, 201, document),
    }
    return { placement, document }
  }

  async function attempt(
    request: OrderRequest,
    shard: number,
    key: IdempotencyKey | undefined,
    context: CommandContext,
  ): Promise<OrderDocument | 'key_known'> {
    const deadline = clock.now() + LIMITS.commandMsMax
    for (;;) {
      const { placement, document } = await inDoubtAgain(sources, request.items, () =>
        draft(request, shard, key, context),
      )
      const outcome = await orders.place(placement)
      switch (outcome.kind) {
        case 'placed':
          return document
        case 'key_known':
          return 'key_known'
        case 'reservation_gone':
          throw new AppError('reservation_gone', `Reservation ${request.input.reservation_id} is not held any more`)
        case 'short': {
          const { productId: product_id, requested: quantity, available, locationId: location_id } = outcome
          const moves = clock.now() <= deadline && (await locator.mayBeElsewhere(request.items, product_id))
          if (!moves) throw insufficientStock({ product_id, quantity }, available, { location_id })
          break
        }
        case 'stale': {
          const { customer_id: customerId = '', shipping_address_id: id = '' } = request.input
          products.forget(request.items.map((item) => item.product_id))
          customers.forget([customerId])
          addresses.forget([addressId({ customerId, addressId: id })])
          if (clock.now() > deadline) throw new AppError('write_contention', undefined, { retryAfterMs: 1_000 })
        }
      }
    }
  }

  /**
   * Places an order: today's prices and the address are copied into it, its units are reserved, all in one transaction.
   * Amounts in minor units. Repeatable by `idempotencyKey`; a refused order leaves the key unused.
   * Throws `invalid_input`, `unknown_currency`, `customer_not_found`, `address_not_found`, `product_not_found`,
   * `product_inactive`, `location_not_found`, `reservation_not_found`, `reservation_gone`, `currency_mismatch`,
   * `price_changed` (with `expected_total`, `actual_total`), `insufficient_stock` (with `product_id`, `requested`,
   * `available`), `idempotency_key_reused`, `write_contention`, `overloaded`.
   */
  return async function place(input: PlaceOrder, context: CommandContext = {}): Promise<OrderDocument> {
    const request = readRequest(input)
    const key = idempotencyKeyOf(context, 'PlaceOrder', request.input)
    const shard = orders.shardFor(key)
    const replay = () => replayOrder(orders, shard, key, context, clock)
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
