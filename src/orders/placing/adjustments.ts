import { allocate, divideHalfUp, fromMinor, type Minor, parseDecimal } from '../../core/money.ts'
import type { Adjustment, TaxRule } from '../ports.ts'

/**
 * How discounts, shipping and taxes make the total of an order. Everything is rounded here, once: parts are whole minor
 * units, rates are exact decimals, and what is booked later is derived from these parts alone.
 */
export interface Discount {
  readonly label: string
  readonly code?: string
  /** Percent (a decimal text) of what is left, or minor units that are spread over what it targets. */
  readonly value: { readonly percent: string } | { readonly amount: Minor }
  readonly target: 'items' | 'shipping'
  /** Only lines of this product. */
  readonly product_id?: string
}

export interface ShippingCost {
  readonly label: string
  readonly amount: Minor
}

/** A line before discounts and taxes. */
export interface AdjustableLine {
  readonly lineNo: number
  readonly productId: string
  readonly productCategory: string
  readonly quantity: number
  readonly price: Minor
}

/** What came out for a line, as `LineState` has it. */
export interface AdjustedLine {
  readonly discount: Minor
  readonly taxIncluded: Minor
  readonly amount: Minor
  readonly tax: Minor
}

export interface Adjusted<Line> {
  readonly lines: readonly (Line & AdjustedLine)[]
  /** Net of discounts and tax; and the tax on it. */
  readonly shipping: { readonly amount: Minor; readonly tax: Minor }
  readonly adjustments: readonly Adjustment[]
  /** Everything that is to be paid. */
  readonly totalPrice: Minor
}

export interface AdjustmentInput<Line extends AdjustableLine> {
  readonly lines: readonly Line[]
  readonly discounts: readonly Discount[]
  readonly shipping: readonly ShippingCost[]
  readonly taxRules: readonly TaxRule[]
  /** Whether prices, shipping and discounts are meant with tax. */
  readonly pricesIncludeTax: boolean
}

/** Digits of a percentage behind the point that count; the schemas take no more. */
export const PERCENT_DIGITS = 6
/** 100 % in the smallest steps of a percentage. */
const WHOLE = 100n * 10n ** BigInt(PERCENT_DIGITS)

/** A percentage, such as `"8.875"`, in its smallest steps. The text is a decimal of at most {@link PERCENT_DIGITS}. */
const stepsOf = (percent: string): bigint => parseDecimal(percent, PERCENT_DIGITS)!

const sum = (amounts: readonly Minor[]): Minor => amounts.reduce((total, amount) => total + amount, 0n)

interface Target {
  readonly lineNo: number
  /** What is left of it to be discounted, then taxed. */
  left: Minor
}

/** What a discount takes from each target: never more than is left of it. */
function partsOf({ value }: Discount, targets: readonly Target[]): Minor[] {
  if ('percent' in value) return targets.map(({ left }) => divideHalfUp(left * stepsOf(value.percent), WHOLE))
  if (targets.length === 0) return []
  const left = targets.map((target) => target.left)
  const most = sum(left)
  return allocate(value.amount < most ? value.amount : most, left)
}

function applyDiscount(discount: Discount, targets: readonly Target[], found: Adjustment[]): void {
  const { label, code } = discount
  for (const [index, part] of partsOf(discount, targets).entries()) {
    const target = targets[index]!
    target.left -= part
    if (part === 0n) continue
    const of = { ...(code === undefined ? {} : { code }), line_no: target.lineNo, amount: fromMinor(part) }
    found.push({ kind: 'discount', label, ...of })
  }
}

/** What of an amount is tax, by rule; halves are rounded up. */
function taxesOf(amount: Minor, rules: readonly TaxRule[], included: boolean): Minor[] {
  const rates = rules.map(({ rate }) => stepsOf(rate))
  if (!included) return rates.map((rate) => divideHalfUp(amount * rate, WHOLE))
  const all = sum(rates)
  if (all === 0n) return rates.map(() => 0n)
  // One division for all rules, so that the amount without tax does not depend on how many there are.
  return allocate(amount - divideHalfUp(amount * WHOLE, WHOLE + all), rates)
}

function applyTaxes(
  { lineNo, left }: Target,
  rules: readonly TaxRule[],
  included: boolean,
  found: Adjustment[],
): { amount: Minor; tax: Minor; taxIncluded: Minor } {
  const parts = taxesOf(left, rules, included)
  for (const [index, part] of parts.entries()) {
    const { label, rate } = rules[index]!
    if (part > 0n) found.push({ kind: 'tax', label, rate, line_no: lineNo, amount: fromMinor(part) })
  }
  const tax = sum(parts)
  const taxIncluded = included ? tax : 0n
  return { amount: left - taxIncluded, tax, taxIncluded }
}

function paysTax({ product_id, product_category }: TaxRule, line: AdjustableLine): boolean {
  return (
    (product_id === undefined || product_id === line.productId) &&
    (product_category === undefined || product_category === line.productCategory)
  )
}

/** The line number of shipping among the adjustments, as in the events. */
const SHIPPING = 0

/**
 * Prices an order. Discounts in the order given, each on what is left: percentages of each line, halves up; fixed ones
 * spread over the lines they target in proportion to what is left of them, never below zero. Then taxes on each line and
 * on shipping: on top, or taken out where prices include them. For each line, its discounts and taxes among
 * `adjustments` sum to `discount` and `tax`; those of shipping have line 0.
 */
export function adjust<Line extends AdjustableLine>(input: AdjustmentInput<Line>): Adjusted<Line> {
  const adjustments: Adjustment[] = input.shipping.map(({ label, amount }) => {
    return { kind: 'shipping', label, line_no: SHIPPING, amount: fromMinor(amount) }
  })
  const targets = input.lines.map((line) => ({ lineNo: line.lineNo, left: line.price * BigInt(line.quantity) }))
  const carriage: Target = { lineNo: SHIPPING, left: sum(input.shipping.map(({ amount }) => amount)) }

  for (const discount of input.discounts) {
    const { target, product_id: productId } = discount
    const items = targets.filter((_, index) => productId === undefined || input.lines[index]!.productId === productId)
    applyDiscount(discount, target === 'shipping' ? [carriage] : items, adjustments)
  }

  const { taxRules, pricesIncludeTax } = input
  const lines = input.lines.map((line, index) => {
    const target = targets[index]!
    const rules = taxRules.filter((rule) => paysTax(rule, line))
    const discount = line.price * BigInt(line.quantity) - target.left
    return { ...line, discount, ...applyTaxes(target, rules, pricesIncludeTax, adjustments) }
  })
  const shippingRules = taxRules.filter((rule) => rule.shipping === true)
  const { amount, tax } = applyTaxes(carriage, shippingRules, pricesIncludeTax, adjustments)
  const totalPrice = sum([...lines.map((line) => line.amount + line.tax), amount, tax])
  return { lines, shipping: { amount, tax }, adjustments, totalPrice }
}
