import { fromMinor, type Minor } from '../../core/money.ts'
import type { PricePosition, Product, ProductPrice } from '../../orders/ports.ts'

export const PRODUCT_COLUMNS =
  'product_id, sku, name, category, price, currency, prices, active, version, created_at, updated_at'

export interface ProductRow {
  product_id: string
  sku: string
  name: string
  category: string
  price: bigint
  currency: string
  prices: Record<string, number>
  active: boolean
  version: number
  created_at: Date
  updated_at: Date
}

export function toProduct(row: ProductRow): Product {
  return {
    productId: row.product_id,
    sku: row.sku,
    name: row.name,
    category: row.category,
    price: row.price,
    currency: row.currency,
    prices: Object.fromEntries(Object.entries(row.prices).map(([currency, price]) => [currency, BigInt(price)])),
    active: row.active,
    version: row.version,
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  }
}

export interface PriceRow {
  product_id: string
  version: number
  currency: string
  price: bigint | null
  valid_from: Date
  actor: string
}

/** As the column `prices` has them. */
export const pricesJson = ({ prices }: Product) =>
  Object.fromEntries(Object.entries(prices).map(([currency, price]) => [currency, fromMinor(price)]))

/** All prices of a product by currency, that of its own included. */
const pricesOf = (product: Product): ReadonlyMap<string, Minor> =>
  new Map([...Object.entries(product.prices), [product.currency, product.price]])

/** The prices that differ from before; `undefined` for a currency it is no longer sold in. */
export function changedPrices(
  before: Product | undefined,
  after: Product,
): [currency: string, price: Minor | undefined][] {
  const [old, now] = [before === undefined ? new Map<string, Minor>() : pricesOf(before), pricesOf(after)]
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((currency) => old.get(currency) !== now.get(currency))
    .map((currency) => [currency, now.get(currency)])
}

export const toPrice = (row: PriceRow): ProductPrice => ({
  productId: row.product_id,
  version: row.version,
  price: row.price ?? undefined,
  currency: row.currency,
  validFromMs: row.valid_from.getTime(),
  actor: row.actor,
})

/** Before the newest price. */
export const NEWEST_PRICE: PricePosition = { version: 2_147_483_647, currency: '' }
