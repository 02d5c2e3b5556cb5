import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AdjustableLine,
  type AdjustmentInput,
  adjust,
  type Discount,
} from '../../src/orders/placing/adjustments.ts'
import type { Adjustment, TaxRule } from '../../src/orders/ports.ts'

const CATEGORIES = ['Books', 'Food']
const PRODUCTS = ['p1', 'p2', 'p3']

const line: fc.Arbitrary<Omit<AdjustableLine, 'lineNo'>> = fc.record({
  productId: fc.constantFrom(...PRODUCTS),
  productCategory: fc.constantFrom(...CATEGORIES),
  quantity: fc.integer({ min: 1, max: 1_000_000 }),
  price: fc.bigInt({ min: 0n, max: 10_000_000n }),
})
/** As the schemas take it: up to 6 digits behind the point. */
const percent = (max: number) =>
  fc
    .tuple(fc.integer({ min: 0, max: max * 1_000_000 }), fc.integer({ min: 0, max: 6 }))
    .map(([steps, digits]) => (steps / 1_000_000).toFixed(digits))
    .filter((text) => Number(text) <= max)
const discount: fc.Arbitrary<Discount> = fc
  .record({
    label: fc.constant('Discount'),
    value: fc.oneof(
      percent(100).map((text) => ({ percent: text })),
      fc.bigInt({ min: 0n, max: 20_000_000n }).map((amount) => ({ amount })),
    ),
    target: fc.constantFrom('items' as const, 'shipping' as const),
    product: fc.option(fc.constantFrom(...PRODUCTS), { nil: undefined }),
  })
  .map(({ product, ...rest }) => ({ ...rest, ...(product === undefined ? {} : { product_id: product }) }))
const taxRule: fc.Arbitrary<TaxRule> = fc
  .record({
    label: fc.constant('Tax'),
    rate: percent(50),
    narrowed: fc.constantFrom({}, { product_id: 'p1' }, { product_category: 'Food' }),
    shipping: fc.boolean(),
  })
  .map(({ narrowed, ...rest }) => ({ ...rest, ...narrowed }))
const input: fc.Arbitrary<AdjustmentInput<AdjustableLine>> = fc.record({
  lines: fc
    .array(line, { minLength: 1, maxLength: 6 })
    .map((lines) => lines.map((each, index) => ({ ...each, lineNo: index + 1 }))),
  discounts: fc.array(discount, { maxLength: 4 }),
  shipping: fc.array(fc.record({ label: fc.constant('Parcel'), amount: fc.bigInt({ min: 0n, max: 100_000n }) }), {
    maxLength: 2,
  }),
  taxRules: fc.array(taxRule, { maxLength: 3 }),
  pricesIncludeTax: fc.boolean(),
})

const sumOf = (adjustments: readonly Adjustment[], kind: Adjustment['kind'], lineNo?: number) =>
  adjustments
    .filter((each) => each.kind === kind && (lineNo === undefined || each.line_no === lineNo))
    .reduce((sum, each) => sum + BigInt(each.amount), 0n)

/** Twice the distance of `value` from `numerator / denominator`, over the denominator: at most 1 when rounded. */
const isRounded = (value: bigint, numerator: bigint, denominator: bigint) => {
  const off = value * denominator - numerator
  return (off < 0n ? -off : off) * 2n <= denominator
}
const MILLIONTHS = 100_000_000n
const stepsOf = (text: string) => {
  const [whole = '0', digits = ''] = text.split('.')
  return BigInt(whole + digits.padEnd(6, '0'))
}

