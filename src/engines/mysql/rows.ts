import type { SqlParam, SqlScalar } from '../sql/sql.ts'
import { momentText } from './literals.ts'

/**
 * Many rows as one parameter: a JSON text that the server reads as a table. Types are named as PostgreSQL names them, so
 * that lists of columns can be shared; other types are taken as they are, such as `varchar(64)`.
 */
export interface Rows<Source> {
  /** `order_id, order_number, ...` */
  readonly names: string
  /** A derived table of one placeholder, with these columns and `n`, the number of the row from 1. */
  table(alias: string): string
  /** The parameter. */
  param(sources: readonly Source[]): SqlParam
}

/** Name, type, and what it is filled with: as in the lists that all SQL engines share. */
export type RowColumn<Source> = readonly [name: string, type: string, value: (source: Source) => SqlScalar | undefined]

const TEXT = 'character set utf8mb4 collate utf8mb4_bin'

const TYPES: Readonly<Record<string, string>> = {
  text: `longtext ${TEXT}`,
  timestamptz: 'datetime(6)',
  boolean: 'tinyint(1)',
  // What is inside must come out as it was, so it goes in as a text.
  json: `longtext ${TEXT}`,
  jsonb: `longtext ${TEXT}`,
  // Hashes, as hexadecimal digits: of a long text the server makes bytes that are too many for any column.
  bytea: `varchar(1001) ${TEXT}`,
}

/** One more character than asked for: the server cuts what is longer without a word, and so it fits no column, and no key. */
const typeOf = (type: string) =>
  TYPES[type] ?? type.replace(/^varchar\((\d+)\)$/, (_, length) => `varchar(${Number(length) + 1}) ${TEXT}`)
const isJson = (type: string) => type === 'json' || type === 'jsonb'

function encode(type: string, value: SqlScalar | undefined): unknown {
  if (value === null || value === undefined) return undefined
  if (isJson(type)) return JSON.stringify(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Date) return momentText(value)
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')
  }
  return value
}

export function rowsTable<Source>(list: readonly RowColumn<Source>[]): Rows<Source> {
  const names = list.map(([name]) => name)
  // Short names for the fields: they are written once per row.
  const columns = list.map(([name, type], index) => `\`${name}\` ${typeOf(type)} path '$.c${index}' error on error`)
  const selected = list.map(([name, type]) => (type === 'bytea' ? `unhex(\`${name}\`) as \`${name}\`` : `\`${name}\``))
  const source = `json_table(?, '$[*]' columns (n for ordinality, ${columns.join(', ')})) as source`
  return {
    names: names.map((name) => `\`${name}\``).join(', '),
    table: (alias) => `(select n, ${selected.join(', ')} from ${source}) as ${alias}`,
    param: (sources) =>
      JSON.stringify(
        sources.map((each) =>
          Object.fromEntries(list.map(([, type, value], index) => [`c${index}`, encode(type, value(each))])),
        ),
      ),
  }
}
