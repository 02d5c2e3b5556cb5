import type { IdempotencyKey } from '../../core/command.ts'
import type { KeyedAnswer } from '../../orders/ports.ts'
import type { ColumnList } from '../sql/column-list.ts'
import { sqlState, UNIQUE_VIOLATION } from '../sql/sql.ts'
import type { Statement } from './literals.ts'
import { namesOf, valuesOf } from './values.ts'

const KNOWN =
  'select shard, scope, `key` from idempotency_keys force index (primary) where (shard, scope, `key`) in (?)'

interface ShardKey {
  readonly shard: number
  readonly key: IdempotencyKey
}

const nameOf = (shard: number, scope: string, key: string) => `${shard}\n${scope}\n${key}`

/** Answers {@link KeyRow}s: which of these keys are in use. */
export function findKeys(keys: readonly ShardKey[]): Statement {
  const rows = keys.map(({ shard, key }) => [shard, key.scope, key.key])
  return { text: KNOWN, params: [rows.length === 0 ? [[null, null, null]] : rows] }
}

export interface KeyRow {
  readonly shard: number
  readonly scope: string
  readonly key: string
}

/** Tells which keys are in use. */
export function knownAmong(rows: readonly KeyRow[]): (shard: number, key: IdempotencyKey | undefined) => boolean {
  const known = new Set(rows.map(({ shard, scope, key }) => nameOf(shard, scope, key)))
  return (shard, key) => key !== undefined && known.has(nameOf(shard, key.scope, key.key))
}

/** A key with the answer of the command that it was used for. */
export interface StoredAnswer extends KeyedAnswer {
  readonly shard: number
  /** The order or the reservation that the command made or changed. */
  readonly operationId: bigint
  readonly atMs: number
}

const ANSWER_LIST: ColumnList<StoredAnswer> = [
  ['shard', 'smallint', ({ shard }) => shard],
  ['scope', 'text', ({ key }) => key.scope],
  ['key', 'text', ({ key }) => key.key],
  ['fingerprint', 'bytea', ({ key }) => key.fingerprint],
  ['operation_id', 'text', ({ operationId }) => String(operationId)],
  ['response_status', 'smallint', ({ status }) => status],
  ['response_body', 'json', ({ body }) => body],
  ['created_at', 'timestamptz', ({ atMs }) => new Date(atMs)],
]

const STORE = `insert into idempotency_keys (${namesOf(ANSWER_LIST)}) values ?`

/** Stores new keys, in one order of locks for everybody. A key that is there already breaks the transaction off. */
export function storeAnswers(answers: readonly StoredAnswer[]): Statement[] {
  if (answers.length === 0) return []
  const name = ({ shard, key }: StoredAnswer) => nameOf(shard, key.scope, key.key)
  const sorted = [...answers].sort((a, b) => (name(a) < name(b) ? -1 : 1))
  return [{ text: STORE, params: [valuesOf(ANSWER_LIST, sorted)] }]
}

/**
 * Does it once more when a row was there that was to be new: a key that another process stored after this one had looked
 * is seen now.
 */
export async function seeingNewKeys<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (sqlState(error) !== UNIQUE_VIOLATION) throw error
    return work()
  }
}
