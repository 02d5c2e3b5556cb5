import { AppError, invalidField } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import { formatMinor, type Minor } from '../core/money.ts'
import type { PricedLine, Product } from './ports.ts'

export interface RequestedItem {
  readonly product_id: string
  readonly quantity: number
}

/** Items of one product become one line, in the order in which they were first named. */
export function mergeItems(items: readonly RequestedItem[]): RequestedItem[] {
  const merged = new Map<string, number>()
  for (const { product_id, quantity } of items) merged.set(product_id, (merged.get(product_id) ?? 0) + quantity)
  return [...merged].map(([product_id, quantity]) => ({ product_id, quantity }))
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

/**
 * Prices a new order from the catalogue. All lines have one currency: the one asked for, else that of the products.
 * Throws `product_not_found`, `product_inactive`, `currency_mismatch`, `invalid_input`.
 */
export function priceLines(
  items: readonly RequestedItem[],
  products: ReadonlyMap<string, Product>,
  wantedCurrency: string | undefined,
): { lines: PricedLine[]; currency: string; subtotal: Minor } {
  let currency = wantedCurrency
  let subtotal = 0n
  const lines = mergeItems(items).map((item, index): PricedLine => {
    const product = productOf(item, products)
    currency ??= product.currency
    if (product.currency !== currency) {
      throw new AppError(
        'currency_mismatch',
        `Product ${item.product_id} is sold in ${product.currency}, not in ${currency}`,
        {
          data: { product_id: item.product_id, product_currency: product.currency, order_currency: currency },
        },
      )
    }
    if (item.quantity > LIMITS.quantityMax) {
      throw invalidField(
        '/items',
        `the quantities of product ${item.product_id} add up to more than ${LIMITS.quantityMax}`,
      )
    }
    const amount = product.price * BigInt(item.quantity)
    subtotal += amount
    return {
      lineNo: index + 1,
      productId: product.productId,
      productVersion: product.version,
      sku: product.sku,
      productName: product.name,
      productCategory: product.category,
      quantity: item.quantity,
      price: product.price,
      discount: 0n,
      amount,
      tax: 0n,
    }
  })
  if (subtotal > LIMITS.amountMinorMax) {
    throw invalidField(
      '/items',
      `the order costs more than the limit of ${formatMinor(LIMITS.amountMinorMax, currency!)}`,
    )
  }
  return { lines, currency: currency!, subtotal }
}
