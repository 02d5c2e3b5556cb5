import type { LikeChange, LikeOutcome, PostStore } from '../../social/ports.ts'
import type { SqlClient } from '../sql/sql.ts'
import { noticesAdded, noticesTaken } from './post-notices.ts'

// Posts are locked first and in key order, so that batches of several processes wait for each other but never in a
// circle; and a post that is being deleted takes no more likes.
const ITEMS = `
with item as (
  select post_id, user_id, n from unnest($1::bigint[], $2::text[]) with ordinality as t (post_id, user_id, n)),
locked as (
  select post_id, user_id from posts where post_id in (select post_id from item) and deleted_at is null
  order by post_id for update)`

const OUTCOMES = `
select (l.post_id is not null) as found, (c.post_id is not null) as changed
from item i left join locked l on l.post_id = i.post_id
left join changed c on c.post_id = i.post_id and c.user_id = i.user_id
order by i.n`

const LIKE = `${ITEMS},
changed as (
  insert into post_likes (post_id, user_id, since)
  select post_id, user_id, $3 from item where post_id in (select post_id from locked) order by post_id, user_id
  on conflict do nothing returning post_id, user_id, since),
counted as (
  update posts p set like_count = p.like_count + c.n
  from (select post_id, count(*) as n from changed group by post_id) as c where p.post_id = c.post_id),
noticed as (${noticesAdded('like', 'changed')})
${OUTCOMES}`

const UNLIKE = `${ITEMS},
changed as (
  delete from post_likes where (post_id, user_id) in (
    select post_id, user_id from item where post_id in (select post_id from locked))
  returning post_id, user_id, since),
counted as (
  update posts p set like_count = p.like_count - c.n
  from (select post_id, count(*) as n from changed group by post_id) as c where p.post_id = c.post_id),
noticed as (${noticesTaken('like', 'changed')})
${OUTCOMES}`

const LIKED_BY = 'select post_id from post_likes where user_id = $1 and post_id = any($2::bigint[])'

const LIKES_AMONG = `
select l.post_id, l.user_id from unnest($1::bigint[], $2::text[]) as i (post_id, user_id)
join post_likes l on l.user_id = i.user_id and l.post_id = i.post_id`

const LIKERS = `
select user_id, since from post_likes
where post_id = $1 and since <= coalesce($2::timestamptz, 'infinity') and (since < $2 or user_id > coalesce($3, ''))
order by since desc, user_id limit $4`

interface OutcomeRow {
  found: boolean
  changed: boolean
}

export function openPostLikes(sql: SqlClient): Pick<PostStore, 'applyLikes' | 'likedBy' | 'likesAmong' | 'likers'> {
  async function apply(text: string, changes: readonly LikeChange[], params: readonly Date[]): Promise<LikeOutcome[]> {
    if (changes.length === 0) return []
    const columns = [changes.map((change) => change.postId), changes.map((change) => change.userId)]
    const rows = await sql.query<OutcomeRow>(text, [...columns, ...params])
    return rows.map((row) => (row.changed ? 'changed' : row.found ? 'unchanged' : 'no_post'))
  }

  return {
    async applyLikes(changes, at) {
      const likes = await apply(
        LIKE,
        changes.filter((change) => change.liked),
        [at],
      )
      const unlikes = await apply(
        UNLIKE,
        changes.filter((change) => !change.liked),
        [],
      )
      return changes.map((change) => (change.liked ? likes : unlikes).shift()!)
    },
    async likedBy(userId, postIds) {
      return (await sql.query<{ post_id: bigint }>(LIKED_BY, [userId, postIds])).map((row) => row.post_id)
    },
    async likesAmong(likes) {
      const rows = await sql.query<{ post_id: bigint; user_id: string }>(LIKES_AMONG, [
        likes.map((like) => like.postId),
        likes.map((like) => like.userId),
      ])
      return rows.map((row) => ({ postId: row.post_id, userId: row.user_id }))
    },
    async likers(postId, after, limit) {
      const params = [postId, after?.since, after?.userId, limit]
      const rows = await sql.query<{ user_id: string; since: Date }>(LIKERS, params)
      return rows.map((row) => ({ userId: row.user_id, since: row.since }))
    },
  }
}
