import type {
  DeliveryMode,
  NewPost,
  PostContent,
  PostInsert,
  PostStore,
  StoredPost,
  Visibility,
} from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import { onlyRow, type SqlClient } from '../sql/sql.ts'
import { openFanoutLedger } from './fanout-ledger.ts'
import { openPostComments } from './post-comments.ts'
import { openPostEraser } from './post-eraser.ts'
import { openPostLikes } from './post-likes.ts'

// Above every id. With it a range is one condition that an index serves, also in a generic plan.
const ID_MAX = 2n ** 63n - 1n

const COLUMNS = 'post_id, user_id, content, visibility, mode, timestamp, like_count, comment_count'

// A key or an id that is taken leaves its item out of `added`, and so out of the ledger.
const INSERT = `
with added as (
  insert into posts (post_id, user_id, content, visibility, mode, timestamp, idempotency_key, fingerprint)
  select post_id, user_id, content, visibility, mode, timestamp, idempotency_key, fingerprint
  from unnest($1::bigint[], $2::text[], $3::jsonb[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::bytea[])
    as t (post_id, user_id, content, visibility, mode, timestamp, idempotency_key, fingerprint)
  order by post_id on conflict do nothing returning post_id),
entered as (
  insert into post_fanouts (post_id, sweep_at)
  select post_id, sweep_at from unnest($1::bigint[], $9::timestamptz[]) as t (post_id, sweep_at)
  where post_id in (select post_id from added) order by post_id)
select post_id from added`

const BY_KEYS = `
select ${COLUMNS}, idempotency_key, fingerprint, deleted_at is not null as deleted from posts
where (user_id, idempotency_key) in (select * from unnest($1::text[], $2::text[]))`

const FIND = `select ${COLUMNS} from posts where post_id = any($1::bigint[]) and deleted_at is null`

const BY_AUTHOR = `
select ${COLUMNS} from posts
where user_id = $1 and visibility = any($2::text[]) and post_id < coalesce($3::bigint, ${ID_MAX}) and deleted_at is null
order by post_id desc limit $4`

const IDS_BY_AUTHORS = `
select p.post_id from unnest($1::text[]) as a (user_id)
cross join lateral (
  select post_id from posts
  where user_id = a.user_id and post_id < coalesce($2::bigint, ${ID_MAX}) and post_id > coalesce($4::bigint, -1)
    and deleted_at is null
  order by post_id desc limit $3) as p
order by p.post_id desc limit $3`

const NEWEST_BY_AUTHOR = `
select a.user_id, p.post_id from unnest($1::text[]) as a (user_id)
cross join lateral (
  select post_id from posts where user_id = a.user_id and deleted_at is null order by post_id desc limit 1) as p`

const HIDE = `
update posts set deleted_at = $2, content = '{}', leftovers = like_count + comment_count > 0
where post_id = $1 and deleted_at is null returning post_id`
const FORGET_FANOUT = 'delete from post_fanouts where post_id = $1'
const FORGET_CHUNKS = 'delete from post_fanout_chunks where post_id = $1'
const KNOWN = 'select exists (select 1 from posts where post_id = $1) as known'

interface PostRow {
  post_id: bigint
  user_id: string
  content: PostContent
  visibility: Visibility
  mode: DeliveryMode
  timestamp: Date
  like_count: bigint
  comment_count: bigint
}

interface KeyedRow extends PostRow {
  idempotency_key: string
  fingerprint: Uint8Array
  deleted: boolean
}

function toPost(row: PostRow): StoredPost {
  return {
    postId: row.post_id,
    userId: row.user_id,
    content: row.content,
    visibility: row.visibility,
    mode: row.mode,
    timestamp: row.timestamp,
    likeCount: Number(row.like_count),
    commentCount: Number(row.comment_count),
  }
}

export async function openPostStore(sql: SqlClient, _context: PortContext): Promise<PostStore> {
  async function insert(posts: readonly NewPost[]): Promise<PostInsert[]> {
    const rows = await sql.query<{ post_id: bigint }>(INSERT, [
      posts.map((post) => post.postId),
      posts.map((post) => post.userId),
      posts.map((post) => post.content),
      posts.map((post) => post.visibility),
      posts.map((post) => post.mode),
      posts.map((post) => post.timestamp),
      posts.map((post) => post.idempotency?.key),
      posts.map((post) => post.idempotency?.fingerprint),
      posts.map((post) => post.sweepAt),
    ])
    const added = new Set(rows.map((row) => row.post_id))
    const earlier = await findByKeys(posts.filter((post) => !added.has(post.postId)))
    return posts.map((post): PostInsert => {
      if (added.has(post.postId)) return { kind: 'created' }
      const row = earlier.get(`${post.userId} ${post.idempotency?.key}`)
      if (row === undefined) return { kind: 'id_taken' }
      return { kind: 'repeated', post: row.deleted ? undefined : toPost(row), fingerprint: row.fingerprint }
    })
  }

  async function findByKeys(posts: readonly NewPost[]): Promise<Map<string, KeyedRow>> {
    if (posts.length === 0) return new Map()
    const rows = await sql.query<KeyedRow>(BY_KEYS, [
      posts.map((post) => post.userId),
      posts.map((post) => post.idempotency?.key),
    ])
    return new Map(rows.map((row) => [`${row.user_id} ${row.idempotency_key}`, row]))
  }

  return {
    insert,
    async find(postIds) {
      if (postIds.length === 0) return []
      return (await sql.query<PostRow>(FIND, [postIds])).map(toPost)
    },
    async byAuthor(userId, visibilities, below, limit) {
      return (await sql.query<PostRow>(BY_AUTHOR, [userId, visibilities, below, limit])).map(toPost)
    },
    async idsByAuthors(userIds, below, limit, above) {
      const rows = await sql.query<{ post_id: bigint }>(IDS_BY_AUTHORS, [userIds, below, limit, above])
      return rows.map((row) => row.post_id)
    },
    async newestByAuthor(userIds) {
      const rows = await sql.query<{ user_id: string; post_id: bigint }>(NEWEST_BY_AUTHOR, [userIds])
      return new Map(rows.map((row) => [row.user_id, row.post_id]))
    },
    delete: (postId, at) =>
      sql.transaction(async (tx) => {
        if ((await tx.query(HIDE, [postId, at])).length === 1) {
          await tx.query(FORGET_FANOUT, [postId])
          await tx.query(FORGET_CHUNKS, [postId])
          return 'deleted'
        }
        return onlyRow(await tx.query<{ known: boolean }>(KNOWN, [postId])).known ? 'gone' : 'unknown'
      }),
    ...openPostLikes(sql),
    ...openPostComments(sql),
    ...openPostEraser(sql),
    ledger: openFanoutLedger(sql),
  }
}
