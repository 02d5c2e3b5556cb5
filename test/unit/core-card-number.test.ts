import { describe, expect, it } from 'vitest'
import { findCardNumber, holdsCardNumber } from '../../src/core/card-number.ts'
import { composeId } from '../../src/core/ids.ts'

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
})
