import { createHash } from 'node:crypto'
import { assert } from './errors.ts'

/**
 * One text per JSON value: names sorted by UTF-16 code units, no white space, numbers only as safe integers. On this
 * subset it equals the JSON Canonicalization Scheme (RFC 8785), so anybody can check our hashes.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    assert(Number.isSafeInteger(value), `canonical JSON holds whole numbers only, not ${value}`)
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`
  assert(isPlainObject(value), `canonical JSON can't hold ${Object.prototype.toString.call(value)}`)
  const members = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`)
  return `{${members.join(',')}}`
}

/** Anything with a class (a date, a map) would silently become `{}`. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

export function sha256(text: string | Uint8Array): Uint8Array {
  return createHash('sha256').update(text).digest()
}
