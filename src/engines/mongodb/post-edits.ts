import type { PostStore, PostVersion } from '../../social/ports.ts'
import { isDuplicate } from './client.ts'
import { POST_FIELDS, toPost } from './post-rows.ts'
import { ALIVE, type Collections, type VersionDoc } from './schema.ts'

function toVersion(doc: VersionDoc): PostVersion {
  return { version: doc.version, content: doc.content, writtenAt: doc.written_at, replacedAt: doc.replaced_at }
}

/**
 * An edit is one update of the post, which wants the version it replaces and keeps what that said in `replaced`. From
 * there it is copied to the versions: afterwards, or before the next edit.
 */
export function openPostEdits({ posts, versions }: Collections): Pick<PostStore, 'edit' | 'versions'> {
  async function keep(replaced: VersionDoc): Promise<void> {
    const postId = replaced.post_id
    await versions.insertOne(replaced).catch((error) => {
      if (!isDuplicate(error)) throw error
    })
    const ours = { _id: postId, 'replaced._id': replaced._id }
    await posts.updateOne(ours, { $unset: { replaced: '' } })
    // Of a post that was deleted meanwhile nothing is kept.
    const isThere = await posts.findOne({ _id: postId, ...ALIVE }, { projection: { _id: 1 } })
    if (isThere === null) await versions.deleteMany({ post_id: postId })
  }

  return {
    async edit({ postId, version, content, mentions, tags }, at) {
      const before = await posts.findOne({ _id: postId, version, ...ALIVE })
      if (before === null) return { kind: 'conflict' }
      if (before.replaced !== undefined) await keep(before.replaced)
      const replaced: VersionDoc = {
        _id: `${postId}/${version}`,
        post_id: postId,
        version,
        content: before.content,
        written_at: before.edited_at ?? before.timestamp,
        replaced_at: at,
      }
      const after = await posts.findOneAndUpdate(
        { _id: postId, version, ...ALIVE },
        { $set: { content, mentions, tags, edited_at: at, version: version + 1, replaced } },
        { projection: POST_FIELDS, returnDocument: 'after' },
      )
      if (after === null) return { kind: 'conflict' }
      await keep(replaced)
      return { kind: 'edited', post: toPost(after) }
    },
    async versions(postId, below, limit) {
      const post = await posts.findOne({ _id: postId, ...ALIVE }, { projection: { replaced: 1 } })
      if (post === null) return []
      const query = { post_id: postId, ...(below === undefined ? {} : { version: { $lt: below } }) }
      const kept = await versions.find(query).sort({ version: -1 }).limit(limit).toArray()
      const { replaced } = post
      const isMissing =
        replaced !== undefined &&
        (below === undefined || replaced.version < below) &&
        !kept.some((doc) => doc.version === replaced.version)
      return (isMissing ? [replaced, ...kept] : kept).slice(0, limit).map(toVersion)
    },
  }
}
