import { currencyExponent, isCurrency, parseDecimal } from '../../../../src/core/money.ts'

/** What somebody typed as an amount: minor units, or what is wrong with it. */
export interface TypedAmount {
  readonly minor?: number
  readonly wrong?: string
}

/** Reads `12.50` as 1250 of USD. No separators of thousands and no rounding: an amount of money is never guessed. */
export function readAmount(text: string, currency: string): TypedAmount {
  const typed = text.trim()
  if (typed === '') return { wrong: 'An amount is needed' }
  if (!isCurrency(currency)) return { wrong: 'Choose a currency first' }
  const exponent = currencyExponent(currency)
  const example = exponent === 0 ? '1250' : `12.${'50'.padEnd(exponent, '0')}`
  if (!/^\d+(\.\d+)?$/.test(typed)) return { wrong: `Type a number such as ${example}` }
  const decimals = typed.split('.')[1]?.length ?? 0
  if (decimals > exponent)
    return { wrong: exponent === 0 ? `${currency} has no decimals` : `${currency} has ${exponent} decimals at most` }
  const minor = Number(parseDecimal(typed, exponent))
  if (!Number.isSafeInteger(minor)) return { wrong: 'That is too much' }
  if (minor === 0) return { wrong: 'It must be more than 0' }
  return { minor }
}

/** 1250 of USD as somebody would type it: `12.50`. */
export function toTyped(minor: number, currency: string): string {
  const exponent = currencyExponent(currency)
  const digits = String(minor).padStart(exponent + 1, '0')
  return exponent === 0 ? digits : `${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`
}
