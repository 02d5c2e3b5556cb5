import type { IdempotencyKey, StoredKey } from '../../core/command.ts'
import { type KeyBooks, type KeyRow, onceBy, SHARD_OF_SMALL_COMMANDS, toStoredKey } from '../sql/idempotency.ts'
import { onlyRow, type SqlRunner } from '../sql/sql.ts'
import type { MysqlRunner, MysqlTx } from './client-mysql2.ts'

// Waits for a command under way with the same key, as its row is locked.
const TAKE = `
insert into idempotency_keys (shard, scope, \`key\`, fingerprint, operation_id, created_at)
values (?, ?, ?, ?, ?, now(6)) on duplicate key update shard = shard`

const READ = `
select fingerprint, operation_id, lease_until, response_status, response_body
from idempotency_keys where shard = ? and scope = ? and \`key\` = ?`

const FINISH = `
update idempotency_keys set response_status = ?, response_body = ? where shard = ? and scope = ? and \`key\` = ?`

const PRUNE = `
delete from idempotency_keys where created_at < ? and response_status is not null order by created_at limit ?`

export async function readKey(sql: SqlRunner, shard: number, key: IdempotencyKey): Promise<StoredKey | undefined> {
  const [row] = await sql.query<KeyRow>(READ, [shard, key.scope, key.key])
  return row === undefined ? undefined : toStoredKey(row)
}

/** As `once` of the SQL engines. */
export async function once<Body>(
  tx: MysqlTx,
  key: IdempotencyKey | undefined,
  work: () => Promise<Body>,
  operationId?: string,
): Promise<{ body: Body; replayed: boolean }> {
  if (key === undefined) return { body: await work(), replayed: false }
  const id = [SHARD_OF_SMALL_COMMANDS, key.scope, key.key] as const
  const books: KeyBooks = {
    take: async (operation) => (await tx.execute(TAKE, [...id, key.fingerprint, operation])) > 0,
    read: async () => toStoredKey(onlyRow(await tx.query<KeyRow>(READ, [...id]))),
    finish: async (status, body) => void (await tx.execute(FINISH, [status, body, ...id])),
  }
  return onceBy(books, key, work, operationId)
}

/** Forgets finished keys older than `before`; answers how many. */
export function pruneKeys(sql: MysqlRunner, before: Date, limit: number): Promise<number> {
  return sql.execute(PRUNE, [before, limit])
}
