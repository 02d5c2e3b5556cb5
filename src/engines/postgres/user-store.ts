import type { NewUser, StoredUser, UserInsert, UserStore } from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import { onlyRow, type SqlClient } from '../sql/sql.ts'

const INSERT = `
insert into users (user_id, handle, name, created_at, idempotency_scope, idempotency_key, fingerprint)
values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning user_id`

const BY_KEY = `
select user_id, handle, name, created_at, fingerprint from users where idempotency_scope = $1 and idempotency_key = $2`

const ID_TAKEN = 'select exists (select 1 from users where user_id = $1) as taken'

const INSERT_MANY = `
insert into users (user_id, handle, name, created_at)
select user_id, handle, name, created_at
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) as t (user_id, handle, name, created_at)
order by user_id on conflict do nothing returning user_id`

const FIND = `
select user_id, handle, name, created_at from users where user_id = any($1::text[]) and erasing_at is null`

const FIND_BY_HANDLES = `
select user_id, handle, name, created_at from users
where lower(handle collate "C") = any($1::text[]) and erasing_at is null`

// Every character of a handle lies below "~".
export const LIST_USERS = `
select user_id, handle, name, created_at from users
where lower(handle collate "C") >= $1 and lower(handle collate "C") < $1 || '~' and lower(handle collate "C") > $2
order by lower(handle collate "C") limit $3`

const IDS = `
select user_id from users where erasing_at is null and user_id > coalesce($1::text, '') order by user_id limit $2`

const SEEN_AT = 'select notifications_seen_at as seen_at from users where user_id = $1'

const SEE = `
update users set notifications_seen_at = $2
where user_id = $1 and erasing_at is null and coalesce(notifications_seen_at < $2, true)`

const MARK_ERASING = `
update users set erasing_at = coalesce(erasing_at, $2), handle = null, name = '',
  idempotency_scope = null, idempotency_key = null, fingerprint = null
where user_id = $1 returning user_id`

const ERASING = 'select user_id from users where erasing_at < $1 order by erasing_at limit $2'
const REMOVE = 'delete from users where user_id = $1 and erasing_at is not null'

interface UserRow {
  user_id: string
  handle: string | null
  name: string
  created_at: Date
}

function toUser(row: UserRow): StoredUser {
  return { userId: row.user_id, handle: row.handle ?? '', name: row.name, createdAt: row.created_at }
}

export async function openUserStore(sql: SqlClient, _context: PortContext): Promise<UserStore> {
  async function insert(user: NewUser): Promise<UserInsert> {
    const key = user.idempotency
    const params = [user.userId, user.handle, user.name, user.createdAt, key?.scope, key?.key, key?.fingerprint]
    if ((await sql.query(INSERT, params)).length === 1) return { kind: 'created' }
    if (key !== undefined) {
      const [row] = await sql.query<UserRow & { fingerprint: Uint8Array }>(BY_KEY, [key.scope, key.key])
      if (row !== undefined) return { kind: 'repeated', user: toUser(row), fingerprint: row.fingerprint }
    }
    const { taken } = onlyRow(await sql.query<{ taken: boolean }>(ID_TAKEN, [user.userId]))
    return { kind: 'taken', field: taken ? 'user_id' : 'handle' }
  }

  return {
    insert,
    async insertMany(users) {
      const rows = await sql.query<{ user_id: string }>(INSERT_MANY, [
        users.map((user) => user.userId),
        users.map((user) => user.handle),
        users.map((user) => user.name),
        users.map((user) => user.createdAt),
      ])
      return rows.map((row) => row.user_id)
    },
    async find(userIds) {
      return (await sql.query<UserRow>(FIND, [userIds])).map(toUser)
    },
    async findByHandles(handles) {
      return (await sql.query<UserRow>(FIND_BY_HANDLES, [handles])).map(toUser)
    },
    async list(prefix, after, limit) {
      return (await sql.query<UserRow>(LIST_USERS, [prefix, after ?? '', limit])).map(toUser)
    },
    async notificationsSeenAt(userId) {
      const [row] = await sql.query<{ seen_at: Date | null }>(SEEN_AT, [userId])
      return row?.seen_at ?? undefined
    },
    async seeNotifications(userId, upTo) {
      await sql.query(SEE, [userId, upTo])
    },
    async ids(after, limit) {
      return (await sql.query<{ user_id: string }>(IDS, [after, limit])).map((row) => row.user_id)
    },
    async markErasing(userId, at) {
      return (await sql.query(MARK_ERASING, [userId, at])).length === 1
    },
    async erasing(before, limit) {
      return (await sql.query<{ user_id: string }>(ERASING, [before, limit])).map((row) => row.user_id)
    },
    async remove(userId) {
      await sql.query(REMOVE, [userId])
    },
  }
}
