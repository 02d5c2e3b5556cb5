import type { OrderDocument } from '../orders/schemas.ts'
import type { Payment } from '../payments/schemas.ts'
import { changeShop, isSentFree, SHIPPING, taxOf } from './fill-shop.ts'
import type { Basket, LivingSale } from './sales.ts'
import { keyed, type Scene } from './scene.ts'
import { PERIOD_MS } from './shop.ts'

/** All of a period go on together: what they ask for at the same time is stored by few statements. */
const AT_ONCE = 256
const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** The order that a basket becomes. */
export function orderOf({ customer, items, discount, giftWrap }: Basket) {
  const { label, percent, isIncluded } = taxOf(customer.address.country)
  const value = items.reduce((sum, { product, quantity }) => sum + product.price * quantity, 0)
  return {
    customer_id: customer.customerId,
    shipping_address_id: customer.addressId,
    items: items.map(({ product, quantity }) => ({ product_id: product.productId, quantity })),
    ...(discount === undefined
      ? {}
      : { discounts: [{ code: `SAVE${discount}`, type: 'percentage' as const, value: String(discount) }] }),
    ...(isSentFree(value) ? {} : { shipping: [SHIPPING] }),
    taxes: [{ label, rate: String(percent) }],
    prices_include_tax: isIncluded,
    ...(giftWrap ? { gift: { message: 'Many happy returns!', wrap: true } } : {}),
  }
}

export type PayOptions = { readonly token?: string; readonly manual?: boolean }

/** What is done with one order and its payments, each thing as of its moment. `key` begins the keys of all commands. */
export function createTeller(scene: Scene, key: string) {
  const { act } = scene
  const { orders, payments } = scene.fanfold

  /** Tells the order what its payment brought and gave back, as the flow between them would, but at that moment. */
  async function settle(payment: Payment, agoMs: number): Promise<Payment> {
    const { order_id, payment_intent_id, currency, captured, refunded } = payment
    if (order_id === null) return payment
    const fact = { order_id, payment_intent_id, currency, occurred_at: new Date(scene.nowMs - agoMs).toISOString() }
    const context = { actor: 'flow:order-payments' }
    if (captured > 0) await act(agoMs, () => orders.recordPayment({ ...fact, captured }, context))
    if (refunded > 0) await act(agoMs, () => orders.recordRefund({ ...fact, refunded }, context))
    return payment
  }

  return {
    settle,
    place: (basket: Basket, agoMs: number) => act(agoMs, () => orders.place(orderOf(basket), keyed(`${key}-place`))),
    async pay(order: OrderDocument, agoMs: number, options: PayOptions = {}): Promise<Payment> {
      const { token = 'tok_ok', manual = false } = options
      const name = `${key}-${token}`
      const created = await act(agoMs, () =>
        payments.create(
          {
            ...{ order_id: order.order_id, customer_id: order.customer_id, currency: order.currency },
            ...{ amount: order.amount_due, capture_method: manual ? ('manual' as const) : ('automatic' as const) },
            payment_method: { token, brand: 'demo', last4: '4242' },
          },
          keyed(`${name}-create`),
        ),
      )
      const id = created.payment_intent_id
      const authorized = await act(agoMs - 2 * SECOND_MS, () => payments.authorize(id, {}, keyed(`${name}-authorize`)))
      return settle(authorized, agoMs - 3 * SECOND_MS)
    },
    async capture(payment: Payment, agoMs: number, amount?: number): Promise<Payment> {
      const input = amount === undefined ? {} : { amount }
      const context = keyed(`${key}-capture-${amount ?? 'all'}`)
      return settle(await act(agoMs, () => payments.capture(payment.payment_intent_id, input, context)), agoMs)
    },
    async voidRest({ payment_intent_id: id }: Payment, agoMs: number): Promise<Payment> {
      return act(agoMs, () => payments.void(id, {}, keyed(`${key}-void`)))
    },
    /** Gives back what the order holds without being owed it. */
    async giveBack(order: OrderDocument, payment: Payment, agoMs: number, reason: string): Promise<void> {
      const { refund_due: amount } = order
      if (amount === 0) return
      const { payment_intent_id: id } = payment
      const refunded = await act(agoMs, () => payments.refund(id, { amount, reason }, keyed(`${key}-refund-${amount}`)))
      await settle(refunded, agoMs - SECOND_MS)
    },
    change<T>(what: string, agoMs: number, run: (context: ReturnType<typeof keyed>) => Promise<T>): Promise<T> {
      return act(agoMs, () => run(keyed(`${key}-${what}`)))
    },
  }
}

const CARRIERS = ['Parcel One', 'Swift Post', 'Blue Van']
const trackingOf = (sale: LivingSale, parcel: number) => {
  const digits = sale.key.replace(/\D/g, '')
  return { carrier: CARRIERS[Number(digits) % CARRIERS.length]!, tracking_number: `P${digits}-${parcel}` }
}