describe('the adjustments of an order', () => {
  it('sum to what each line, shipping and the whole order say', () => {
    fc.assert(
      fc.property(input, (given) => {
        const { lines, shipping, adjustments, totalPrice } = adjust(given)
        const included = given.pricesIncludeTax
        let total = 0n
        for (const each of lines) {
          const gross = each.price * BigInt(each.quantity)
          expect(each.discount).toBe(sumOf(adjustments, 'discount', each.lineNo))
          expect(each.tax).toBe(sumOf(adjustments, 'tax', each.lineNo))
          expect(each.taxIncluded).toBe(included ? each.tax : 0n)
          expect(each.amount).toBe(gross - each.discount - each.taxIncluded)
          expect(each.discount >= 0n && each.amount >= 0n && each.tax >= 0n).toBe(true)
          total += gross
        }
        const carriage = sumOf(adjustments, 'shipping')
        expect(carriage).toBe(given.shipping.reduce((sum, { amount }) => sum + amount, 0n))
        expect(shipping.tax).toBe(sumOf(adjustments, 'tax', 0))
        expect(shipping.amount >= 0n).toBe(true)
        const taxOnTop = included ? 0n : sumOf(adjustments, 'tax')
        expect(totalPrice).toBe(total + carriage - sumOf(adjustments, 'discount') + taxOnTop)
      }),
      { numRuns: 500 },
    )
  })

  it('are taxes rounded to the nearest unit of the exact share of each line', () => {
    fc.assert(
      fc.property(input, (given) => {
        const { lines } = adjust(given)
        for (const each of lines) {
          const rules = given.taxRules.filter(
            (rule) =>
              (rule.product_id ?? each.productId) === each.productId &&
              (rule.product_category ?? each.productCategory) === each.productCategory,
          )
          const rates = rules.map((rule) => stepsOf(rule.rate))
          const all = rates.reduce((sum, rate) => sum + rate, 0n)
          if (given.pricesIncludeTax) {
            expect(isRounded(each.amount, (each.amount + each.tax) * MILLIONTHS, MILLIONTHS + all)).toBe(true)
          } else {
            const half = each.amount * all
            const slack = (BigInt(rules.length) * MILLIONTHS) / 2n
            const off = each.tax * MILLIONTHS - half
            expect((off < 0n ? -off : off) <= slack).toBe(true)
          }
        }
      }),
    )
  })

  it('take a fixed discount in full, up to what is left of what it targets, in proportion', () => {
    const fixed = fc.bigInt({ min: 0n, max: 10n ** 9n })
    fc.assert(
      fc.property(input, fixed, (given, amount) => {
        const only: Discount = { label: 'Discount', value: { amount }, target: 'items' }
        const { lines } = adjust({ ...given, discounts: [only] })
        const gross = lines.map((each) => each.price * BigInt(each.quantity))
        const most = gross.reduce((sum, each) => sum + each, 0n)
        const taken = amount < most ? amount : most
        expect(lines.reduce((sum, each) => sum + each.discount, 0n)).toBe(taken)
        for (const [index, each] of lines.entries()) {
          const off = each.discount * most - taken * gross[index]!
          expect((off < 0n ? -off : off) < (most === 0n ? 1n : most)).toBe(true)
        }
      }),
    )
  })

  it('are taken in the order given, each from what is left', () => {
    const lines = [{ lineNo: 1, productId: 'p1', productCategory: 'Books', quantity: 1, price: 10_000n }]
    const half: Discount = { label: 'Half', value: { percent: '50' }, target: 'items' }
    const ten: Discount = { label: 'Ten', value: { amount: 1_000n }, target: 'items' }
    const left = (...discounts: Discount[]) =>
      adjust({ lines, discounts, shipping: [], taxRules: [], pricesIncludeTax: false }).totalPrice
    expect([left(half, ten), left(ten, half)]).toEqual([4_000n, 4_500n])
    expect(left(half, half, half)).toBe(1_250n)
  })

  it('round halves up, on top and inside the price', () => {
    const tax = (price: bigint, rates: string[], pricesIncludeTax: boolean) => {
      const lines = [{ lineNo: 1, productId: 'p1', productCategory: 'Books', quantity: 1, price }]
      const taxRules = rates.map((rate) => ({ label: rate, rate, shipping: true }))
      const shipping = [{ label: 'Parcel', amount: price }]
      return adjust({ lines, discounts: [], shipping, taxRules, pricesIncludeTax })
    }
    expect(tax(200n, ['8.25'], false).lines).toMatchObject([{ amount: 200n, tax: 17n }])
    expect(tax(200n, ['8.25'], false)).toMatchObject({ shipping: { amount: 200n, tax: 17n }, totalPrice: 434n })
    expect(tax(11_900n, ['19'], true)).toMatchObject({
      lines: [{ amount: 10_000n, tax: 1_900n, taxIncluded: 1_900n }],
      shipping: { amount: 10_000n, tax: 1_900n },
      totalPrice: 23_800n,
    })
    const { lines, adjustments } = tax(10_000n, ['5', '9.975'], true)
    expect(lines).toMatchObject([{ amount: 8_698n, tax: 1_302n }])
    expect(adjustments.filter((each) => each.line_no === 1).map(({ amount }) => amount)).toEqual([435, 867])
  })
})
