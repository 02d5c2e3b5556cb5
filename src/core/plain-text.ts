/** NUL, or half of a surrogate pair: JSON can hold them, databases and UTF-8 can't. */
const isPlain = (text: string): boolean => !text.includes('\0') && !/\p{Surrogate}/u.test(text)

/** JSON pointer of the first text inside a value, names of fields included, that can't be stored as it is. */
export function findUnstorableText(value: unknown, pointer = ''): string | undefined {
  if (typeof value === 'string') return isPlain(value) ? undefined : pointer || '/'
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, item] of Object.entries(value)) {
    if (!isPlain(name)) return `${pointer}/(name of a field)`
    const found = findUnstorableText(item, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    if (found !== undefined) return found
  }
  return undefined
}
