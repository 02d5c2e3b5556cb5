/** NUL, or half of a surrogate pair: JSON can hold them, databases and UTF-8 can't. */
const isPlain = (text: string): boolean => !text.includes('\0') && !/\p{Surrogate}/u.test(text)

/** JSON pointer of the first text inside a value, names of fields included, that can't be stored as it is. */
export function findUnstorableText(value: unknown): string | undefined {
  const found = pathOfUnstorable(value)
  return found === '' ? '/' : found
}

/** The pointer is made on the way back, since hardly ever one is needed. */
function pathOfUnstorable(value: unknown): string | undefined {
  if (typeof value === 'string') return isPlain(value) ? undefined : ''
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, item] of Object.entries(value)) {
    if (!isPlain(name)) return '/(name of a field)'
    const found = pathOfUnstorable(item)
    if (found !== undefined) return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}${found}`
  }
  return undefined
}
