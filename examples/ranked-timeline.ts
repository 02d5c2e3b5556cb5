import type { RankTimeline } from 'fanfold'
import { openSocial, type Post } from 'fanfold/social'

/** A like counts as half an hour: a post with four comes before one without that is less than two hours newer. */
const byLikes: RankTimeline<Post> = (posts) => {
  const score = (post: Post) => Date.parse(post.timestamp) + post.like_count * 30 * 60_000
  return posts.filter((post) => post.content.text !== 'spam').toSorted((a, b) => score(b) - score(a))
}

/** A timeline by time, and in the order of an own function, which also leaves something out. Answers the texts. */
export async function main(database = 'pglite:memory'): Promise<{ newest: string[]; ranked: string[] }> {
  await using fanfold = await openSocial({ database, rankTimeline: byLikes })
  const { social } = fanfold

  for (const user_id of ['ada', 'cyd']) await social.createUser({ user_id, handle: user_id, name: user_id })
  const liked = await social.publish({ user_id: 'ada', content: { text: 'liked' } })
  for (const text of ['newer', 'spam']) await social.publish({ user_id: 'ada', content: { text } })
  await social.follow('cyd', 'ada')
  await social.like(liked.post_id, 'cyd')

  const texts = async (order: 'newest' | 'ranked') =>
    (await social.timeline('cyd', { order })).items.map((post) => post.content.text ?? '')
  return { newest: await texts('newest'), ranked: await texts('ranked') }
}

if (process.argv[1] === import.meta.filename) console.log(await main())
