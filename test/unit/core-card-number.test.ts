import { describe, expect, it } from 'vitest'
import { findCardNumber, holdsCardNumber, maskCardNumbers, maskCards } from '../../src/core/card-number.ts'
import { fakeClock } from '../../src/core/clock.ts'
import { composeId, prefixedId } from '../../src/core/ids.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { seededRandom } from '../setup/random.ts'

/** Ids of each kind that are tried. */
const GENERATED = 20_000

/** Numbers that the networks publish for tests. */
const TEST_NUMBERS = {
  'Visa, 16 digits': '4242424242424242',
  'Visa, 13 digits': '4222222222222',
  Mastercard: '5555555555554444',
  'Mastercard, series 2': '2223003122003222',
  'American Express': '378282246310005',
  Discover: '6011111111111117',
  'Diners Club': '3056930009020004',
  'Diners Club, 14 digits': '36227206271667',
  JCB: '3566002020360505',
  UnionPay: '6200000000000005',
  'UnionPay, 19 digits': '6205500000000000004',
  Maestro: '6759649826438453',
}

describe('a card number', () => {
  it.each(Object.entries(TEST_NUMBERS))('of %s is found', (_network, number) => {
    expect(holdsCardNumber(number)).toBe(true)
    expect(findCardNumber({ note: `pay with ${number}, please` })).toBe('/note')
  })

  it.each([
    '4242 4242 4242 4242',
    '4242-4242-4242-4242',
    '4242  4242 - 4242 4242',
    '4242\u00a04242\u00a04242\u00a04242',
    '4242\u20134242\u20134242\u20134242',
    '4242\n4242\n4242\n4242',
    '3782 822463 10005',
    '4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2',
    'card:4242424242424242.',
    'x4242424242424242x',
    '(4242424242424242)',
    '1 4242424242424242',
    'on 2026-01-01 4242 4242 4242 4242',
    '4242 4242 4242 4242 123',
    '4242424242424242 12 27',
    '4242.4242.4242.4242',
    '4242_4242_4242_4242',
    '4242/4242/4242/4242',
    '42.42.42.42.42.42.42.42',
    '4242\u200b4242\u200b4242\u200b4242',
    '\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12',
    '\u0664\u0662\u0664\u0662\u0664\u0662\u0664\u0662\u0664\u0662\u0664\u0662\u0664\u0662\u0664\u0662',
    '\u{1d7d2}\u{1d7d0}'.repeat(8),
    '\u2074\u00b2'.repeat(8),
    '3f2504e0-4f89-41d3-9a0c-0305e82c3301 4242424242424242',
  ])('is found in "%s"', (text) => {
    expect(findCardNumber(text)).toBe('/')
  })

  it('is found at any depth, in lists, as a JSON number and in the name of a field', () => {
    expect(findCardNumber({ a: [{ b: 'x' }, { c: { d: '4242424242424242' } }] })).toBe('/a/1/c/d')
    expect(findCardNumber({ amount: 4242424242424242 })).toBe('/amount')
    expect(findCardNumber({ amount: -4242424242424242 })).toBe('/amount')
    expect(findCardNumber({ a: { '4242424242424242': true } })).toBe('/a/(name of a field)')
    expect(findCardNumber({ 'a/b': { '~': '4242424242424242' } })).toBe('/a~1b/~0')
  })

  it('is not searched for in what is nested beyond reason: that is refused', () => {
    let nested: unknown = '4242424242424242'
    for (let depth = 0; depth < 100_000; depth++) nested = [nested]
    expect(() => findCardNumber(nested)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })
})

describe('a field for card data', () => {
  const pointerOf = (value: unknown) => findCardNumber(value, { fields: true })

  it.each(['card_number', 'cardNumber', 'Card-Number', 'PAN', 'cvc', 'CVV2', 'security_code', 'track2', 'magstripe'])(
    'is found by its name %s, at any depth and whatever it holds',
    (name) => {
      expect(pointerOf({ a: [{ [name]: '' }] })).toBe(`/a/0/${name}`)
      expect(findCardNumber({ a: [{ [name]: '' }] })).toBeUndefined()
    },
  )

  it('is a number inside a card or a payment method, and no other number', () => {
    expect(pointerOf({ card: { number: 1 } })).toBe('/card/number')
    expect(pointerOf({ payment_method: { number: 1 } })).toBe('/payment_method/number')
    expect(pointerOf({ cards: 2, number: 7, order_number: 'A-1', pancake: 1, tracking_number: 'x', value: 3 })).toBe(
      undefined,
    )
  })
})

describe('masking', () => {
  it('leaves the last four digits of a card number, and what is around it', () => {
    expect(maskCardNumbers('card 4242-4242-4242-4242 declined')).toBe('card ****-****-****-4242 declined')
    expect(maskCardNumbers('4242.4242.4242.4242')).toBe('****.****.****.4242')
    expect(maskCardNumbers('order 1780315200000')).toBe('order 1780315200000')
  })

  it('reaches every text, number and name inside a value, and keeps the rest', () => {
    const masked = maskCards({ a: [{ '4242424242424242': 4242424242424242 }], n: 1.5, t: true, z: null })
    expect(masked).toEqual({ a: [{ '************4242': '************4242' }], n: 1.5, t: true, z: null })
    let nested: unknown = '4242424242424242'
    for (let depth = 0; depth < 2 * LIMITS.jsonDepthMax; depth++) nested = [nested]
    expect(JSON.stringify(maskCards(nested))).not.toContain('4242')
  })
})

describe('no card number', () => {
  it.each([
    ['a wrong check digit', '4242424242424241'],
    ['twelve digits', '424242424242'],
    ['twenty digits', '42424242424242424242'],
    ['a prefix of no network', '1000000000000008'],
    ['part of a longer number', '94242424242424242424242424'],
    ['a phone number', '+4915123456785'],
    ['a phone number in groups', '+49 151 2345 6785'],
    ['milliseconds', '1780315200000'],
    ['a time', '2026-06-01T12:00:00.000Z'],
    ['a date and a time in digits', '20260601120000'],
    ['a decimal number', '0.4242424242424242'],
    ['the whole part of a decimal number', '4242424242424242.5'],
    ['a UUID', '3f2504e0-4f89-41d3-9a0c-0305e82c3301'],
    ['part of a UUID', '42424242-4242-4242-9a0c-0305e82c3301'],
    ['part of a hash', 'ab4242424242424242cd0123456789ef'],
    ['a barcode', '4006381333931'],
    ['a barcode with the check digit of a card too', '4006381000093'],
    ['an id of 13 digits with a right check digit', '5632101234560'],
    ['an address of a network', '192.168.100.100'],
    ['a version', '6.0.1.1.1.1.1.1.1.1.1.1.1.1.1.1.7'],
    ['a list of numbers', '4242,4242,4242,4242'],
    ['nothing', ''],
  ])('is %s', (_what, text) => {
    expect(findCardNumber({ text })).toBeUndefined()
  })

  it('is a fraction, a boolean, null, undefined or an amount', () => {
    expect(findCardNumber([1.5, true, null, undefined, 1_000_000_000_000, -0, Number.NaN])).toBeUndefined()
  })

  it('is an id of any day from 2010 to 2035', () => {
    const refused: string[] = []
    for (let at = Date.UTC(2010, 0, 1); at < Date.UTC(2036, 0, 1); at += 86_400_000) {
      for (let sequence = 0; sequence < 10; sequence++) {
        const id = composeId({ timestampMs: at + sequence * 1_234_567, route: 5, node: 3, sequence })
        if (findCardNumber({ order_id: String(id) }) !== undefined) refused.push(String(id))
      }
    }
    expect(refused).toEqual([])
  })

  const random = seededRandom(1)
  const digits = (alphabet: string, length: number) =>
    Array.from({ length }, () => alphabet.charAt(random.int(alphabet.length))).join('')
  const HEX = '0123456789abcdef'
  const START_MS = Date.UTC(2026, 5, 1)
  const clock = fakeClock(START_MS)
  const uuid = () => `${digits(HEX, 8)}-${digits(HEX, 4)}-4${digits(HEX, 3)}-9${digits(HEX, 3)}-${digits(HEX, 12)}`
  it.each([
    ['a random UUID', uuid],
    ['a random UUID behind a prefix', () => `order_${uuid()}`],
    ['an object id of 24 hexadecimal digits', () => digits(HEX, 24)],
    ['a hash', () => digits(HEX, 64)],
    ['an id of a payment', () => prefixedId('pi', 3, clock)],
    ['a token in base 62', () => `tok_${digits('0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ', 24)}`],
    ['a time in milliseconds', (n: number) => `order-${START_MS + n * 99_991}`],
    ['a time in microseconds', (n: number) => String((START_MS + n * 99_991) * 1_000 + (n % 1_000))],
    ['a time in digits', (n: number) => new Date(START_MS + n * 99_991).toISOString().replace(/\D/g, '')],
    ['a time with dots', (n: number) => new Date(START_MS + n * 99_991).toISOString().replace(/\D/g, '.')],
  ])('is %s', (_what, make) => {
    const refused: string[] = []
    for (let n = 0; n < GENERATED; n++) {
      const id = make(n)
      if (holdsCardNumber(id)) refused.push(id)
    }
    expect(refused).toEqual([])
  })
})
