import type { PostContent, PostStore, PostVersion } from '../../social/ports.ts'
import type { SqlClient } from '../sql/sql.ts'
import { POST_COLUMNS, type PostRow, toPost } from './post-rows.ts'

// Every edit raises the version, so a post found at the expected one also has the mentions and hashtags that this
// statement sees. What stays is not deleted first: one statement can't delete a row and insert it again.
const EDIT = `
with current as (
  select post_id, content, coalesce(edited_at, timestamp) as written_at from posts
  where post_id = $1 and version = $2 and deleted_at is null for update),
kept as (
  insert into post_versions (post_id, version, content, written_at, replaced_at)
  select post_id, $2, content, written_at, $4 from current),
changed as (
  update posts set content = $3::jsonb, version = version + 1, edited_at = $4,
    mentioning = cardinality($5::text[]) > 0
  where post_id in (select post_id from current) returning ${POST_COLUMNS}),
unmentioned as (
  delete from post_mentions where post_id in (select post_id from current) and user_id <> all($5::text[])),
mentioned as (
  insert into post_mentions (user_id, post_id)
  select user_id, post_id from current, unnest($5::text[]) as t (user_id) order by user_id on conflict do nothing),
untagged as (
  delete from post_hashtags where post_id in (select post_id from current) and tag <> all($6::text[])),
tagged as (
  insert into post_hashtags (tag, post_id)
  select tag, post_id from current, unnest($6::text[]) as t (tag) order by tag on conflict do nothing)
select * from changed`

const VERSIONS = `
select version, content, written_at, replaced_at from post_versions
where post_id = $1 and version < coalesce($2::int, 2147483647) order by version desc limit $3`

/** Adds the mentions of the posts in `added`; $12 and $13 are pairs of post and user. */
export const ADD_MENTIONS = `
insert into post_mentions (user_id, post_id)
select user_id, post_id from unnest($12::bigint[], $13::text[]) as t (post_id, user_id)
where post_id in (select post_id from added) order by user_id, post_id`

/** Adds the hashtags of the posts in `added`; $14 and $15 are pairs of post and tag. */
export const ADD_HASHTAGS = `
insert into post_hashtags (tag, post_id)
select tag, post_id from unnest($14::bigint[], $15::text[]) as t (post_id, tag)
where post_id in (select post_id from added) order by tag, post_id`

/** What hangs on the content of a post that was hidden by an earlier statement, which also keeps edits away. */
export const FORGET_CONTENT = `
with versions as (delete from post_versions where post_id = $1),
mentions as (delete from post_mentions where post_id = $1)
delete from post_hashtags where post_id = $1`

interface VersionRow {
  version: number
  content: PostContent
  written_at: Date
  replaced_at: Date
}

function toVersion(row: VersionRow): PostVersion {
  return { version: row.version, content: row.content, writtenAt: row.written_at, replacedAt: row.replaced_at }
}

export function openPostEdits(sql: SqlClient): Pick<PostStore, 'edit' | 'versions'> {
  return {
    async edit({ postId, version, content, mentions, tags }, at) {
      const [row] = await sql.query<PostRow>(EDIT, [postId, version, content, at, mentions, tags])
      if (row === undefined) return { kind: 'conflict' }
      return { kind: 'edited', post: toPost({ ...row, mentions: mentions.length === 0 ? null : [...mentions] }) }
    },
    async versions(postId, below, limit) {
      return (await sql.query<VersionRow>(VERSIONS, [postId, below, limit])).map(toVersion)
    },
  }
}
