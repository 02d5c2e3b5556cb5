import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { currencyExponent, isCurrency } from '../../src/core/money.ts'
import { fromStripeAmount, toStripeAmount, whyRefused } from '../../src/processors/stripe/amounts.ts'

const LETTERS = Array.from({ length: 26 }, (_, i) => String.fromCharCode(65 + i))
const CURRENCIES = LETTERS.flatMap((a) => LETTERS.flatMap((b) => LETTERS.map((c) => a + b + c))).filter(isCurrency)

/** What Stripe publishes (docs.stripe.com/currencies), as it stands there. */
const ZERO_DECIMAL = 'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' ')
const TWO_ALWAYS_00 = ['ISK', 'UGX']
const THREE_DECIMAL = ['BHD', 'JOD', 'KWD', 'OMR', 'TND']

const amounts = fc.bigInt({ min: 0n, max: LIMITS.amountMinorMax })
const currencies = fc.constantFrom(...CURRENCIES)

/** Decimals that Stripe's amounts have. */
function stripeDecimals(currency: string): number {
  if (ZERO_DECIMAL.includes(currency)) return 0
  if (TWO_ALWAYS_00.includes(currency)) return 2
  return currencyExponent(currency)
}

describe('amounts at Stripe', () => {
  it('are tried in every currency that Fanfold knows', () => {
    expect(CURRENCIES.length).toBeGreaterThan(150)
    for (const code of [...ZERO_DECIMAL, ...TWO_ALWAYS_00, ...THREE_DECIMAL]) expect(CURRENCIES).toContain(code)
  })

  it('come back as they were sent, in every currency', () => {
    fc.assert(
      fc.property(amounts, currencies, (amount, currency) => {
        const sent = toStripeAmount(amount, currency)
        if (sent !== undefined) expect(fromStripeAmount(sent, currency)).toBe(amount)
        else expect(whyRefused(amount, currency)).toContain(currency)
      }),
      { numRuns: 5_000 },
    )
  })

  it('are the same money: amount over decimals is equal on both sides', () => {
    fc.assert(
      fc.property(amounts, currencies, (amount, currency) => {
        const sent = toStripeAmount(amount, currency)
        if (sent === undefined) return
        const ours = amount * 10n ** BigInt(stripeDecimals(currency))
        expect(ours).toBe(BigInt(sent) * 10n ** BigInt(currencyExponent(currency)))
      }),
      { numRuns: 5_000 },
    )
  })

  it('that Stripe has no number for are refused, and no others', () => {
    fc.assert(
      fc.property(amounts, currencies, (amount, currency) => {
        const step = currencyExponent(currency) === 3 ? 10n : currency === 'MGA' ? 100n : 1n
        expect(toStripeAmount(amount, currency) !== undefined).toBe(amount % step === 0n)
      }),
      { numRuns: 5_000 },
    )
  })

  it.each([
    ['USD', 1_050n, 1_050],
    ['JPY', 500n, 500],
    ['KRW', 5n, 5],
    ['KWD', 5_120n, 5_120],
    ['KWD', 5_124n, undefined],
    ['ISK', 5n, 500],
    ['UGX', 5n, 500],
    ['MGA', 500n, 5],
    ['MGA', 550n, undefined],
    ['HUF', 1_045n, 1_045],
    ['TWD', 80_045n, 80_045],
  ])('%s: %s is %s there', (currency, amount, expected) => {
    expect(toStripeAmount(amount, currency)).toBe(expected)
  })

  it('that name a part of a minor unit are no amounts', () => {
    expect(() => fromStripeAmount(550, 'ISK')).toThrow('550 ISK')
    expect(fromStripeAmount(600, 'ISK')).toBe(6n)
  })
})
