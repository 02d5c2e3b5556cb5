import { createLookup } from '../../core/lookup.ts'
import type { PersonalKeyStore, WrappedKey } from '../../payments/ports/personal-keys.ts'
import { onlyRow, type SqlClient } from '../sql/sql.ts'

const COLUMNS = 'key_id, subject, master_key_id, wrapped'
const OF_SUBJECT = `select ${COLUMNS} from personal_keys where subject = any($1) and destroyed_at is null`
const FIND = `select ${COLUMNS} from personal_keys where key_id = any($1)`
const ADD = `
insert into personal_keys (${COLUMNS}, created_at) values ($1, $2, $3, $4, $5)
on conflict (subject) where destroyed_at is null do update set subject = excluded.subject
returning ${COLUMNS}`
const DESTROY = `
update personal_keys set wrapped = null, destroyed_at = $2 where subject = $1 and destroyed_at is null returning key_id`
const NOT_UNDER = `
select ${COLUMNS} from personal_keys where destroyed_at is null and master_key_id <> $1 order by key_id limit $2`
const REWRAP = `
with locked as (
  select key_id from personal_keys where key_id = any($1) and destroyed_at is null order by key_id for update)
update personal_keys k set master_key_id = n.master_key_id, wrapped = n.wrapped
from locked l join unnest($1::text[], $2::text[], $3::bytea[]) as n (key_id, master_key_id, wrapped) on n.key_id = l.key_id
where k.key_id = l.key_id and k.destroyed_at is null
returning k.key_id`

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
  const read = (statement: string) => async (names: readonly string[]) =>
    (await sql.query<KeyRow>(statement, [[...names]])).map(toKey)
  return {
    // Asked for each time: what another process destroys is gone here with the next look.
    ofSubject: createLookup(read(OF_SUBJECT), (key) => key.subject),
    find: createLookup(read(FIND), (key) => key.keyId),
    async add({ keyId, subject, masterKeyId, wrapped }, nowMs) {
      const params = [keyId, subject, masterKeyId, wrapped, new Date(nowMs)]
      return toKey(onlyRow(await sql.query<KeyRow>(ADD, params)))
    },
    async destroy(subject, nowMs) {
      return (await sql.query(DESTROY, [subject, new Date(nowMs)])).length
    },
    async notUnder(masterKeyId, limit) {
      return (await sql.query<KeyRow>(NOT_UNDER, [masterKeyId, limit])).map(toKey)
    },
    async rewrap(keys) {
      const columns = [keys.map((key) => key.keyId), keys.map((key) => key.masterKeyId), keys.map((key) => key.wrapped)]
      return (await sql.query(REWRAP, columns)).length
    },
  }
}
