import type { PostStore } from '../../social/ports.ts'
import type { Counting } from './counting.ts'
import { ALIVE, type Collections, SETTLED } from './schema.ts'

/** What a deleted post says no more. */
const FORGOTTEN = {
  ...{ mentions: '', tags: '', reposted: '', fan: '', sweep_at: '', days: '', replaced: '', edited_at: '' },
} as const

const GONE = { content: {}, leftovers: true } as const

/** Removes what hangs on deleted posts besides likes and comments. */
export async function forgetContent({ versions, notices }: Collections, postIds: readonly bigint[]): Promise<void> {
  const ofThem = { post_id: { $in: [...postIds] } }
  await Promise.all([versions.deleteMany(ofThem), notices.deleteMany(ofThem)])
}

export function openPostDelete(collections: Collections, counting: Counting): Pick<PostStore, 'delete'> {
  const { posts } = collections
  return {
    async delete(postId, at) {
      for (let attempt = 1; ; attempt++) {
        const post = await posts.findOne({ _id: postId }, { projection: { repost_of: 1, op: 1, deleted_at: 1 } })
        if (post === null) return 'unknown'
        if (post.deleted_at !== undefined) return 'gone'
        const { repost_of: root, op: held } = post
        if (held !== undefined && root !== undefined) {
          await counting.waitFor(root, held, attempt)
          continue
        }
        const op = counting.newOp('repost')
        const begun = root === undefined ? [] : [...(await counting.begin([root], op)).keys()]
        const asRow = begun.length === 0 ? {} : { op }
        const { matchedCount } = await posts.updateOne({ _id: postId, ...SETTLED, ...ALIVE }, {
          $set: { ...GONE, ...asRow, deleted_at: at },
          $unset: FORGOTTEN,
        } as object)
        await counting.finish(op, begun)
        if (matchedCount === 0) continue
        await forgetContent(collections, [postId])
        return 'deleted'
      }
    },
  }
}
