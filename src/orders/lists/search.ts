import { LIMITS } from '../../core/limits.ts'

/**
 * Words of texts, for finding orders. Case and accents do not count: a word is brought to capitals and back, so that
 * `ß` is `ss`, then taken apart and rid of its marks (Unicode NFKD). A term is what stands between spaces, without
 * punctuation at its ends: `CA-2017-15` and `ada@example.com` are terms of several words.
 */
function termsOf(text: string): string[] {
  const folded = text
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
  return folded
    .split(/\s+/u)
    .map((term) => term.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '').slice(0, LIMITS.searchWordCharsMax))
    .filter((term) => term !== '')
}

/** What somebody looks for: whole terms, each once; more than {@link LIMITS.searchWordsMax} are for the caller to refuse. */
export const searchedWords = (query: string): string[] => [...new Set(termsOf(query))]

/** What an order is found by. */
export interface SearchedOrder {
  readonly orderNumber: string
  readonly customerName?: string | null
  readonly email?: string | null
  readonly city: string
  readonly lines: readonly { readonly sku: string; readonly productName: string }[]
}

/**
 * The words of an order: every term, and the parts of those that have several (of an e-mail address those before the
 * `@`), sorted. At most {@link LIMITS.searchWordsPerOrderMax}, in this order: number, name, e-mail, city, then the lines.
 */
export function wordsOfOrder({ orderNumber, customerName, email, city, lines }: SearchedOrder): string[] {
  const words = new Set<string>()
  const add = (text: string) => {
    for (const term of termsOf(text)) {
      words.add(term)
      for (const part of (term.split('@')[0] ?? '').split(/[^\p{L}\p{N}]+/u)) if (part !== '') words.add(part)
    }
  }
  for (const text of [orderNumber, customerName ?? '', email ?? '', city]) add(text)
  for (const { sku, productName } of lines) {
    if (words.size >= LIMITS.searchWordsPerOrderMax) break
    add(sku)
    add(productName)
  }
  return [...words].slice(0, LIMITS.searchWordsPerOrderMax).sort()
}
