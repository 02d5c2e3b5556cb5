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

interface KeyRow {
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
  const shard = 0
  const taken = await tx.query(TAKE, [shard, key.scope, key.key, key.fingerprint, operationId])
  if (taken.length === 0) {
    const stored = onlyRow(await tx.query<KeyRow>(READ, [shard, key.scope, key.key]))
    const verdict = judgeKey(key, toStoredKey(stored), Date.now())
    if (verdict.kind === 'replay') return { body: verdict.body as Body, replayed: true }
  }
  const body = await work()
  await tx.query(FINISH, [shard, key.scope, key.key, 200, JSON.stringify(body)])
  return { body, replayed: false }
}

/** Forgets finished keys older than `before`; answers how many. */
export async function pruneKeys(tx: Pick<SqlTx, 'query'>, before: Date, limit: number): Promise<number> {
  return (await tx.query(PRUNE, [before, limit])).length
}
