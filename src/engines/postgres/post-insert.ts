import type { NewPost, PostInsert, PostStore } from '../../social/ports.ts'
import type { SqlClient } from '../sql/sql.ts'
import { ADD_HASHTAGS, ADD_MENTIONS } from './post-edits.ts'
import { noticesAdded } from './post-notices.ts'
import { NOTE_PULL_AUTHORS } from './post-outboxes.ts'
import { POST_COLUMNS, type PostRow, toPost } from './post-rows.ts'

// A key or an id that is taken leaves its item out of `added`, and so out of all that follows.
const INSERT_PLAIN = `
with added as (
  insert into posts (post_id, user_id, content, visibility, mode, timestamp, idempotency_key, fingerprint)
  select post_id, user_id, content, visibility, mode, timestamp, idempotency_key, fingerprint
  from unnest($1::bigint[], $2::text[], $3::jsonb[], $4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::bytea[])
    as t (post_id, user_id, content, visibility, mode, timestamp, idempotency_key, fingerprint)
  order by post_id on conflict do nothing returning post_id, user_id, mode),
pulled as (${NOTE_PULL_AUTHORS}),
entered as (
  insert into post_fanouts (post_id, sweep_at)
  select post_id, sweep_at from unnest($1::bigint[], $9::timestamptz[]) as t (post_id, sweep_at)
  where post_id in (select post_id from added) order by post_id)
select post_id, true as added, true as rooted from added`

// Posts that are passed on are locked first and in key order, as by likes; one that is being deleted takes no more
// reposts. This takes twice as long for posts that need none of it.
const INSERT = `
with item as (
  select * from unnest($1::bigint[], $2::text[], $3::jsonb[], $4::text[], $5::text[], $6::timestamptz[], $7::text[],
    $8::bytea[], $9::timestamptz[], $10::bigint[], $11::boolean[])
    as t (post_id, user_id, content, visibility, mode, timestamp, idempotency_key, fingerprint, sweep_at, repost_of,
      mentioning)),
locked as (
  select post_id, user_id from posts where post_id = any($10::bigint[]) and deleted_at is null
  order by post_id for update),
added as (
  insert into posts (post_id, user_id, content, visibility, mode, timestamp, idempotency_key, fingerprint, repost_of,
    mentioning)
  select post_id, user_id, content, visibility, mode, timestamp, idempotency_key, fingerprint, repost_of, mentioning
  from item where repost_of is null or repost_of in (select post_id from locked)
  order by post_id on conflict do nothing returning post_id, user_id, mode, timestamp, repost_of),
pulled as (${NOTE_PULL_AUTHORS}),
entered as (
  insert into post_fanouts (post_id, sweep_at)
  select post_id, sweep_at from item where post_id in (select post_id from added) order by post_id),
reposted as (select repost_of as post_id, user_id, timestamp as since from added where repost_of is not null),
counted as (
  update posts p set repost_count = p.repost_count + r.n
  from (select post_id, count(*) as n from reposted group by post_id) as r where p.post_id = r.post_id),
noticed as (${noticesAdded('repost', 'reposted')}),
mentioned as (${ADD_MENTIONS}),
tagged as (${ADD_HASHTAGS})
select i.post_id, a.post_id is not null as added, i.repost_of is null or l.post_id is not null as rooted
from item i left join added a on a.post_id = i.post_id left join locked l on l.post_id = i.repost_of`

const BY_KEYS = `
select ${POST_COLUMNS}, idempotency_key, fingerprint, deleted_at is not null as deleted from posts
where (user_id, idempotency_key) in (select * from unnest($1::text[], $2::text[]))`

const REPOSTS = `
select i.user_id, i.repost_of, p.post_id from unnest($1::text[], $2::bigint[]) as i (user_id, repost_of)
cross join lateral (
  select post_id from posts
  where user_id = i.user_id and repost_of = i.repost_of and content = '{}' and deleted_at is null limit 1) as p`

interface OutcomeRow {
  post_id: bigint
  added: boolean
  rooted: boolean
}

