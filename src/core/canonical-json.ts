import { hash } from 'node:crypto'
import { assert } from './errors.ts'

/**
 * One text per JSON value: names sorted by UTF-16 code units, no white space, numbers only as safe integers. On this
 * subset it equals the JSON Canonicalization Scheme (RFC 8785), so anybody can check our hashes.
 */
export function canonicalJson(value: unknown): string {
  return sortedJson(value, wholeNumber)
}

function wholeNumber(value: number): string {
  assert(Number.isSafeInteger(value), `canonical JSON holds whole numbers only, not ${value}`)
  return JSON.stringify(value)
}

/** JSON with sorted names and no white space; `writeNumber` decides which numbers it takes. */
export function sortedJson(value: unknown, writeNumber: (value: number) => string = JSON.stringify): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') return writeNumber(value)
  if (Array.isArray(value)) return `[${value.map((item) => sortedJson(item ?? null, writeNumber)).join(',')}]`
  assert(isPlainObject(value), `sorted JSON can't hold ${Object.prototype.toString.call(value)}`)
  let members = ''
  for (const name of Object.keys(value).sort()) {
    const item = value[name]
    if (item === undefined) continue
    if (members !== '') members += ','
    members += `${JSON.stringify(name)}:${sortedJson(item, writeNumber)}`
  }
  return `{${members}}`
}

/** Anything with a class (a date, a map) would silently become `{}`. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

export function sha256(text: string | Uint8Array): Uint8Array {
  return hash('sha256', text, 'buffer')
}

/** What the first entry of a chain of hashes is bound to. */
export const NO_HASH: Uint8Array = new Uint8Array(32)
