import { describe, expect, it } from 'vitest'
import { canonicalJson, sha256 } from '../../src/core/canonical-json.ts'

describe('canonicalJson', () => {
  it('sorts names at every depth and leaves no white space', () => {
    expect(canonicalJson({ b: [1, { d: null, c: true }], a: 'x' })).toBe('{"a":"x","b":[1,{"c":true,"d":null}]}')
  })

  it('sorts names by UTF-16 code units (example of RFC 8785, section 3.2.3)', () => {
    const names = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6']
    const text = canonicalJson(Object.fromEntries(names.map((name) => [name, 0])))
    expect(Object.keys(JSON.parse(text))).toEqual(['1', '\r', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'])
    expect(text).toBe('{"\\r":0,"1":0,"\u0080":0,"\u00f6":0,"\u20ac":0,"\ud83d\ude00":0,"\ufb33":0}')
  })

  it('writes strings as RFC 8785 does: shortest escapes, everything else as it is', () => {
    expect(canonicalJson('\u20ac$\u000f\nA\'B"\\\\"/')).toBe('"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"')
  })

  it('keeps names that look like numbers in the order of their characters', () => {
    expect(canonicalJson({ 10: 'a', 9: 'b', a: 'c' })).toBe('{"10":"a","9":"b","a":"c"}')
  })

  it('leaves out what is undefined, as JSON does', () => {
    expect(canonicalJson({ a: undefined, b: [undefined, 1] })).toBe('{"b":[null,1]}')
  })

  it('writes minus zero as zero', () => {
    expect(canonicalJson([-0, 9_007_199_254_740_991])).toBe('[0,9007199254740991]')
  })

  it.each([
    ['a fraction', 0.5],
    ['a number too large to be exact', 2 ** 53],
    ['a bigint', 1n],
    ['NaN', Number.NaN],
    ['a date', new Date(0)],
    ['a map', new Map([['a', 1]])],
    ['bytes', new Uint8Array(2)],
    ['a function', () => 1],
  ])('refuses %s', (_what, value) => {
    expect(() => canonicalJson({ value: [value] })).toThrow('assertion failed')
  })
})

describe('sha256', () => {
  it('is SHA-256', () => {
    expect(Buffer.from(sha256('abc')).toString('hex')).toMatch(/^ba7816bf8f01cfea/)
    expect(sha256(new TextEncoder().encode('abc'))).toEqual(sha256('abc'))
  })
})
