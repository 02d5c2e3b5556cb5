import { describe, expect, it } from 'vitest'
import {
  allocate,
  currencyExponent,
  divideHalfUp,
  formatMinor,
  fromMinor,
  isCurrency,
  parseDecimal,
  toMinor,
} from '../../src/core/money.ts'

describe('currencies', () => {
  it('knows the digits of a currency', () => {
    expect(['JPY', 'USD', 'KWD'].map(currencyExponent)).toEqual([0, 2, 3])
  })

  it.each(['', 'usd', 'US', 'XXX', 'BTC', 'toString', 'constructor', '__proto__'])('does not know "%s"', (code) => {
    expect(isCurrency(code)).toBe(false)
    expect(() => currencyExponent(code)).toThrow(
      expect.objectContaining({
        code: 'unknown_currency',
        fields: [expect.objectContaining({ pointer: '/currency' })],
      }),
    )
  })
})

describe('toMinor', () => {
  it('takes whole numbers from zero up to the limit', () => {
    expect([0, 1, 1_000_000_000_000].map((value) => toMinor(value, '/amount'))).toEqual([0n, 1n, 1_000_000_000_000n])
  })

  it.each([
    [1.5, 'must be a whole number of minor units'],
    [Number.NaN, 'must be a whole number of minor units'],
    [Number.POSITIVE_INFINITY, 'must be a whole number of minor units'],
    [2 ** 53, 'must be a whole number of minor units'],
    [-1, 'must be at least 0'],
    [1_000_000_000_001, 'must be at most 1000000000000'],
  ])('refuses %d: %s', (value, detail) => {
    expect(() => toMinor(value, '/amount')).toThrow(
      expect.objectContaining({ code: 'invalid_input', fields: [{ pointer: '/amount', detail }] }),
    )
  })

  it('takes another smallest amount', () => {
    expect(() => toMinor(0, '/amount', { min: 1 })).toThrow('must be at least 1')
    expect(toMinor(1, '/amount', { min: 1 })).toBe(1n)
  })
})

describe('fromMinor', () => {
  it('refuses to lose a unit', () => {
    expect(fromMinor(-9_007_199_254_740_991n)).toBe(-9_007_199_254_740_991)
    expect(() => fromMinor(9_007_199_254_740_993n)).toThrow('does not fit a JSON number')
  })
})

describe('formatMinor', () => {
  it.each([
    [0n, 'USD', '0.00'],
    [5n, 'USD', '0.05'],
    [-5n, 'USD', '-0.05'],
    [229_720_107n, 'USD', '2,297,201.07'],
    [1_234n, 'JPY', '1,234'],
    [1_234n, 'KWD', '1.234'],
    [-123_456_789n, 'KWD', '-123,456.789'],
  ])('writes %d %s as %s', (value, currency, text) => {
    expect(formatMinor(value, currency)).toBe(text)
  })
})

describe('parseDecimal', () => {
  it.each([
    ['12.34', 2, 1_234n],
    ['12.345', 2, 1_235n],
    ['12.3449999', 2, 1_234n],
    ['-12.345', 2, -1_235n],
    ['-0.004', 2, 0n],
    ['0.005', 2, 1n],
    ['12', 2, 1_200n],
    ['12.5', 0, 13n],
    ['957.5775', 2, 95_758n],
    [' 007.10 ', 2, 710n],
    ['99999999999999999999.99', 2, 9_999_999_999_999_999_999_999n],
  ])('reads %s with %d digits as %d', (text, exponent, value) => {
    expect(parseDecimal(text, exponent)).toBe(value)
  })

  it.each(['', '.5', '5.', '1,000.00', '1e3', '$5', '--5', '+5', 'NaN', '0x10'])('does not read "%s"', (text) => {
    expect(parseDecimal(text, 2)).toBeUndefined()
  })
})

describe('divideHalfUp', () => {
  it.each([
    [5n, 2n, 3n],
    [-5n, 2n, -3n],
    [4n, 3n, 1n],
    [0n, 7n, 0n],
  ])('%d / %d = %d', (numerator, denominator, quotient) => {
    expect(divideHalfUp(numerator, denominator)).toBe(quotient)
  })

  it('asserts a positive denominator', () => {
    expect(() => divideHalfUp(1n, 0n)).toThrow('assertion failed')
  })
})

describe('allocate', () => {
  it('gives the rest to the largest remainders, the first come first on ties', () => {
    expect(allocate(100n, [1n, 1n, 1n])).toEqual([34n, 33n, 33n])
    expect(allocate(10n, [5n, 3n, 1n])).toEqual([6n, 3n, 1n])
    expect(allocate(-100n, [1n, 1n, 1n])).toEqual([-34n, -33n, -33n])
  })

  it('splits evenly when nothing weighs anything', () => {
    expect(allocate(5n, [0n, 0n])).toEqual([3n, 2n])
  })

  it('asserts weights that make sense', () => {
    expect(() => allocate(1n, [])).toThrow('at least one weight')
    expect(() => allocate(1n, [-1n])).toThrow('must not be negative')
  })
})
