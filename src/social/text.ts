import { LIMITS } from '../core/limits.ts'

const WORD = '\\p{L}\\p{M}\\p{N}_'
const HASHTAG = new RegExp(`(?<![${WORD}])#([${WORD}]+)`, 'gu')
const HANDLE = new RegExp(`(?<![${WORD}])@([A-Za-z0-9_]{1,${LIMITS.handleCharsMax}})(?![A-Za-z0-9_])`, 'gu')
const ONLY_WORD = new RegExp(`^[${WORD}]+$`, 'u')

const normalised = (tag: string) => tag.normalize('NFKC').toLowerCase().normalize('NFKC')

/**
 * A hashtag, without its `#`, in the form in which it is compared (NFKC, lower case): letters with their marks, digits
 * and `_`, at least one letter, at most {@link LIMITS.hashtagCharsMax} characters. `undefined` when it is none.
 */
export function hashtagOf(text: string): string | undefined {
  const tag = normalised(text)
  if ([...tag].length > LIMITS.hashtagCharsMax) return undefined
  return ONLY_WORD.test(tag) && /\p{L}/u.test(tag) ? tag : undefined
}

/** The first {@link LIMITS.hashtagsPerPostMax} different hashtags of a text, in their order. */
export function hashtagsIn(text: string | undefined): string[] {
  if (text === undefined || !text.includes('#')) return []
  const tags = new Set<string>()
  for (const [, name] of text.matchAll(HASHTAG)) {
    const tag = hashtagOf(name!)
    if (tag !== undefined) tags.add(tag)
    if (tags.size === LIMITS.hashtagsPerPostMax) break
  }
  return [...tags]
}

/** The first {@link LIMITS.mentionsPerPostMax} different `@handles` of a text, in lower case, in their order. */
export function handlesIn(text: string | undefined): string[] {
  if (text === undefined || !text.includes('@')) return []
  const handles = new Set<string>()
  for (const [, handle] of text.matchAll(HANDLE)) {
    handles.add(handle!.toLowerCase())
    if (handles.size === LIMITS.mentionsPerPostMax) break
  }
  return [...handles]
}
