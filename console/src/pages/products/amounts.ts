import { currencyExponent } from '../../../../src/core/money.ts'

/** `12.50` of EUR as 1250; `undefined` for what is no amount of this currency. */
export function minorOf(text: string, currency: string): number | undefined {
  const exponent = exponentOf(currency)
  const [, whole, part = ''] = /^(\d{1,13})(?:[.,](\d+))?$/.exec(text.trim()) ?? []
  if (exponent === undefined || whole === undefined || part.length > exponent) return undefined
  return Number(whole + part.padEnd(exponent, '0'))
}

/** 1250 of EUR as `12.50`, to be typed over. */
export function typedOf(minor: number, currency: string): string {
  const exponent = exponentOf(currency) ?? 0
  return (minor / 10 ** exponent).toFixed(exponent)
}

function exponentOf(currency: string): number | undefined {
  try {
    return currencyExponent(currency)
  } catch {
    return undefined
  }
}

/** Why a text is no amount, in words. */
export function amountRefusal(text: string, currency: string): string | undefined {
  if (text.trim() === '' || minorOf(text, currency) !== undefined) return undefined
  const exponent = exponentOf(currency)
  if (exponent === undefined) return 'choose the currency first, such as EUR'
  return exponent === 0
    ? `must be a whole number: ${currency} has no parts`
    : `must be an amount such as ${(12.5).toFixed(exponent)}`
}
