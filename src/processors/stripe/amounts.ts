import { assert } from '../../core/errors.ts'
import { currencyExponent } from '../../core/money.ts'

/**
 * Stripe counts money in minor units too, with exceptions (docs.stripe.com/currencies): some currencies have other minor
 * units there than in ISO 4217, and of three decimals the last must be 0. An amount that Stripe can't be told exactly is
 * never rounded.
 */

/** Decimals at Stripe where ISO 4217, and so Fanfold, has others. */
const STRIPE_EXPONENTS: Readonly<Record<string, number>> = {
  // Without decimals, but for old integrations' sake told with two.
  ISK: 2,
  UGX: 2,
  // Divided into five; Stripe leaves that out.
  MGA: 0,
}

/** What amounts at Stripe must be divisible by, where not 1. */
function stepOf(currency: string): bigint {
  if (currency === 'ISK' || currency === 'UGX') return 100n
  return currencyExponent(currency) === 3 ? 10n : 1n
}

function factors(currency: string): { readonly up: bigint; readonly down: bigint } {
  const digits = (STRIPE_EXPONENTS[currency] ?? currencyExponent(currency)) - currencyExponent(currency)
  return { up: 10n ** BigInt(Math.max(digits, 0)), down: 10n ** BigInt(Math.max(-digits, 0)) }
}

/** Minor units of Fanfold as Stripe's; `undefined` when Stripe has no such amount. Throws `unknown_currency`. */
export function toStripeAmount(amount: bigint, currency: string): number | undefined {
  const { up, down } = factors(currency)
  if (amount % down !== 0n) return undefined
  const converted = (amount * up) / down
  const number = Number(converted)
  return converted % stepOf(currency) === 0n && Number.isSafeInteger(number) ? number : undefined
}

/** What is wrong with an amount that {@link toStripeAmount} refuses, for people. */
export function whyRefused(amount: bigint, currency: string): string {
  const { down } = factors(currency)
  const step = down > 1n ? down : stepOf(currency)
  return `Stripe takes ${currency} only in steps of ${step} minor units, and ${amount} is none`
}

/** Stripe's amount in minor units of Fanfold. Throws when Stripe names a part of one. */
export function fromStripeAmount(amount: number, currency: string): bigint {
  const { up, down } = factors(currency)
  const scaled = BigInt(amount) * down
  assert(scaled % up === 0n, `Stripe names ${amount} ${currency}, which is no whole number of minor units`)
  return scaled / up
}
