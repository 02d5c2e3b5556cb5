import { isAppError } from '../../core/errors.ts'
import { type BadRow, type FileRow, textOf } from '../../core/file-rows.ts'
import { LIMITS } from '../../core/limits.ts'
import { isCurrency } from '../../core/money.ts'
import { validator } from '../../core/schema.ts'
import { addressOf } from '../catalogue/documents.ts'
import { ADDRESS_COLUMNS, type ColumnKind, LINE_COLUMNS, memberOf, ORDER_COLUMNS } from '../export/columns.ts'
import { businessDay } from '../model/business-day.ts'
import { type Address, MAIN_LOCATION, type PricedLine } from '../ports.ts'
import { allBad, DAYS, type OrderDraft } from './draft.ts'
import type { RowGroup } from './groups.ts'
import { ImportedOrderDocument } from './schemas.ts'

/** Columns without which a CSV file of our own kind can't be read. */
export const REQUIRED_COLUMNS = [
  ...['order_number', 'order_date', 'customer_id', 'currency', 'shipping_city', 'shipping_country', 'product_id'],
  ...['product_name', 'product_category', 'quantity', 'price_at_time_of_purchase'],
] as const

const checkDocument = validator(ImportedOrderDocument)

type Column = readonly [name: string, kind: ColumnKind]

const OF_ORDER: readonly Column[] = Object.entries(ORDER_COLUMNS)
const OF_LINE: readonly Column[] = Object.entries(LINE_COLUMNS)
const OF_ADDRESS = Object.entries(ADDRESS_COLUMNS)
/** What is the same in each row of an order. */
const SHARED = [...OF_ORDER, ...OF_ADDRESS].map(([column]) => column)

function membersOf(row: FileRow, columns: readonly Column[]): Record<string, unknown> {
  const members: Record<string, unknown> = {}
  for (const [column, kind] of columns) {
    const member = memberOf(textOf(row, column), kind)
    if (member !== undefined) members[column] = member
  }
  return members
}

/** The rows of an order as the document that they are made from. */
function documentOf([first, ...others]: readonly [FileRow, ...FileRow[]]): Record<string, unknown> | string {
  for (const other of others) {
    const column = SHARED.find((name) => textOf(other, name) !== textOf(first, name))
    if (column === undefined) continue
    return `order ${textOf(first, 'order_number')} has both "${textOf(first, column)}" and "${textOf(other, column)}"`
  }
  const address: Record<string, unknown> = {}
  for (const [column, member] of OF_ADDRESS) {
    const text = textOf(first, column)
    if (text !== '') address[member] = text
  }
  return {
    ...membersOf(first, OF_ORDER),
    shipping_address: address,
    items: [first, ...others].map((row) => membersOf(row, OF_LINE)),
  }
}

function lineOf(item: ImportedOrderDocument['items'][number], index: number): PricedLine | string {
  const { product_id: productId, quantity, location_id: locationId = MAIN_LOCATION } = item
  const price = BigInt(item.price_at_time_of_purchase)
  const discount = BigInt(item.discount ?? 0)
  const taxIncluded = BigInt(item.tax_included ?? 0)
  const tax = BigInt(item.tax ?? item.tax_included ?? 0)
  const amount = price * BigInt(quantity) - discount - taxIncluded
  const name = `line ${index + 1}`
  if (amount < 0n) return `${name} has more discount and tax than it costs`
  if (item.amount !== undefined && BigInt(item.amount) !== amount) {
    return `the amount of ${name} is not price * quantity - discount - tax_included`
  }
  if (tax < taxIncluded) return `${name} has more tax inside its price than tax`
  return {
    ...{ lineNo: index + 1, productId, productVersion: 1, locationId, sku: item.sku ?? productId },
    ...{ productName: item.product_name, productCategory: item.product_category },
    ...{ quantity, price, discount, taxIncluded, amount, tax },
  }
}

