import { AppError } from './errors.ts'
import { LIMITS } from './limits.ts'

/**
 * Finds payment card numbers (PANs), so that none is ever stored or logged: 13 to 19 digits, alone or in groups, with
 * the prefix and length of an issuer network and a valid check digit (ISO/IEC 7812-1, Luhn).
 */

/** Digits, in groups with up to three spaces, dashes or invisible characters between them; no part of a decimal number. */
const RUN = /(?<!\d\.?)\d+(?:[\s\p{Pd}\p{Cf}]{1,3}\d+)*(?!\.?\d)/gu
/** Three groups or more with dots, slashes or underscores between them: two might be a decimal number. */
const DOTTED_RUN = /(?<![\d.])\d{2,7}(?:[./_]\d{2,7}){2,}(?!\.?\d)/gu
/** What is made of hexadecimal digits at random (UUIDs, hashes, ids) sooner or later looks like anything. */
const RANDOM_WORD =
  /(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?![0-9a-z])|(?=[0-9]*[a-f])[0-9a-f]{24,}/gi
const DIGITS_MIN = 13
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
  [/^(50|5[6-9]|6[0-9])/, [14, 15, 16, 17, 18, 19]],
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

/** Check digit of a barcode (EAN-13, GTIN-13). */
function isBarcode(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) sum += (digits.charCodeAt(i) - 48) * (i % 2 === 1 ? 3 : 1)
  return sum % 10 === 0
}

const isOfNetwork = (digits: string): boolean =>
  NETWORKS.some(([prefix, lengths]) => lengths.includes(digits.length) && prefix.test(digits))

function isCard(digits: string, grouped: boolean): boolean {
  // Ungrouped, 17 and 18 digits are ids of the years 2010 to 2017; cards of that length are hardly to be found.
  if (!grouped && (digits.length === 17 || digits.length === 18)) return false
  // Cards of 13 digits are hardly to be found either, barcodes are everywhere.
  if (!grouped && digits.length === 13 && isBarcode(digits)) return false
  return isOfNetwork(digits) && luhnValid(digits)
}

const ASCII = /^\p{ASCII}*$/u
const DIGIT = /^\p{Nd}$/u

/** Unicode has the ten digits of each script in one row; those that are near each other are whole rows. */
function asciiDigit(digit: string): string {
  const code = digit.codePointAt(0)!
  let first = code
  while (DIGIT.test(String.fromCodePoint(first - 1))) first -= 1
  return String((code - first) % 10)
}

/** The text with every digit, of whatever script or width, as `0` to `9`. */
function withAsciiDigits(text: string): string {
  if (ASCII.test(text)) return text
  return text.normalize('NFKC').replace(/[^\P{Nd}0-9]/gu, asciiDigit)
}

function hasEnoughDigits(text: string): boolean {
  let digits = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 48 && code <= 57 && ++digits === DIGITS_MIN) return true
  }
  return false
}

function runHoldsCard(run: string, before: string): boolean {
  if (!hasEnoughDigits(run)) return false
  const groups = run.split(/\D+/)
  return [...groups.keys()].some((first) => cardStartsAt(groups, first, before === '+' && first === 0))
}

function anyRunHoldsCard(text: string): boolean {
  for (const runs of [RUN, DOTTED_RUN])
    for (const run of text.matchAll(runs)) if (runHoldsCard(run[0], text.charAt(run.index - 1))) return true
  return false
}

/**
 * Whether a card number stands in `text`, however it is grouped, in whatever digits, and whatever is around it. UUIDs
 * and hexadecimal words of 24 characters or more are left out.
 */
export function holdsCardNumber(text: string): boolean {
  if (text.length < DIGITS_MIN) return false
  const plain = withAsciiDigits(text)
  return hasEnoughDigits(plain) && anyRunHoldsCard(plain) && anyRunHoldsCard(plain.replace(RANDOM_WORD, 'x'))
}

