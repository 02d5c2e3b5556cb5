import type { PostStore } from '../../social/ports.ts'
import type { SqlClient } from '../sql/sql.ts'
import { ID_MAX, POST_COLUMNS, type PostRow, toPost } from './post-rows.ts'

// The tag as part of a range and of the order leaves one way to read: along the primary key. With "tag = $1" a planner
// would walk the newest posts of all tags when it thinks that one of them will soon be found.
const BY_HASHTAG = `
select ${POST_COLUMNS} from post_hashtags h join posts on posts.post_id = h.post_id
where (h.tag, h.post_id) > ($1, -1) and (h.tag, h.post_id) < ($1, coalesce($2::bigint, ${ID_MAX}))
  and deleted_at is null
order by h.tag desc, h.post_id desc limit $3`

export function openPostHashtags(sql: SqlClient): Pick<PostStore, 'byHashtag'> {
  return {
    async byHashtag(tag, below, limit) {
      return (await sql.query<PostRow>(BY_HASHTAG, [tag, below, limit])).map(toPost)
    },
  }
}
