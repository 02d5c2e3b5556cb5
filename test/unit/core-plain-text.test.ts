import { describe, expect, it } from 'vitest'
import { findUnstorableText } from '../../src/core/plain-text.ts'

describe('text that can be stored', () => {
  it('passes any text of whole characters', () => {
    expect(
      findUnstorableText({ a: ['漢字', '🎉', 'tab\t', '\u{10ffff}', ''], b: { 'c/d': 1, e: null } }),
    ).toBeUndefined()
  })

  it('names the place of a NUL or of half a character', () => {
    expect(findUnstorableText('a\0b')).toBe('/')
    expect(findUnstorableText({ a: [{ 'b/c': 'x\ud83d' }] })).toBe('/a/0/b~1c')
    expect(findUnstorableText({ a: '\udf89 the second half' })).toBe('/a')
    expect(findUnstorableText({ 'x\0': 1 })).toBe('/(name of a field)')
  })
})
