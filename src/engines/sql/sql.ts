import type { Closable } from '../../core/lifecycle.ts'

/**
 * The SQL layer that every SQL engine shares. Result types are the same on all of them: `bigint` columns are `bigint`,
 * `timestamptz` is `Date`, `date` is `'YYYY-MM-DD'`, `jsonb` is parsed, `bytea` is `Uint8Array`, `numeric` is text
 * (cast sums: `sum(x)::bigint`).
 */
export type SqlScalar = string | number | bigint | boolean | Date | Uint8Array | object | null

/** Arrays become one array parameter, for `unnest($1::bigint[])`; other objects become JSON. */
export type SqlParam = SqlScalar | undefined | readonly (SqlScalar | undefined)[]

export interface SqlRunner {
  /** Runs one constant statement. It is prepared once per connection, so its text must not hold values. */
  query<Row extends object = Record<string, unknown>>(text: string, params?: readonly SqlParam[]): Promise<Row[]>
}

export interface SqlTx extends SqlRunner {
  /** Runs several statements without parameters (DDL). */
  script(text: string): Promise<void>
}

export interface TransactionOptions {
  /** One consistent view of the database for all reads; for verifiers and exports. */
  readonly snapshot?: boolean
}

export interface SqlTransactionOptions extends TransactionOptions {
  /** Statements may take as long as they need; others end within {@link LIMITS.statementMsMax}. */
  readonly unlimited?: boolean
}

export interface SqlClient extends SqlRunner, Closable {
  /** What differs inside the family, as data. */
  readonly profile: SqlProfile
  /**
   * All or nothing. `work` runs again when the database made it lose a race (serialization failure, deadlock), so it
   * must have no effect but through `tx`. Never call the client itself inside: with PGlite that waits for itself.
   * A single `query` outside a transaction is one by itself and is repeated by the same rule.
   */
  transaction<T>(work: (tx: SqlTx) => Promise<T>, options?: SqlTransactionOptions): Promise<T>
  /** Product and version, as the server says it. */
  version(): Promise<string>
}

/** Differences between the databases of one family. Code asks for a flag, never for a name. */
export interface SqlProfile {
  readonly name: string
  /** Shards of a new log: about the number of statements that profit from running side by side. */
  readonly logShards: number
  /** `for update skip locked` is there. Never needed for correctness, only for speed. */
  readonly skipLocked: boolean
  /** Triggers in PL/pgSQL are there; without them the rules they guard are kept by code and grants alone. */
  readonly triggers: boolean
  /** Several statements may run side by side. */
  readonly concurrent: boolean
}

const NEEDS_ESCAPE = /["\\]/

function quoted(text: string): string {
  return NEEDS_ESCAPE.test(text) ? `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"` : `"${text}"`
}

function arrayItem(value: SqlScalar | undefined): string {
  if (typeof value === 'string') return quoted(value)
  if (value === null || value === undefined) return 'NULL'
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof Uint8Array) {
    return `"\\\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}"`
  }
  if (value instanceof Date) return quoted(value.toISOString())
  // JSON has no raw control characters, and without them JSON's way to quote a text is that of an array literal.
  return JSON.stringify(JSON.stringify(value))
}

/** The form in which both clients take a parameter: text for all but numbers, booleans, bytes and null. */
export function encodeParam(param: SqlParam): string | number | boolean | Uint8Array | null {
  if (param === null || param === undefined) return null
  if (Array.isArray(param)) return `{${param.map(arrayItem).join(',')}}`
  if (typeof param === 'bigint') return param.toString()
  if (param instanceof Uint8Array) return param
  if (param instanceof Date) return param.toISOString()
  if (typeof param === 'object') return JSON.stringify(param)
  return param
}

/** The single row of a statement that always answers one. */
export function onlyRow<Row>(rows: readonly Row[]): Row {
  const [row] = rows
  if (row === undefined || rows.length !== 1) throw new Error(`expected one row, got ${rows.length}`)
  return row
}

/** SQLSTATE of a database error, or `''`. */
export function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Name of the constraint that a database error is about, or `''`. */
export function violatedConstraint(error: unknown): string {
  return error instanceof Error && 'constraint' in error && typeof error.constraint === 'string' ? error.constraint : ''
}

export const UNIQUE_VIOLATION = '23505'
export const CHECK_VIOLATION = '23514'
export const INSUFFICIENT_PRIVILEGE = '42501'
