import { assert } from '../../core/errors.ts'
import type { SqlParam, SqlScalar } from '../sql/sql.ts'

const NEEDS_ESCAPE = /['\\]/

function textLiteral(text: string): string {
  return NEEDS_ESCAPE.test(text) ? `'${text.replace(/['\\]/g, '\\$&')}'` : `'${text}'`
}

/** `2026-01-02 03:04:05.678`, UTC: what sessions take for a moment. */
export const momentText = (at: Date): string => at.toISOString().slice(0, 23).replace('T', ' ')

/**
 * A value as it stands in a statement. Sessions are set so that a backslash escapes, quotes mean texts, and all is UTF-8:
 * nothing in a value can end its literal. An array becomes a list, `in (?)`; an array of arrays a list of rows, `values ?`.
 * Other objects become JSON.
 */
export function literalOf(param: SqlParam): string {
  if (param === null || param === undefined) return 'null'
  if (typeof param === 'string') return textLiteral(param)
  if (typeof param === 'bigint' || typeof param === 'boolean') return String(param)
  if (typeof param === 'number') {
    assert(Number.isFinite(param), `${param} is no number for a database`)
    return String(param)
  }
  if (Array.isArray(param)) return listOf(param)
  if (param instanceof Date) return `'${momentText(param)}'`
  if (param instanceof Uint8Array) {
    return `x'${Buffer.from(param.buffer, param.byteOffset, param.byteLength).toString('hex')}'`
  }
  return textLiteral(JSON.stringify(param))
}

function listOf(items: readonly (SqlScalar | undefined)[]): string {
  if (items.length === 0) return 'null'
  return items.map((item) => (Array.isArray(item) ? `(${listOf(item)})` : literalOf(item))).join(',')
}

export interface Statement {
  readonly text: string
  readonly params?: readonly SqlParam[] | undefined
}

/** Puts values into statements; `?` stands for one value each, so no statement may have a question mark otherwise. */
export function createRenderer(collation: string): (statement: Statement) => string {
  const split = new Map<string, string[]>()
  return ({ text, params = [] }) => {
    let parts = split.get(text)
    if (parts === undefined) {
      parts = text.replaceAll('utf8mb4_bin', collation).split('?')
      split.set(text, parts)
    }
    assert(parts.length === params.length + 1, `a statement wants ${parts.length - 1} values, got ${params.length}`)
    let rendered = parts[0]!
    for (let index = 0; index < params.length; index++) rendered += literalOf(params[index]) + parts[index + 1]!
    return rendered
  }
}