interface KeyedRow extends PostRow {
  idempotency_key: string
  fingerprint: Uint8Array
  deleted: boolean
}

interface RepostRow {
  user_id: string
  repost_of: bigint
  post_id: bigint
}

type Repeated = PostInsert & { kind: 'repeated' }

/** Says all of itself: it passes nothing on and names nobody and no hashtag. */
function isPlain({ repostOf, mentions, tags }: NewPost): boolean {
  return repostOf === undefined && !mentions?.length && !tags?.length
}

const toRepeated = (row: KeyedRow): Repeated => ({
  kind: 'repeated',
  post: row.deleted ? undefined : toPost(row),
  fingerprint: row.fingerprint,
})

/** One column for the post, one for what belongs to it; a row for each. */
function pairs(posts: readonly NewPost[], listOf: (post: NewPost) => readonly string[] | undefined) {
  const rows = posts.flatMap((post) => (listOf(post) ?? []).map((item) => ({ postId: post.postId, item })))
  return [rows.map((row) => row.postId), rows.map((row) => row.item)] as const
}

function extras(posts: readonly NewPost[]) {
  return [
    posts.map((post) => post.repostOf),
    posts.map((post) => (post.mentions ?? []).length > 0),
    ...pairs(posts, (post) => post.mentions),
    ...pairs(posts, (post) => post.tags),
  ]
}

export function openPostInsert(sql: SqlClient): Pick<PostStore, 'insert' | 'byKey'> {
  async function byKeys(posts: readonly NewPost[]): Promise<Map<string, Repeated>> {
    const keyed = posts.filter((post) => post.idempotency !== undefined)
    if (keyed.length === 0) return new Map()
    const columns = [keyed.map((post) => post.userId), keyed.map((post) => post.idempotency?.key)]
    const rows = await sql.query<KeyedRow>(BY_KEYS, columns)
    return new Map(rows.map((row) => [`${row.user_id} ${row.idempotency_key}`, toRepeated(row)]))
  }

  async function byReposts(posts: readonly NewPost[]): Promise<Map<string, bigint>> {
    const reposts = posts.filter((post) => post.repostOf !== undefined)
    if (reposts.length === 0) return new Map()
    const columns = [reposts.map((post) => post.userId), reposts.map((post) => post.repostOf)]
    const rows = await sql.query<RepostRow>(REPOSTS, columns)
    return new Map(rows.map((row) => [`${row.user_id} ${row.repost_of}`, row.post_id]))
  }

  return {
    async insert(posts) {
      const plain = posts.every(isPlain)
      const rows = await sql.query<OutcomeRow>(plain ? INSERT_PLAIN : INSERT, [
        posts.map((post) => post.postId),
        posts.map((post) => post.userId),
        posts.map((post) => post.content),
        posts.map((post) => post.visibility),
        posts.map((post) => post.mode),
        posts.map((post) => post.timestamp),
        posts.map((post) => post.idempotency?.key),
        posts.map((post) => post.idempotency?.fingerprint),
        posts.map((post) => post.sweepAt),
        ...(plain ? [] : extras(posts)),
      ])
      const outcomes = new Map(rows.map((row) => [row.post_id, row]))
      const left = posts.filter((post) => !outcomes.get(post.postId)?.added)
      const [keyed, reposts] = await Promise.all([byKeys(left), byReposts(left)])
      return posts.map((post): PostInsert => {
        const outcome = outcomes.get(post.postId)
        if (outcome?.added) return { kind: 'created' }
        const repeated = keyed.get(`${post.userId} ${post.idempotency?.key}`)
        if (repeated !== undefined) return repeated
        if (outcome?.rooted === false) return { kind: 'no_root' }
        const empty = Object.keys(post.content).length === 0
        const repost = empty ? reposts.get(`${post.userId} ${post.repostOf}`) : undefined
        return repost === undefined ? { kind: 'id_taken' } : { kind: 'reposted', postId: repost }
      })
    },
    async byKey(userId, key) {
      const [row] = await sql.query<KeyedRow>(BY_KEYS, [[userId], [key]])
      return row === undefined ? undefined : toRepeated(row)
    },
  }
}