/** Why an order can't be taken over as one that was paid and delivered. */
function unfinished(order: ImportedOrderDocument, total: bigint): string | undefined {
  if ((order.status ?? 'DELIVERED') !== 'DELIVERED') {
    return `the order is ${order.status}; only orders that were paid and delivered are imported`
  }
  if (total > 0n && (order.payment_status ?? 'paid') !== 'paid') return `the payment status is ${order.payment_status}`
  const touched = [order.cancelled_total, order.returned_total, order.refunded_total]
  const units = order.items.flatMap((item) => [item.quantity_cancelled, item.quantity_returned])
  if ([...touched, ...units].some((figure) => (figure ?? 0) !== 0)) {
    return 'units or money were taken back; only whole orders are imported'
  }
  return undefined
}

/** Whether the calendar has this day. */
function isDay(day: string): boolean {
  const at = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day)
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }) !== undefined
  } catch {
    // The only way to ask.
    return false
  }
}

/** Reads orders of our own kind: documents of JSON Lines, and rows of CSV that make one. */
export function createNativeReader(timeZone: string) {
  const zones = new Map<string, boolean>()
  const isZone = (name: string) => {
    const known = zones.get(name) ?? isTimeZone(name)
    zones.set(name, known)
    return known
  }

  function draftOf(order: ImportedOrderDocument, rows: readonly FileRow[]): OrderDraft | string {
    if (!isCurrency(order.currency)) return `"${order.currency}" is no currency that is known`
    const zone = order.time_zone ?? timeZone
    if (!isZone(zone)) return `"${zone}" is no time zone`
    const atMs = Date.parse(order.order_date)
    const day = order.business_day ?? (Number.isNaN(atMs) ? '' : businessDay(atMs, zone))
    if (Number.isNaN(atMs) || day < DAYS.first || day > DAYS.last || !isDay(day)) {
      return `"${order.order_date}" is no time of ${DAYS.first} to ${DAYS.last}`
    }
    const lines: PricedLine[] = []
    for (const [index, item] of order.items.entries()) {
      const line = lineOf(item, index)
      if (typeof line === 'string') return line
      lines.push(line)
    }
    const shipping = { amount: BigInt(order.shipping_total ?? 0), tax: BigInt(order.shipping_tax ?? 0) }
    const totalPrice = lines.reduce((sum, line) => sum + line.amount + line.tax, shipping.amount + shipping.tax)
    if (order.total_price !== undefined && BigInt(order.total_price) !== totalPrice) {
      return `total_price is ${order.total_price}, but lines, tax and shipping make ${totalPrice}`
    }
    if (totalPrice > LIMITS.amountMinorMax) return `total_price is above ${LIMITS.amountMinorMax}`
    return (
      unfinished(order, totalPrice) ?? {
        orderNumber: order.order_number.trim(),
        orderDateMs: atMs,
        timeZone: zone,
        businessDay: day,
        customerId: order.customer_id,
        customerName: order.customer_name,
        currency: order.currency,
        pricesIncludeTax: order.prices_include_tax ?? false,
        adjustments: order.adjustments ?? [],
        taxRules: order.tax_rules ?? [],
        shippingAddressId: order.shipping_address_id,
        shippingAddress: addressOf(order.shipping_address as Address),
        newAddress: undefined,
        billing: order.billing,
        gift: order.gift,
        note: order.note,
        metadata: order.metadata ?? {},
        shipping,
        totalPrice,
        lines,
        rows,
      }
    )
  }

  /** The order, or why its rows are none. `members` is the document, where a row is a whole one. */
  return function read({ rows }: Pick<RowGroup, 'rows'>, members?: unknown): OrderDraft | BadRow[] {
    const document = members ?? documentOf(rows as readonly [FileRow, ...FileRow[]])
    if (typeof document === 'string') return allBad(rows, document)
    try {
      const draft = draftOf(checkDocument(document), rows)
      return typeof draft === 'string' ? allBad(rows, draft) : draft
    } catch (error) {
      if (isAppError(error)) return allBad(rows, error.message)
      throw error
    }
  }
}
