import type { ApiKey, ApiKeyStore } from '../../http/ports.ts'
import type { SqlClient } from '../sql/sql.ts'

const INSERT = 'insert into api_keys (key_id, key_hash, name, scopes, created_at) values ($1, $2, $3, $4, $5)'
const COLUMNS = 'key_id, name, scopes, created_at, revoked_at'
const BY_HASH = `select ${COLUMNS} from api_keys where key_hash = $1`
const LIST = `select ${COLUMNS} from api_keys order by created_at, key_id`
const REVOKE = 'update api_keys set revoked_at = $2 where key_id = $1 and revoked_at is null returning key_id'

interface KeyRow {
  key_id: string
  name: string
  scopes: ApiKey['scopes']
  created_at: Date
  revoked_at: Date | null
}

function toApiKey(row: KeyRow): ApiKey {
  return { ...row, created_at: row.created_at.toISOString(), revoked_at: row.revoked_at?.toISOString() ?? null }
}

export function openApiKeyStore(sql: SqlClient): ApiKeyStore {
  return {
    async create(key, hash) {
      await sql.query(INSERT, [key.key_id, hash, key.name, [...key.scopes], key.created_at])
    },
    async findByHash(hash) {
      const [row] = await sql.query<KeyRow>(BY_HASH, [hash])
      return row === undefined ? undefined : toApiKey(row)
    },
    async list() {
      return (await sql.query<KeyRow>(LIST)).map(toApiKey)
    },
    async revoke(keyId, at) {
      return (await sql.query(REVOKE, [keyId, at])).length === 1
    },
  }
}
