import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/core/canonical-json.ts'
import { findCardNumber, holdsCardNumber } from '../../src/core/card-number.ts'
import { idempotencyKeyOf } from '../../src/core/command.ts'
import { decodeCursor, encodeCursor } from '../../src/core/cursor.ts'
import { isAppError } from '../../src/core/errors.ts'

const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: 'binary' }),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json')),
    fc.dictionary(fc.string(), tie('json')),
  ),
}))

/** The same value with the members of every object in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, item]) => [name, reversed(item)]),
  )
}

describe('canonicalJson', () => {
  it('is JSON of the same value, whatever the order of its members', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value)
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
        expect(canonicalJson(reversed(value))).toBe(text)
        expect(canonicalJson(JSON.parse(text))).toBe(text)
      }),
    )
  })
})

describe('fingerprints', () => {
  it('are equal for equal commands only', () => {
    const fingerprint = (input: unknown) =>
      Buffer.from(idempotencyKeyOf({ idempotencyKey: 'k' }, 'Command', input)!.fingerprint).toString('hex')
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(fingerprint(a)).toBe(fingerprint(reversed(a)))
        const same = fc.stringify(JSON.parse(JSON.stringify(a))) === fc.stringify(JSON.parse(JSON.stringify(b)))
        if (!same && fingerprint(a) === fingerprint(b)) expect(reversed(a)).toEqual(reversed(b))
      }),
    )
  })
})

describe('cursors', () => {
  const keyPart = fc.string({ unit: 'grapheme' }).filter((part) => !part.includes('\0'))

  it('come back as they were made', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(keyPart, { maxLength: 4 }), (list, key) => {
        expect(decodeCursor(list, key.length, encodeCursor(list, key))).toEqual(key)
      }),
    )
  })

  it('are refused, and nothing else happens, when they are anything else', () => {
    fc.assert(
      fc.property(fc.string(), (cursor) => {
        try {
          decodeCursor('orders', 2, cursor)
        } catch (error) {
          expect(isAppError(error, 'invalid_cursor')).toBe(true)
          return
        }
        expect.unreachable()
      }),
    )
  })
})

/** 15 digits of a network and the check digit that makes them a card number. */
const cardNumber = fc
  .tuple(
    fc.constantFrom('4', '51', '55', '2300', '6011', '3530', '62', '60'),
    fc.array(fc.nat(9), { minLength: 15, maxLength: 15 }),
  )
  .map(([prefix, digits]) => {
    const head = (prefix + digits.join('')).slice(0, 15)
    const check = Array.from({ length: 10 }, (_, digit) => head + digit).find(holdsCardNumber)
    return check!
  })

describe('card numbers', () => {
  it('are found wherever they stand and however they are grouped', () => {
    const around = fc.string().map((text) => text.replace(/[\d.+]/g, ''))
    fc.assert(
      fc.property(
        cardNumber,
        fc.constantFrom('', ' ', '-', ' - '),
        around,
        around,
        (number, separator, before, after) => {
          const grouped = number.match(/.{4}/g)!.join(separator)
          expect(findCardNumber({ a: [{ note: `${before}${grouped}${after}` }] })).toBe('/a/0/note')
        },
      ),
    )
  })

  it('with one digit changed are no card numbers: that is what the check digit is for', () => {
    fc.assert(
      fc.property(cardNumber, fc.integer({ min: 1, max: 9 }), (number, step) => {
        const last = (Number(number.at(-1)) + step) % 10
        expect(holdsCardNumber(number.slice(0, -1) + last)).toBe(false)
      }),
    )
  })
})
