import type { PersonalKeyStore, WrappedKey } from '../../payments/ports/personal-keys.ts'
import { onlyRow, type SqlClient } from '../sql/sql.ts'

const COLUMNS = 'key_id, subject, master_key_id, wrapped'
const OF_SUBJECT = `select ${COLUMNS} from personal_keys where subject = $1 and destroyed_at is null`
const FIND = `select ${COLUMNS} from personal_keys where key_id = $1`
const ADD = `
insert into personal_keys (${COLUMNS}, created_at) values ($1, $2, $3, $4, $5)
on conflict (subject) where destroyed_at is null do update set subject = excluded.subject
returning ${COLUMNS}`
const DESTROY = `
update personal_keys set wrapped = null, destroyed_at = $2 where subject = $1 and destroyed_at is null returning key_id`

interface KeyRow {
  key_id: string
  subject: string
  master_key_id: string
  wrapped: Uint8Array | null
}

const toKey = (row: KeyRow): WrappedKey => ({
  keyId: row.key_id,
  subject: row.subject,
  masterKeyId: row.master_key_id,
  wrapped: row.wrapped ?? undefined,
})

export function openPersonalKeys(sql: SqlClient): PersonalKeyStore {
  return {
    async ofSubject(subject) {
      const [row] = await sql.query<KeyRow>(OF_SUBJECT, [subject])
      return row && toKey(row)
    },
    async find(keyId) {
      const [row] = await sql.query<KeyRow>(FIND, [keyId])
      return row && toKey(row)
    },
    async add({ keyId, subject, masterKeyId, wrapped }, nowMs) {
      const params = [keyId, subject, masterKeyId, wrapped, new Date(nowMs)]
      return toKey(onlyRow(await sql.query<KeyRow>(ADD, params)))
    },
    async destroy(subject, nowMs) {
      return (await sql.query(DESTROY, [subject, new Date(nowMs)])).length
    },
  }
}
