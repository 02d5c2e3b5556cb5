import { AppError } from './errors.ts'
import { LIMITS } from './limits.ts'

/**
 * Finds payment card numbers (PANs), so that none is ever stored or logged: 13 to 19 digits, alone or in groups, with
 * the prefix and length of an issuer network and a valid check digit (ISO/IEC 7812-1, Luhn).
 */

/** Digits, in groups with up to three spaces or dashes between them; no part of a decimal number. */
const RUN = /(?<!\d\.?)\d+(?:[\s\p{Pd}]{1,3}\d+)*(?!\.?\d)/gu
const DIGITS_MAX = 19
/** An international phone number: a plus and at most 15 digits (E.164). */
const PHONE_DIGITS_MAX = 15
/** Longer groups are no part of a card number as people write it. */
const GROUP_DIGITS_MAX = 12

/** Prefix and lengths in circulation, by network. No id of Fanfold (see `ids.ts`) fits before the year 2040. */
const NETWORKS: readonly (readonly [prefix: RegExp, lengths: readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^(6011|64[4-9]|65)/, [16, 19]],
  [/^(30[0-5]|36|38|39)/, [14, 16]],
  [/^35(2[89]|[3-8])/, [16]],
  [/^62/, [16, 17, 18, 19]],
  [/^(50|5[6-9]|6[0-9])/, [13, 14, 15, 16, 17, 18, 19]],
]

function luhnValid(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    let digit = digits.charCodeAt(digits.length - 1 - i) - 48
    if (i % 2 === 1) {
      digit *= 2
      if (digit > 9) digit -= 9
    }
    sum += digit
  }
  return sum % 10 === 0
}

function isCard(digits: string, grouped: boolean): boolean {
  // Ungrouped, 17 and 18 digits are ids of the years 2010 to 2017; cards of that length are hardly to be found.
  if (!grouped && (digits.length === 17 || digits.length === 18)) return false
  return (
    NETWORKS.some(([prefix, lengths]) => lengths.includes(digits.length) && prefix.test(digits)) && luhnValid(digits)
  )
}

/** Whether a card number stands in `text`, however it is grouped and whatever is around it. */
export function holdsCardNumber(text: string): boolean {
  if (text.length < 13) return false
  for (const run of text.matchAll(RUN)) {
    if (run[0].length < 13) continue
    const groups = run[0].split(/\D+/)
    const phone = text.charAt(run.index - 1) === '+'
    for (const first of groups.keys()) {
      if (cardStartsAt(groups, first, phone && first === 0)) return true
    }
  }
  return false
}

/** Cards are written in groups of four or more digits; the whole run counts however it is grouped. */
function cardStartsAt(groups: readonly string[], first: number, phone: boolean): boolean {
  let digits = ''
  for (let last = first; last < groups.length; last++) {
    const group = groups[last]!
    if (last > first && Math.max(group.length, groups[first]!.length) > GROUP_DIGITS_MAX) return false
    digits += group
    if (digits.length > DIGITS_MAX) return false
    if (phone && digits.length <= PHONE_DIGITS_MAX) continue
    const plausible = groups[first]!.length >= 4 || (first === 0 && last === groups.length - 1)
    if (plausible && isCard(digits, last > first)) return true
  }
  return false
}

/**
 * JSON pointer of the first card number anywhere inside a value, names of fields included. What is nested deeper than
 * {@link LIMITS.jsonDepthMax} is refused with `invalid_input` instead of searched.
 */
export function findCardNumber(value: unknown): string | undefined {
  const found = pathOfCard(value, 0)
  return found === '' ? '/' : found
}

/** The pointer is made on the way back, since hardly ever one is needed. */
function pathOfCard(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return holdsCardNumber(value) ? '' : undefined
  if (typeof value === 'number') return holdsCardNumber(String(value)) ? '' : undefined
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === LIMITS.jsonDepthMax)
    throw new AppError('invalid_input', `The input is nested deeper than ${depth} levels`)
  for (const [name, item] of Object.entries(value)) {
    // The name itself is not repeated: it would put the number into an answer and a log.
    if (holdsCardNumber(name)) return '/(name of a field)'
    const found = pathOfCard(item, depth + 1)
    if (found !== undefined) return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}${found}`
  }
  return undefined
}
