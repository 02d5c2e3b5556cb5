/**
 * Finds payment card numbers (PANs), so that none is ever stored or logged: 13 to 19 digits, alone or grouped by spaces
 * or dashes, with the prefix and length of an issuer network and a valid check digit (ISO/IEC 7812-1, Luhn).
 */
const CANDIDATE = /(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.]?\d)/g

/** Prefix and lengths by network. Ids of Fanfold have 19 digits and a prefix that none of these has. */
const NETWORKS: readonly (readonly [prefix: RegExp, lengths: readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^(6011|64[4-9]|65)/, [16, 17, 18, 19]],
  [/^(30[0-5]|36|38|39)/, [14, 15, 16, 17, 18, 19]],
  [/^35(2[89]|[3-8])/, [16, 17, 18, 19]],
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

export function isCardNumber(text: string): boolean {
  const digits = text.replace(/[ -]/g, '')
  if (!/^\d{13,19}$/.test(digits)) return false
  if (!NETWORKS.some(([prefix, lengths]) => prefix.test(digits) && lengths.includes(digits.length))) return false
  return luhnValid(digits)
}

function holdsCardNumber(text: string): boolean {
  if (text.length < 13) return false
  for (const match of text.matchAll(CANDIDATE)) if (isCardNumber(match[0])) return true
  return false
}

/** JSON pointer of the first card number anywhere inside a value, names of fields included. */
export function findCardNumber(value: unknown, pointer = ''): string | undefined {
  if (typeof value === 'string') return holdsCardNumber(value) ? pointer || '/' : undefined
  if (typeof value === 'number') return Number.isInteger(value) && isCardNumber(String(value)) ? pointer || '/' : undefined
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const found = findCardNumber(item, `${pointer}/${index}`)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, item] of Object.entries(value)) {
    // The name itself is not repeated: it would put the number into an answer and a log.
    if (holdsCardNumber(name)) return `${pointer}/(name of a field)`
    const found = findCardNumber(item, `${pointer}/${name}`)
    if (found !== undefined) return found
  }
  return undefined
}
