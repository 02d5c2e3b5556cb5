import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { handlesIn, hashtagOf, hashtagsIn } from '../../src/social/text.ts'

describe('hashtags', () => {
  it.each([
    ['#Engines are #fun', ['engines', 'fun']],
    ['once: #Same #SAME #same', ['same']],
    ['(#one),#two.#three!', ['one', 'two', 'three']],
    ['glued#on and a_#b stay text', []],
    ['#1 #2026 #1st #_x #_', ['1st', '_x']],
    ['## #', []],
    ['#déjà #dE\u0301ja\u0300', ['déjà']],
    ['#Ｗｉｄｅ #ﬁne', ['wide', 'fine']],
    ['#हिन्दी #日本語 #Ελλάδα', ['हिन्दी', '日本語', 'ελλάδα']],
    ['#a-b', ['a']],
    ['https://example.com/#part', ['part']],
    [undefined, []],
  ])('of %j are %j', (text, tags) => {
    expect(hashtagsIn(text)).toEqual(tags)
  })

  it('are plain text when too long or too many', () => {
    const longest = 'x'.repeat(LIMITS.hashtagCharsMax)
    expect(hashtagsIn(`#${longest} #${longest}x #short`)).toEqual([longest, 'short'])
    const many = Array.from({ length: LIMITS.hashtagsPerPostMax + 5 }, (_, n) => `t${n}`)
    expect(hashtagsIn(many.map((tag) => `#${tag}`).join(' '))).toEqual(many.slice(0, LIMITS.hashtagsPerPostMax))
  })

  it('are one and the same however often they are normalised', () => {
    const tag = fc.stringMatching(/^[\p{L}\p{M}\p{N}_]{1,12}$/u)
    fc.assert(
      fc.property(fc.oneof(tag, fc.string({ unit: 'binary', maxLength: 12 })), (text) => {
        const once = hashtagOf(text)
        if (once === undefined) return
        expect(hashtagOf(once)).toBe(once)
        expect(hashtagsIn(`#${once}`)).toEqual([once])
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('handles', () => {
  it.each([
    ['@Ada and (@bob_2), @ADA', ['ada', 'bob_2']],
    ['mail ada@example.com, é@bob', []],
    ['@', []],
    ['@ada@example.com', ['ada']],
    [`@${'x'.repeat(LIMITS.handleCharsMax)} @${'y'.repeat(LIMITS.handleCharsMax + 1)}`, ['x'.repeat(30)]],
    ['@ada-lovelace @ada’s', ['ada']],
    [undefined, []],
  ])('of %j are %j', (text, handles) => {
    expect(handlesIn(text)).toEqual(handles)
  })

  it('beyond the limit are plain text', () => {
    const many = Array.from({ length: LIMITS.mentionsPerPostMax + 5 }, (_, n) => `h${n}`)
    expect(handlesIn(many.map((handle) => `@${handle}`).join(' '))).toEqual(many.slice(0, LIMITS.mentionsPerPostMax))
  })
})
