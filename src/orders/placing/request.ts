import { invalidField } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { currencyExponent, parseDecimal } from '../../core/money.ts'
import { validator } from '../../core/schema.ts'
import type { TaxRule } from '../ports.ts'
import { type Discount, PERCENT_DIGITS, type ShippingCost } from './adjustments.ts'
import { type Discount as DiscountInput, PlaceOrder } from './schemas.ts'

/** A request to place an order, checked, in the words of the model. */
export interface OrderRequest {
  readonly input: PlaceOrder
  readonly items: PlaceOrder['items']
  readonly discounts: readonly Discount[]
  readonly shipping: readonly ShippingCost[]
  readonly taxRules: readonly TaxRule[]
  readonly pricesIncludeTax: boolean
}

const check = validator(PlaceOrder)

const HUNDRED = 100n * 10n ** BigInt(PERCENT_DIGITS)

function discountValue({ type, value }: DiscountInput, pointer: string): Discount['value'] {
  if (type === 'fixed') {
    if (typeof value === 'string') throw invalidField(pointer, 'must be a whole number of minor units')
    if (value >= 0 && BigInt(value) <= LIMITS.amountMinorMax) return { amount: BigInt(value) }
    throw invalidField(pointer, `must be 0 to ${LIMITS.amountMinorMax} minor units`)
  }
  const percent = String(value)
  const steps = /^\d{1,3}(\.\d{1,6})?$/.test(percent) ? parseDecimal(percent, PERCENT_DIGITS)! : HUNDRED + 1n
  if (steps <= HUNDRED) return { percent }
  throw invalidField(pointer, `must be "0" to "100" percent, with at most ${PERCENT_DIGITS} digits behind the point`)
}

function discountOf(input: DiscountInput, index: number, items: PlaceOrder['items']): Discount {
  const { code, label, target = 'items', product_id } = input
  const at = `/discounts/${index}`
  if (product_id !== undefined && target === 'shipping') {
    throw invalidField(`${at}/product_id`, 'can not be given for a discount on shipping')
  }
  if (product_id !== undefined && !items.some((item) => item.product_id === product_id)) {
    throw invalidField(`${at}/product_id`, 'is not among the items')
  }
  return {
    label: label ?? code ?? 'Discount',
    ...(code === undefined ? {} : { code }),
    value: discountValue(input, `${at}/value`),
    target,
    ...(product_id === undefined ? {} : { product_id }),
  }
}

/** Rules that a schema does not say: which fields go together, and how large they are in all. */
function checkTogether(input: PlaceOrder): void {
  if ((input.customer_id === undefined) === (input.guest === undefined)) {
    throw invalidField('/customer_id', 'give either customer_id or guest')
  }
  if ((input.shipping_address === undefined) === (input.shipping_address_id === undefined)) {
    throw invalidField('/shipping_address', 'give either shipping_address or shipping_address_id')
  }
  if (input.guest !== undefined && input.shipping_address_id !== undefined) {
    throw invalidField('/shipping_address_id', 'a guest has no addresses; give shipping_address')
  }
  if (Buffer.byteLength(JSON.stringify(input.metadata ?? {})) > LIMITS.metadataBytesMax) {
    throw invalidField('/metadata', `must be at most ${LIMITS.metadataBytesMax} bytes of JSON`)
  }
  if (input.currency !== undefined) currencyExponent(input.currency)
}

/** Throws `invalid_input`, `unknown_currency`. */
export function readRequest(value: PlaceOrder): OrderRequest {
  const input = check(value)
  checkTogether(input)
  const { items, location_id } = input
  return {
    input,
    items: location_id === undefined ? items : items.map((item) => ({ location_id, ...item })),
    discounts: (input.discounts ?? []).map((discount, index) => discountOf(discount, index, items)),
    shipping: (input.shipping ?? []).map(({ label, amount }) => ({ label, amount: BigInt(amount) })),
    taxRules: input.taxes ?? [],
    pricesIncludeTax: input.prices_include_tax ?? false,
  }
}
