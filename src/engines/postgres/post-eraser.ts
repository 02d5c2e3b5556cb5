import type { PostStore } from '../../social/ports.ts'
import { onlyRow, type SqlClient } from '../sql/sql.ts'
import { noticesTaken } from './post-notices.ts'

// Counts of other people's posts fall by the rows really deleted; posts are locked first, in key order, as by a like.
const ERASE_LIKES = `
with item as (select post_id from post_likes where user_id = $1 order by post_id limit $2),
locked as (
  select post_id, user_id from posts where post_id in (select post_id from item) order by post_id for update),
gone as (
  delete from post_likes where user_id = $1 and post_id in (select post_id from item)
    and (select count(*) from locked) >= 0
  returning post_id, user_id, since),
counted as (update posts set like_count = like_count - 1 where post_id in (select post_id from gone)),
noticed as (${noticesTaken('like', 'gone')})
select count(*)::int as n from gone`

const ERASE_COMMENTS = `
with item as (select comment_id, post_id from comments where user_id = $1 order by comment_id limit $2),
locked as (
  select post_id, user_id from posts where post_id in (select post_id from item) order by post_id for update),
gone as (
  delete from comments where comment_id in (select comment_id from item) and (select count(*) from locked) >= 0
  returning post_id, user_id, timestamp as since),
counted as (
  update posts p set comment_count = p.comment_count - g.n
  from (select post_id, count(*) as n from gone group by post_id) as g where p.post_id = g.post_id),
noticed as (${noticesTaken('comment', 'gone')})
select count(*)::int as n from gone`

// First hidden, so that nothing is added to a post whose likes and comments have been cleared away. The user's own
// posts are left out of the counting: one statement can't change a row twice, and they go as well.
const HIDE_POSTS = `
with item as (
  select post_id, repost_of from posts where user_id = $1 and deleted_at is null order by post_id limit $2),
locked as (
  select post_id, user_id from posts
  where post_id in (select post_id from item union select repost_of from item) order by post_id for update),
hidden as (
  update posts set deleted_at = now(), content = '{}'
  where post_id in (select post_id from item) and deleted_at is null and (select count(*) from locked) >= 0
  returning repost_of as post_id, user_id, timestamp as since),
counted as (
  update posts p set repost_count = p.repost_count - h.n
  from (select post_id, count(*) as n from hidden where post_id is not null group by post_id) as h
  where p.post_id = h.post_id and p.user_id <> $1 and p.deleted_at is null),
noticed as (${noticesTaken('repost', 'hidden')})
select count(*)::int as n from hidden`

const CLEAR_LIKES = `
with gone as (
  delete from post_likes where (user_id, post_id) in (
    select l.user_id, l.post_id from posts p join post_likes l on l.post_id = p.post_id
    where p.user_id = $1 order by l.post_id, l.user_id limit $2)
  returning 1)
select count(*)::int as n from gone`

const CLEAR_COMMENTS = `
with gone as (
  delete from comments where comment_id in (
    select c.comment_id from posts p join comments c on c.post_id = p.post_id
    where p.user_id = $1 order by c.comment_id limit $2)
  returning 1)
select count(*)::int as n from gone`

const CLEAR_NOTICES = `
with item as (select post_id, kind, day from post_notices where user_id = $1 order by post_id, kind, day limit $2),
locked as (select post_id from posts where post_id in (select post_id from item) order by post_id for update),
gone as (
  delete from post_notices where (post_id, kind, day) in (select post_id, kind, day from item)
    and (select count(*) from locked) >= 0
  returning 1)
select count(*)::int as n from gone`

const ERASE_MENTIONS = `
with gone as (
  delete from post_mentions where (user_id, post_id) in (
    select user_id, post_id from post_mentions where user_id = $1 order by post_id limit $2)
  returning 1)
select count(*)::int as n from gone`

const DROP_POSTS = `
with item as (select post_id from posts where user_id = $1 order by post_id limit $2),
chunks as (delete from post_fanout_chunks where post_id in (select post_id from item)),
fanouts as (delete from post_fanouts where post_id in (select post_id from item)),
versions as (delete from post_versions where post_id in (select post_id from item)),
hashtags as (delete from post_hashtags where post_id in (select post_id from item)),
mentions as (delete from post_mentions where post_id in (select post_id from item)),
outbox as (delete from pull_authors where user_id = $1),
gone as (delete from posts where post_id in (select post_id from item) returning 1)
select count(*)::int as n from gone`

const ERASE_STEPS = [
  ...[ERASE_LIKES, ERASE_COMMENTS, ERASE_MENTIONS, HIDE_POSTS],
  ...[CLEAR_LIKES, CLEAR_COMMENTS, CLEAR_NOTICES, DROP_POSTS],
]

const WITH_LEFTOVERS = 'select post_id from posts where leftovers order by post_id limit 100'

const CLEAR_LIKES_OF = `
with gone as (
  delete from post_likes where (user_id, post_id) in (
    select user_id, post_id from post_likes where post_id = any($1::bigint[]) order by post_id, user_id limit $2)
  returning 1)
select count(*)::int as n from gone`

const CLEAR_COMMENTS_OF = `
with gone as (
  delete from comments where comment_id in (
    select comment_id from comments where post_id = any($1::bigint[]) order by comment_id limit $2)
  returning 1)
select count(*)::int as n from gone`

const CLEARED = `
update posts set leftovers = false, like_count = 0, comment_count = 0 where post_id in (
  select post_id from posts where post_id = any($1::bigint[]) order by post_id for update)`

export function openPostEraser(sql: SqlClient): Pick<PostStore, 'erase' | 'clearLeftovers'> {
  const countOf = async (text: string, params: readonly (string | number | readonly bigint[])[]) =>
    onlyRow(await sql.query<{ n: number }>(text, params)).n

  return {
    async erase(userId, limit) {
      let erased = 0
      for (const step of ERASE_STEPS) {
        // A step that filled the limit may have more to do; the ones behind it rely on its being done.
        if (erased >= limit) break
        erased += await countOf(step, [userId, limit - erased])
      }
      return erased
    },
    async clearLeftovers(limit) {
      const posts = (await sql.query<{ post_id: bigint }>(WITH_LEFTOVERS)).map((row) => row.post_id)
      if (posts.length === 0) return 0
      let cleared = await countOf(CLEAR_LIKES_OF, [posts, limit])
      if (cleared < limit) cleared += await countOf(CLEAR_COMMENTS_OF, [posts, limit - cleared])
      if (cleared < limit) await sql.query(CLEARED, [posts])
      return cleared
    },
  }
}
