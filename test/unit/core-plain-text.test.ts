import { describe, expect, it } from 'vitest'
import { findUnstorableText } from '../../src/core/plain-text.ts'

describe('findUnstorableText', () => {
  it('names the first text that UTF-8 or a database can not hold', () => {
    expect(findUnstorableText({ a: ['fine', { b: 'x\0y' }] })).toBe('/a/1/b')
    expect(findUnstorableText('\ud83d')).toBe('/')
    expect(findUnstorableText(['\ude00 alone'])).toBe('/0')
    expect(findUnstorableText({ 'a/b': { '~': '\0' } })).toBe('/a~1b/~0')
  })

  it('does not repeat the name of a field that is such a text', () => {
    expect(findUnstorableText({ a: { 'x\0': 1 } })).toBe('/a/(name of a field)')
  })

  it('lets every whole character pass', () => {
    expect(findUnstorableText(['', '\ud83d\ude00', '\uffff', '\t\n\u007f', 1, null, true, undefined])).toBeUndefined()
  })
})
