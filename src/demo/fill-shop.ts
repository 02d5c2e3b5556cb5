import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import type { ImportedSale } from './sales.ts'
import { ACTOR, type Scene } from './scene.ts'
import { LOCATIONS, type ShopChange } from './shop.ts'

const DAY_MS = 86_400_000
/** Opening day: a year and a bit ago. */
const OPENED_AGO_MS = 370 * DAY_MS
export const SHIPPING = { label: 'Parcel', amount: 590 } as const
/** From so many cents on, sending is free. */
const FREE_SHIPPING = 10_000

/** What is imported is read from files: one that is gone afterwards. */
async function withFile<T>(rows: readonly object[], work: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfold-demo-'))
  try {
    const file = join(folder, 'rows.jsonl')
    await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    return await work(file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function refuseBad(label: string, bad: number): void {
  if (bad > 0) throw new AppError('demo_refused', `${bad} ${label} of the demo could not be imported`)
}

export async function fillShop({ fanfold: { orders }, world, act, each }: Scene): Promise<void> {
  const { products, customers } = world.shop
  await each('locations', LOCATIONS, 1, ({ locationId, name, priority }) =>
    act(OPENED_AGO_MS, () => orders.putLocation(locationId, { name, priority, active: true })),
  )
  const productRows = products.map(({ productId, sku, name, category, price, stock }) => ({
    ...{ product_id: productId, sku, name, category, price, currency: 'USD', stock },
  }))
  await each('products', [productRows], 1, (rows) =>
    withFile(rows, async (file) =>
      refuseBad(
        'products',
        (await act(OPENED_AGO_MS, () => orders.importProducts(file, {}, { actor: ACTOR }))).rows_bad,
      ),
    ),
  )
  const customerRows = customers.map(({ customerId, name, email, addressId, address }) => ({
    ...{ customer_id: customerId, name, email },
    addresses: [{ address_id: addressId, name, ...address }],
  }))
  await each('customers', [customerRows], 1, (rows) =>
    withFile(rows, async (file) =>
      refuseBad('customers', (await act(OPENED_AGO_MS, () => orders.importCustomers(file))).rows_bad),
    ),
  )
}

/** Whether an earlier run changed this, or something later. */
async function isChanged({ fanfold: { orders }, nowMs }: Scene, change: ShopChange): Promise<boolean> {
  const { agoMs, productId, price } = change
  const isSince = (time: string) => Date.parse(time) >= nowMs - agoMs
  if (price !== undefined) return (await orders.listPrices(productId)).items.some((one) => isSince(one.valid_from))
  for (let cursor: string | undefined; ; ) {
    const { items, next_cursor } = await orders.listStockMoves(productId, { limit: LIMITS.pageItemsMax, cursor })
    if (items.some(({ kind, moved_at: at }) => kind === 'adjust' && isSince(at))) return true
    if (next_cursor === undefined || items.every((move) => !isSince(move.moved_at))) return false
    cursor = next_cursor
  }
}

/** Changes a price or a count as the shop decided it. */
export async function changeShop(scene: Scene, change: ShopChange): Promise<void> {
  const { act, isResumed } = scene
  const { orders } = scene.fanfold
  const { agoMs, productId, price, count } = change
  if (isResumed && (await isChanged(scene, change))) return
  const context = { actor: ACTOR }
  if (price !== undefined) await act(agoMs, () => orders.changeProduct(productId, { price }, context))
  if (count === undefined) return
  const { locationId: location_id, onHand: on_hand } = count
  await act(agoMs, () => orders.setStock(productId, { on_hand, location_id }, context))
}

export const isSentFree = (cents: number): boolean => cents >= FREE_SHIPPING

/** Taxes come on top in North America, and are inside the prices elsewhere. */
export const taxOf = (country: string) =>
  country === 'US' || country === 'CA'
    ? { label: 'Sales tax', percent: 8.25, isIncluded: false }
    : { label: 'VAT', percent: 20, isIncluded: true }

function rowOf(sale: ImportedSale, nowMs: number): object {
  const { customer, items, discount = 0, orderNumber, agoMs } = sale
  const { percent, isIncluded } = taxOf(customer.address.country)
  const lines = items.map(({ product, quantity }) => {
    const off = Math.floor((product.price * quantity * discount) / 100)
    const tax = Math.round(((product.price * quantity - off) * percent) / (isIncluded ? 100 + percent : 100))
    return {
      ...{ product_id: product.productId, sku: product.sku, product_name: product.name, quantity },
      ...{ product_category: product.category, price_at_time_of_purchase: product.price, discount: off, tax },
      ...(isIncluded ? { tax_included: tax } : {}),
    }
  })
  const value = lines.reduce((sum, line) => sum + line.price_at_time_of_purchase * line.quantity - line.discount, 0)
  return {
    ...{ order_number: orderNumber, order_date: new Date(nowMs - agoMs).toISOString(), currency: 'USD' },
    ...{ customer_id: customer.customerId, customer_name: customer.name },
    ...{ shipping_address_id: customer.addressId, shipping_address: { name: customer.name, ...customer.address } },
    ...(isSentFree(value) ? {} : { shipping_total: SHIPPING.amount }),
    prices_include_tax: isIncluded,
    items: lines,
  }
}

/** The orders from before there was a Fanfold. */
export async function fillImported({ fanfold: { orders }, world, nowMs, each }: Scene): Promise<void> {
  const rows = world.sales.imported.map((sale) => rowOf(sale, nowMs))
  await each('orders of the past', [rows], 1, (all) =>
    withFile(all, async (file) =>
      refuseBad('orders', (await orders.importOrders(file, {}, { actor: ACTOR })).rows_bad),
    ),
  )
}