/** One order from its placing to wherever it has come by now. */
async function live(scene: Scene, sale: LivingSale): Promise<void> {
  const { orders } = scene.fanfold
  const { fate, agoMs, key } = sale
  const { place, pay, capture, voidRest, giveBack, change } = createTeller(scene, key)
  /** How long ago it is, `undefined` when it has not come yet. What follows within moments comes with it. */
  const ago = (afterMs: number) => (agoMs - afterMs > MINUTE_MS ? agoMs - afterMs : undefined)
  let order = await place(sale, agoMs)
  const { order_id: id } = order

  if (fate === 'edited') {
    const [{ product }] = sale.items as [LivingSale['items'][number]]
    const more = { add_items: [{ product_id: product.productId, quantity: 1 }], reason: 'one more, please' }
    order = await change('edit', agoMs - 20 * SECOND_MS, (context) => orders.edit(id, more, context))
  }
  const paysAgo = ago(sale.paysAfterMs)
  if (paysAgo === undefined) return
  if (fate === 'cancelled_unpaid' || fate === 'abandoned') {
    if (fate === 'abandoned') await pay(order, paysAgo, { token: 'tok_insufficient_funds' })
    const endsAgo = ago(sale.paysAfterMs + 48 * HOUR_MS)
    const reason = fate === 'abandoned' ? 'not paid in time' : 'changed my mind'
    if (endsAgo !== undefined) await change('cancel', endsAgo, (context) => orders.cancel(id, { reason }, context))
    return
  }

  const manual = fate === 'two_parcels' || (fate === 'cancelled' && agoMs % 2 === 0)
  let payment = await pay(order, paysAgo, { manual })
  if (fate === 'cancelled') {
    const cancelsAgo = ago(sale.paysAfterMs + 3 * HOUR_MS)
    if (cancelsAgo === undefined) return
    order = await change('cancel', cancelsAgo, (context) => orders.cancel(id, { reason: 'ordered twice' }, context))
    if (manual) await voidRest(payment, cancelsAgo - SECOND_MS)
    else await giveBack(order, payment, cancelsAgo - SECOND_MS, 'order cancelled')
    return
  }
  if (fate === 'moved') {
    const movesAgo = ago(sale.paysAfterMs + HOUR_MS)
    const { name } = sale.customer
    const address = { ...sale.customer.address, name, line1: '1 New Square' }
    if (movesAgo !== undefined)
      await change('move', movesAgo, (context) =>
        orders.changeShippingAddress(id, { shipping_address: address }, context),
      )
  }
  const last = order.items.at(-1)!
  if (fate === 'part_cancelled' && order.items.length > 1) {
    const cancelsAgo = ago(sale.paysAfterMs + 2 * HOUR_MS)
    if (cancelsAgo === undefined) return
    const items = [{ line_no: last.line_no, quantity: last.quantity }]
    order = await change('cancel-line', cancelsAgo, (context) =>
      orders.cancel(id, { items, reason: 'sold out after all' }, context),
    )
    await giveBack(order, payment, cancelsAgo - SECOND_MS, 'items cancelled')
  }

  const shipsAgo = ago(sale.paysAfterMs + sale.shipsAfterMs)
  if (shipsAgo === undefined) return
  if (manual) payment = await capture(payment, shipsAgo + SECOND_MS)
  const first = order.items[0]!
  if (fate === 'two_parcels' && (order.items.length > 1 || first.quantity > 1)) {
    const units = order.items.length > 1 ? first.quantity : 1
    const items = [{ line_no: first.line_no, quantity: units }]
    await change('ship-1', shipsAgo, (context) => orders.ship(id, { items, ...trackingOf(sale, 1) }, context))
    const secondAgo = ago(sale.paysAfterMs + sale.shipsAfterMs + 15 * HOUR_MS)
    if (secondAgo === undefined) return
    await change('ship-2', secondAgo, (context) => orders.ship(id, trackingOf(sale, 2), context))
    const firstArrives = ago(sale.paysAfterMs + sale.arrivesAfterMs)
    if (firstArrives === undefined || firstArrives >= secondAgo) return
    await change('deliver-1', firstArrives, (context) => orders.deliver(id, { shipment_no: 1 }, context))
    const secondArrives = ago(sale.paysAfterMs + sale.arrivesAfterMs + 20 * HOUR_MS)
    if (secondArrives !== undefined)
      await change('deliver-2', secondArrives, (context) => orders.deliver(id, {}, context))
    return
  }
  await change('ship', shipsAgo, (context) => orders.ship(id, trackingOf(sale, 1), context))
  const arrivesAgo = ago(sale.paysAfterMs + sale.arrivesAfterMs)
  if (arrivesAgo === undefined) return
  await change('deliver', arrivesAgo, (context) => orders.deliver(id, {}, context))
  const returnsAgo = fate === 'returned' ? ago(sale.paysAfterMs + sale.returnsAfterMs) : undefined
  if (returnsAgo === undefined) return
  const items = [{ line_no: first.line_no, quantity: first.quantity }]
  const input = { items, reason: 'not what I hoped for', refund_shipping: order.items.length === 1 }
  order = await change('return', returnsAgo, (context) => orders.returnItems(id, input, context))
  await giveBack(order, payment, returnsAgo - SECOND_MS, 'items returned')
}

/** Orders as they came in; at the beginning of each period the shop changes prices and fills its shelves. */
export async function fillOrders(scene: Scene): Promise<void> {
  const { sales, shop } = scene.world
  const total = sales.living.length
  let done = 0
  const periodOf = ({ agoMs }: { agoMs: number }) => Math.floor(agoMs / PERIOD_MS)
  const first = Math.max(0, ...[...sales.living, ...shop.changes].map(periodOf))
  for (let period = first; period >= 0; period--) {
    const isNow = (one: { agoMs: number }) => periodOf(one) === period
    // Whoever orders after a change of price pays the new one, however many orders are under way at the same time.
    for (const change of shop.changes.filter(isNow)) await changeShop(scene, change)
    const now = sales.living.filter(isNow)
    await scene.each('orders', now, AT_ONCE, (sale) => live(scene, sale), { done, total })
    done += now.length
  }
}
