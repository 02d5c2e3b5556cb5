import { LIMITS } from '../../core/limits.ts'
import { currencyExponent, type Minor, parseDecimal } from '../../core/money.ts'
import { DAYS } from './draft.ts'
import type { OrderMapping } from './mapping.ts'

/** One row of the file as a line of an order. */
export interface ImportRow {
  readonly orderNumber: string
  readonly day: string
  readonly customerId: string
  readonly customerName: string
  readonly productId: string
  readonly sku: string
  readonly productName: string
  readonly productCategory: string
  readonly quantity: number
  readonly price: Minor
  readonly discount: Minor
  readonly amount: Minor
  readonly city: string
  readonly region: string | undefined
  readonly postalCode: string | undefined
  readonly country: string
}

type Field = keyof OrderMapping['columns']
export type FieldReader = (field: Field) => string

const DATE_FORMATS = {
  'YYYY-MM-DD': [/^(\d{4})-(\d{1,2})-(\d{1,2})$/, [1, 2, 3]],
  'M/D/YYYY': [/^(\d{1,2})\/(\d{1,2})\/(\d{4})$/, [3, 1, 2]],
  'D/M/YYYY': [/^(\d{1,2})\/(\d{1,2})\/(\d{4})$/, [3, 2, 1]],
  'D.M.YYYY': [/^(\d{1,2})\.(\d{1,2})\.(\d{4})$/, [3, 2, 1]],
} as const

/** A date of the file as `YYYY-MM-DD`; `undefined` when it is none. */
export function parseDay(text: string, format: keyof typeof DATE_FORMATS): string | undefined {
  const [pattern, order] = DATE_FORMATS[format]
  const match = pattern.exec(text.trim())
  if (match === null) return undefined
  const [year, month, day] = order.map((group) => match[group]!)
  const iso = `${year}-${month!.padStart(2, '0')}-${day!.padStart(2, '0')}`
  const time = Date.parse(`${iso}T00:00:00Z`)
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== iso ? undefined : iso
}

/** A decimal as an exact fraction `digits / 10^places`. */
function exact(text: string): { digits: bigint; places: number } | undefined {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(text.trim())
  if (match === null) return undefined
  const fraction = match[2] ?? ''
  return { digits: BigInt(match[1]! + fraction), places: fraction.length }
}

/**
 * The list price of one unit: what the line cost, without its discount, per unit, rounded up, so that list price *
 * quantity - discount is exactly what was paid and the discount never negative.
 */
export function unitPrice(
  amountText: string,
  discountText: string,
  quantity: number,
  exponent: number,
): Minor | undefined {
  const amount = exact(amountText)
  const discount = exact(discountText)
  if (amount === undefined || discount === undefined) return undefined
  const whole = 10n ** BigInt(discount.places)
  const kept = whole - discount.digits
  if (kept < 0n) return undefined
  // Nothing was paid for a line given away, so its list price can't be told.
  if (kept === 0n) return 0n
  const numerator = amount.digits * 10n ** BigInt(exponent) * whole
  const denominator = 10n ** BigInt(amount.places) * kept * BigInt(quantity)
  return (numerator + denominator - 1n) / denominator
}

const EXTERNAL_ID = new RegExp(`^[A-Za-z0-9_.:-]{1,${LIMITS.externalIdCharsMax}}$`)

/** Reads one row. Answers the reason when it is no valid line of an order. */
export function readRow(read: FieldReader, mapping: OrderMapping): ImportRow | string {
  const { columns, currency } = mapping
  const optional = (field: Field) => (columns[field] === undefined ? undefined : read(field).trim() || undefined)
  const required = ['order_number', 'customer_name', 'product_name', 'product_category', 'city', 'country'] as const
  for (const field of required) {
    const length = read(field).trim().length
    if (length === 0) return `column "${columns[field]}" is empty`
    if (length > LIMITS.nameCharsMax)
      return `column "${columns[field]}" is longer than ${LIMITS.nameCharsMax} characters`
  }
  for (const field of ['customer_id', 'product_id'] as const) {
    if (!EXTERNAL_ID.test(read(field).trim())) return `column "${columns[field]}": "${read(field)}" is no id`
  }
  const dateFormat = mapping.date_format ?? 'YYYY-MM-DD'
  const day = parseDay(read('order_date'), dateFormat)
  if (day === undefined)
    return `column "${columns.order_date}": "${read('order_date')}" is no date of the form ${dateFormat}`
  if (day < DAYS.first || day > DAYS.last)
    return `column "${columns.order_date}": ${day} lies outside ${DAYS.first} to ${DAYS.last}`

  const quantity = Number(read('quantity'))
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > LIMITS.quantityMax) {
    return `column "${columns.quantity}": "${read('quantity')}" is no number of units`
  }
  const exponent = currencyExponent(currency)
  const amount = parseDecimal(read('amount'), exponent)
  const price = unitPrice(read('amount'), optional('discount') ?? '0', quantity, exponent)
  if (amount === undefined || price === undefined || amount > LIMITS.amountMinorMax || price > LIMITS.amountMinorMax) {
    return `column "${columns.amount}": "${read('amount')}" is no amount that can be read`
  }
  const productId = read('product_id').trim()
  return {
    orderNumber: read('order_number').trim(),
    day,
    customerId: read('customer_id').trim(),
    customerName: read('customer_name').trim(),
    productId,
    sku: optional('sku') ?? productId,
    productName: read('product_name').trim(),
    productCategory: read('product_category').trim(),
    quantity,
    price,
    discount: price * BigInt(quantity) - amount,
    amount,
    city: read('city').trim(),
    region: optional('region'),
    postalCode: optional('postal_code'),
    country: read('country').trim(),
  }
}
