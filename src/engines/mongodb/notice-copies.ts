import type { AnyBulkWriteOperation } from 'mongodb'
import { duplicatesOf } from './client.ts'
import { ALIVE, type Collections, type NoticeDoc } from './schema.ts'

const KINDS = { l: 'like', c: 'comment', r: 'repost' } as const

/**
 * Copies days of posts to where their authors find them. A copy bears the revision of the post that it was made from
 * and is never replaced by an older one, so copies may be made at the same time, late and again.
 */
export async function projectNotices(
  { posts, notices }: Collections,
  postIds: readonly bigint[],
  daysOf: (postId: bigint) => readonly string[],
): Promise<void> {
  const projection = { user_id: 1, days: 1, revision: 1 }
  const found = await posts.find({ _id: { $in: [...postIds] }, ...ALIVE }, { projection }).toArray()
  const updates = found.flatMap(({ _id: postId, user_id, days, revision }) =>
    daysOf(postId).flatMap((name): { filter: object; update: object }[] => {
      const day = days?.[name]
      // Without a time it was never more than nothing.
      if (day?.at === undefined) return []
      const kind = KINDS[name[0] as keyof typeof KINDS]
      const copy = {
        post_id: postId,
        user_id,
        kind,
        count: Number(day.n),
        latest_at: day.at,
        revision: Number(revision),
      }
      return [{ filter: { _id: `${postId}/${name}`, revision: { $lt: copy.revision } }, update: { $set: copy } }]
    }),
  )
  if (updates.length === 0) return
  const write = (some: typeof updates, upsert: boolean) =>
    notices.bulkWrite(
      some.map((each): AnyBulkWriteOperation<NoticeDoc> => ({ updateOne: { ...each, upsert } })),
      { ordered: false },
    )
  try {
    await write(updates, true)
  } catch (error) {
    // There is one of this or a newer revision, or one came just now that may be older.
    const again = duplicatesOf(error)
    await write(
      updates.filter((_, index) => again.has(index)),
      false,
    )
  }
}
