import { AppError, invalidField } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { formatMinor, type Minor } from '../../core/money.ts'
import type { Adjustment, Order, PricedLine, Product } from '../ports.ts'
import { type AdjustableLine, type Adjusted, type AdjustmentInput, adjust } from './adjustments.ts'

export interface RequestedItem {
  readonly product_id: string
  readonly quantity: number
  readonly location_id?: string
}

/** An item whose units come from a place that is known. */
export interface LocatedItem extends RequestedItem {
  readonly location_id: string
}

/** Items of one product, and of one location where they name some, become one, in the order they were first named. */
export function mergeItems<Item extends RequestedItem>(items: readonly Item[]): Item[] {
  const merged = new Map<string, Item>()
  for (const item of items) {
    const key = `${item.product_id}\n${item.location_id ?? ''}`
    const known = merged.get(key)
    merged.set(key, known === undefined ? item : { ...known, quantity: known.quantity + item.quantity })
  }
  return [...merged.values()]
}

function productOf(item: RequestedItem, products: ReadonlyMap<string, Product>): Product {
  const product = products.get(item.product_id)
  if (product === undefined) {
    throw new AppError('product_not_found', `No product ${item.product_id}`, { data: { product_id: item.product_id } })
  }
  if (!product.active) {
    throw new AppError('product_inactive', `Product ${item.product_id} is not for sale`, {
      data: { product_id: item.product_id },
    })
  }
  return product
}

/** Throws `product_not_found`, `product_inactive`. */
export function checkSold(items: readonly RequestedItem[], products: ReadonlyMap<string, Product>): void {
  for (const item of items) productOf(item, products)
}

function priceIn(product: Product, currency: string): Minor {
  const price = product.currency === currency ? product.price : product.prices[currency]
  if (price !== undefined) return price
  const currencies = [product.currency, ...Object.keys(product.prices)]
  throw new AppError(
    'currency_mismatch',
    `Product ${product.productId} is sold in ${currencies.join(', ')}, not in ${currency}`,
    {
      data: { product_id: product.productId, product_currencies: currencies, order_currency: currency },
    },
  )
}

/** A line before discounts and taxes, with the product as it is now. */
export type UnadjustedLine = AdjustableLine &
  Pick<PricedLine, 'locationId' | 'productVersion' | 'sku' | 'productName' | 'productCategory'>

function lineOf(lineNo: number, item: LocatedItem, product: Product, currency: string): UnadjustedLine {
  if (item.quantity > LIMITS.quantityMax) {
    throw invalidField(
      '/items',
      `the quantities of product ${item.product_id} add up to more than ${LIMITS.quantityMax}`,
    )
  }
  return {
    lineNo,
    productId: product.productId,
    locationId: item.location_id,
    productVersion: product.version,
    sku: product.sku,
    productName: product.name,
    productCategory: product.category,
    quantity: item.quantity,
    price: priceIn(product, currency),
  }
}

function checkAmount(amount: Minor, currency: string): void {
  if (amount <= LIMITS.amountMinorMax) return
  const most = formatMinor(LIMITS.amountMinorMax, currency)
  throw invalidField('/items', `the order costs more than the limit of ${most} ${currency}`)
}

export interface PriceInput extends Omit<AdjustmentInput<AdjustableLine>, 'lines'> {
  readonly items: readonly LocatedItem[]
  /** Else that of the first product. */
  readonly currency: string | undefined
  readonly products: ReadonlyMap<string, Product>
}

export interface PricedOrder extends Adjusted<UnadjustedLine> {
  readonly currency: string
}

/**
 * Prices a new order from the catalogue. All lines have one currency, in which each product must be sold.
 * Throws `product_not_found`, `product_inactive`, `currency_mismatch`, `invalid_input`.
 */
export function priceOrder({ items, products, currency: wanted, ...adjustments }: PriceInput): PricedOrder {
  const merged = mergeItems(items)
  const currency = wanted ?? productOf(merged[0]!, products).currency
  const lines = merged.map((item, index) => lineOf(index + 1, item, productOf(item, products), currency))
  const gross = lines.reduce((sum, line) => sum + line.price * BigInt(line.quantity), 0n)
  const carriage = adjustments.shipping.reduce((sum, { amount }) => sum + amount, 0n)
  checkAmount(gross + carriage, currency)
  const priced = adjust({ ...adjustments, lines })
  checkAmount(priced.totalPrice, currency)
  return { ...priced, currency }
}

/**
 * Lines that an edit adds to an order: at today's prices in the order's currency, without discounts, with the taxes of
 * the order; numbered from behind its last line. `adjustments` are those of the new lines, to be appended to the order's.
 * Throws as {@link priceOrder}.
 */
export function priceAddedLines(
  order: Pick<Order, 'taxRules' | 'pricesIncludeTax' | 'lines' | 'state'>,
  items: readonly LocatedItem[],
  products: ReadonlyMap<string, Product>,
): { lines: readonly PricedLine[]; adjustments: readonly Adjustment[] } {
  const first = order.lines.reduce((most, { lineNo }) => Math.max(most, lineNo), 0) + 1
  const { currency } = order.state
  const lines = mergeItems(items).map((item, index) => lineOf(first + index, item, productOf(item, products), currency))
  const { taxRules, pricesIncludeTax } = order
  const priced = adjust({ lines, discounts: [], shipping: [], taxRules, pricesIncludeTax })
  checkAmount(priced.totalPrice, currency)
  return priced
}