/** The text with all but the last four digits of card numbers as `*`; what holds none is returned as it is. */
export function maskCardNumbers(text: string): string {
  if (!holdsCardNumber(text)) return text
  const mask = (run: string, index: number, whole: string) =>
    runHoldsCard(run, whole.charAt(index - 1)) ? run.replace(/\d(?=(?:\D*\d){4})/g, '*') : run
  return withAsciiDigits(text).replace(RUN, mask).replace(DOTTED_RUN, mask)
}

/** A JSON value with the card numbers in it masked, names of fields included. */
export function maskCards(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return maskCardNumbers(value)
  if (typeof value === 'number') return isCardAsNumber(value) ? maskCardNumbers(String(value)) : value
  if (typeof value !== 'object' || value === null) return value
  if (depth === LIMITS.jsonDepthMax) return '[nested too deep]'
  if (Array.isArray(value)) return value.map((item) => maskCards(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [maskCardNumbers(name), maskCards(item, depth + 1)]),
  )
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

/** JSON numbers of 19 digits have lost their last ones, and with them the check digit. */
function isCardAsNumber(value: number): boolean {
  if (!Number.isInteger(value)) return false
  const digits = String(Math.abs(value))
  return Number.isSafeInteger(value) ? holdsCardNumber(digits) : digits.length === DIGITS_MAX && isOfNetwork(digits)
}

/** Names of fields that can hold nothing but card data, in small letters and without what separates words. */
const CARD_FIELDS: ReadonlySet<string> = new Set([
  ...['cardnumber', 'creditcardnumber', 'debitcardnumber', 'ccnumber', 'cardno', 'ccno', 'cardnum', 'ccnum'],
  ...['pan', 'cardpan', 'primaryaccountnumber'],
  ...['cvc', 'cvc2', 'cvv', 'cvv2', 'cvn', 'csc', 'cardcvc', 'cardcvv', 'cardcode', 'cccvc', 'cccvv'],
  ...['securitycode', 'cardsecuritycode', 'cardverificationcode', 'cardverificationvalue', 'verificationvalue'],
  ...['track', 'track1', 'track2', 'track1data', 'track2data', 'trackdata', 'magstripe', 'magneticstripe'],
  ...['pinblock', 'cardpin'],
])
/** Where `number` is that of a card. */
const CARD_PARENTS: ReadonlySet<string> = new Set(['card', 'creditcard', 'debitcard', 'paymentmethod'])
const MAYBE_CARD_FIELD = /card|cc|pan|number|cv|csc|code|track|mag|pin|value/i

const letters = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

function isCardField(name: string, parent: string): boolean {
  if (!MAYBE_CARD_FIELD.test(name)) return false
  const word = letters(name)
  return CARD_FIELDS.has(word) || (word === 'number' && CARD_PARENTS.has(letters(parent)))
}

/**
 * JSON pointer of the first card data anywhere inside a value: a card number, in names of fields too, or with
 * `fields` a field whose name says that it is for card data, whatever it holds (a security code is only three digits).
 * What is nested deeper than {@link LIMITS.jsonDepthMax} is refused with `invalid_input` instead of searched.
 */
export function findCardNumber(
  value: unknown,
  { fields = false }: { readonly fields?: boolean } = {},
): string | undefined {
  const found = pathOfCard(value, '', fields, 0)
  return found === '' ? '/' : found
}

/** The pointer is made on the way back, since hardly ever one is needed. */
function pathOfCard(value: unknown, parent: string, fields: boolean, depth: number): string | undefined {
  if (typeof value === 'string') return holdsCardNumber(value) ? '' : undefined
  if (typeof value === 'number') return isCardAsNumber(value) ? '' : undefined
  if (typeof value !== 'object' || value === null) return undefined
  if (depth === LIMITS.jsonDepthMax)
    throw new AppError('invalid_input', `The input is nested deeper than ${depth} levels`)
  for (const [name, item] of Object.entries(value)) {
    // The name itself is not repeated: it would put the number into an answer and a log.
    if (holdsCardNumber(name)) return '/(name of a field)'
    const isField = fields && !Array.isArray(value) && isCardField(name, parent)
    const found = isField ? '' : pathOfCard(item, Array.isArray(value) ? parent : name, fields, depth + 1)
    if (found !== undefined) return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}${found}`
  }
  return undefined
}
