import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allocate, divideHalfUp, formatMinor, fromMinor, parseDecimal, toMinor } from '../../src/core/money.ts'

const amount = fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n })
const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 12n }), { minLength: 1, maxLength: 50 })
const total = (parts: readonly bigint[]) => parts.reduce((sum, part) => sum + part, 0n)
const abs = (value: bigint) => (value < 0n ? -value : value)

describe('allocate', () => {
  it('loses nothing, and no part is a whole unit away from its exact share', () => {
    fc.assert(
      fc.property(amount, weights, (sum, given) => {
        const parts = allocate(sum, given)
        expect(total(parts)).toBe(sum)
        const weight = total(given)
        parts.forEach((part, index) => {
          const [share, whole] = weight === 0n ? [1n, BigInt(given.length)] : [given[index]!, weight]
          expect(abs(part * whole - sum * share)).toBeLessThan(whole)
        })
      }),
    )
  })

  it('gives nothing to what weighs nothing, and no less to what weighs more', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 12n }), weights, (sum, given) => {
        fc.pre(total(given) > 0n)
        const parts = allocate(sum, given)
        given.forEach((weight, index) => {
          if (weight === 0n) expect(parts[index]).toBe(0n)
          given.forEach((other, at) => {
            if (weight > other) expect(parts[index]).toBeGreaterThanOrEqual(parts[at]!)
          })
        })
      }),
      { numRuns: 50 },
    )
  })
})

describe('decimal texts', () => {
  it('are read back as the amount that was written', () => {
    fc.assert(
      fc.property(
        amount,
        fc.constantFrom(['JPY', 0] as const, ['USD', 2] as const, ['KWD', 3] as const),
        (value, [currency, exponent]) => {
          expect(parseDecimal(formatMinor(value, currency).replaceAll(',', ''), exponent)).toBe(value)
        },
      ),
    )
  })

  it('are rounded as exact fractions are', () => {
    fc.assert(
      fc.property(amount, fc.nat({ max: 6 }), fc.nat({ max: 3 }), (value, digits, exponent) => {
        const text = abs(value)
          .toString()
          .padStart(digits + 1, '0')
        const [whole, fraction] = [text.slice(0, text.length - digits), text.slice(text.length - digits)]
        const decimal = `${value < 0n ? '-' : ''}${whole}${digits > 0 ? `.${fraction}` : ''}`
        expect(parseDecimal(decimal, exponent)).toBe(
          divideHalfUp(value * 10n ** BigInt(exponent), 10n ** BigInt(digits)),
        )
      }),
    )
  })
})

describe('divideHalfUp', () => {
  it('is at most half a unit away, and symmetric around zero', () => {
    fc.assert(
      fc.property(amount, fc.bigInt({ min: 1n, max: 10n ** 6n }), (numerator, denominator) => {
        const quotient = divideHalfUp(numerator, denominator)
        expect(abs(quotient * denominator - numerator) * 2n).toBeLessThanOrEqual(denominator)
        expect(divideHalfUp(-numerator, denominator)).toBe(-quotient)
      }),
    )
  })
})

describe('amounts on the wire', () => {
  it('go out and come back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 12n }), (value) => {
        expect(toMinor(fromMinor(value), '/amount')).toBe(value)
      }),
    )
  })
})
