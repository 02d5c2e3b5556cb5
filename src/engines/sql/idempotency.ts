import { type IdempotencyKey, judgeKey, type StoredKey } from '../../core/command.ts'
import { hashToBucket } from '../../core/ids.ts'
import { onlyRow, type SqlTx } from './sql.ts'

const TAKE = `
insert into idempotency_keys (shard, scope, key, fingerprint, operation_id, created_at)
values ($1, $2, $3, $4, $5, now()) on conflict do nothing returning key`

const READ = `
select fingerprint, operation_id, lease_until, response_status, response_body
from idempotency_keys where shard = $1 and scope = $2 and key = $3`

const FINISH = `
update idempotency_keys set response_status = $4, response_body = $5 where shard = $1 and scope = $2 and key = $3`

const PRUNE = `
delete from idempotency_keys where (shard, scope, key) in (
  select shard, scope, key from idempotency_keys where created_at < $1 and response_status is not null limit $2)
returning key`

/** The shard of a key, and so of what its command creates: key row, heads and events live together. */
export function shardOfKey(key: { scope: string; key: string }, shards: number): number {
  return hashToBucket(`${key.scope}\n${key.key}`, shards)
}

/** A row of `idempotency_keys`, but for its key. */
export interface KeyRow {
  fingerprint: Uint8Array
  operation_id: string | null
  lease_until: Date | null
  response_status: number | null
  response_body: unknown
}

export function toStoredKey(row: KeyRow): StoredKey {
  return {
    fingerprint: row.fingerprint,
    operationId: row.operation_id ?? undefined,
    leaseUntilMs: row.lease_until?.getTime(),
    response: row.response_status === null ? undefined : { status: row.response_status, body: row.response_body },
  }
}

export async function readKey(
  tx: Pick<SqlTx, 'query'>,
  shard: number,
  key: IdempotencyKey,
): Promise<StoredKey | undefined> {
  const [row] = await tx.query<KeyRow>(READ, [shard, key.scope, key.key])
  return row === undefined ? undefined : toStoredKey(row)
}

/** How one transaction of an engine reads and writes the row of a key. */
export interface KeyBooks {
  /** False when the row is there already; it is committed then. */
  take(operationId: string | undefined): Promise<boolean>
  read(): Promise<StoredKey>
  finish(status: number, body: string): Promise<void>
}

/** `once`, by the books of an engine. */
export async function onceBy<Body>(
  books: KeyBooks,
  key: IdempotencyKey,
  work: () => Promise<Body>,
  operationId: string | undefined,
): Promise<{ body: Body; replayed: boolean }> {
  if (!(await books.take(operationId))) {
    const verdict = judgeKey(key, await books.read(), Date.now())
    if (verdict.kind === 'replay') return { body: verdict.body as Body, replayed: true }
  }
  const body = await work()
  await books.finish(200, JSON.stringify(body))
  return { body, replayed: false }
}

/** The shard of the keys of commands that create nothing in a shard. */
export const SHARD_OF_SMALL_COMMANDS = 0

/**
 * Carries out a short command at most once per key: the key row, the command's writes and its answer commit together,
 * so a refusal (a throw) leaves the key unused. `body` must be plain JSON. For commands of one transaction; those that
 * call out in the middle keep a lease and an operation id of their own; `operationId` is for finding the answer again.
 */
export async function once<Body>(
  tx: SqlTx,
  key: IdempotencyKey | undefined,
  work: () => Promise<Body>,
  operationId?: string,
): Promise<{ body: Body; replayed: boolean }> {
  if (key === undefined) return { body: await work(), replayed: false }
  const id = [SHARD_OF_SMALL_COMMANDS, key.scope, key.key] as const
  const books: KeyBooks = {
    take: async (operation) => (await tx.query(TAKE, [...id, key.fingerprint, operation])).length > 0,
    read: async () => toStoredKey(onlyRow(await tx.query<KeyRow>(READ, [...id]))),
    finish: async (status, body) => void (await tx.query(FINISH, [...id, status, body])),
  }
  return onceBy(books, key, work, operationId)
}

/** Forgets finished keys older than `before`; answers how many. */
export async function pruneKeys(tx: Pick<SqlTx, 'query'>, before: Date, limit: number): Promise<number> {
  return (await tx.query(PRUNE, [before, limit])).length
}
