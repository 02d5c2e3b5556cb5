import { AppError, assert, invalidField } from './errors.ts'
import { LIMITS } from './limits.ts'

/**
 * Money is a `bigint` count of minor units (cents, yen, fils) and an ISO 4217 code; it is never a fraction.
 * On the wire it is a JSON integer, which every amount below {@link LIMITS.amountMinorMax} fits exactly.
 */
export type Minor = bigint

/** Digits after the decimal point, where they are not 2 (ISO 4217, list one). */
const EXPONENTS: ReadonlyMap<string, number> = new Map([
  ...[
    'BIF',
    'CLP',
    'DJF',
    'GNF',
    'ISK',
    'JPY',
    'KMF',
    'KRW',
    'PYG',
    'RWF',
    'UGX',
    'VND',
    'VUV',
    'XAF',
    'XOF',
    'XPF',
  ].map((code) => [code, 0] as const),
  ...['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'].map((code) => [code, 3] as const),
])

const TWO_DIGITS = new Set(
  (
    'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE ' +
    'CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR ' +
    'KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB ' +
    'PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY ' +
    'TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG'
  ).split(' '),
)

export function isCurrency(code: string): boolean {
  return EXPONENTS.has(code) || TWO_DIGITS.has(code)
}

/** Number of minor digits: JPY 0, USD 2, KWD 3. Throws `unknown_currency`. */
export function currencyExponent(code: string): number {
  const exponent = EXPONENTS.get(code)
  if (exponent !== undefined) return exponent
  if (TWO_DIGITS.has(code)) return 2
  throw new AppError('unknown_currency', `"${code}" is not a currency code Fanfold knows; use one such as "USD"`, {
    fields: [{ pointer: '/currency', detail: 'must be an ISO 4217 code in capitals' }],
  })
}

/** A JSON number as minor units. Refuses fractions, negatives and anything above the limit. */
export function toMinor(value: number, pointer: string, options: { min?: number } = {}): Minor {
  const min = options.min ?? 0
  if (!Number.isSafeInteger(value)) throw invalidField(pointer, 'must be a whole number of minor units')
  if (value < min) throw invalidField(pointer, `must be at least ${min}`)
  if (BigInt(value) > LIMITS.amountMinorMax) throw invalidField(pointer, `must be at most ${LIMITS.amountMinorMax}`)
  return BigInt(value)
}

/** Minor units as a JSON number; sums of report size still fit exactly. */
export function fromMinor(value: Minor): number {
  const number = Number(value)
  assert(Number.isSafeInteger(number), `amount ${value} does not fit a JSON number`)
  return number
}

/** `1234, 'USD'` -> `"12.34"`; for people, never for computing. */
export function formatMinor(value: Minor, currency: string): string {
  const exponent = currencyExponent(currency)
  const digits = (value < 0n ? -value : value).toString().padStart(exponent + 1, '0')
  const whole = digits.slice(0, digits.length - exponent).replace(/\B(?=(\d{3})+$)/g, ',')
  return `${value < 0n ? '-' : ''}${whole}${exponent > 0 ? `.${digits.slice(-exponent)}` : ''}`
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/

/**
 * Exact reading of a decimal text into minor units, rounding halves away from zero ("half up" of commerce).
 * `undefined` when the text is no plain decimal number.
 */
export function parseDecimal(text: string, exponent: number): Minor | undefined {
  const match = DECIMAL.exec(text.trim())
  if (match === null) return undefined
  const [, sign, whole = '', fraction = ''] = match
  const kept = fraction.slice(0, exponent).padEnd(exponent, '0')
  const up = Number(fraction.charAt(exponent) || '0') >= 5 ? 1n : 0n
  const value = BigInt(whole + kept) + up
  return sign === '-' ? -value : value
}

/** `numerator / denominator` rounded half away from zero. */
export function divideHalfUp(numerator: bigint, denominator: bigint): bigint {
  assert(denominator > 0n, 'denominator must be positive')
  const magnitude = numerator < 0n ? -numerator : numerator
  const quotient = (magnitude * 2n + denominator) / (denominator * 2n)
  return numerator < 0n ? -quotient : quotient
}

/**
 * Splits `total` in proportion to `weights` so that the parts sum to it exactly: floor shares, then one unit each to
 * the largest remainders, first come first on ties (Hamilton's method). All weights zero: an even split.
 */
export function allocate(total: Minor, weights: readonly bigint[]): Minor[] {
  assert(weights.length > 0, 'allocate needs at least one weight')
  assert(
    weights.every((w) => w >= 0n),
    'weights must not be negative',
  )
  if (total < 0n) return allocate(-total, weights).map((part) => -part)
  const given = weights.reduce((a, b) => a + b, 0n)
  const effective = given === 0n ? weights.map(() => 1n) : weights
  const sum = given === 0n ? BigInt(weights.length) : given
  const parts = effective.map((w) => (total * w) / sum)
  let rest = total - parts.reduce((a, b) => a + b, 0n)
  const order = effective
    .map((w, index) => ({ index, remainder: (total * w) % sum }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1))
  for (const { index } of order) {
    if (rest === 0n) break
    parts[index] = parts[index]! + 1n
    rest -= 1n
  }
  return parts
}
