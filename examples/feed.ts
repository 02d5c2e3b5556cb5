import { createFanfold, isAppError } from 'fanfold'

/** Users, follows and posts; a home timeline read page by page. Answers the texts in the order they are shown. */
export async function main(database = 'pglite:memory'): Promise<string[]> {
  await using fanfold = await createFanfold({ database })
  const { social } = fanfold

  for (const user_id of ['ada', 'bob', 'cyd']) await social.createUser({ user_id, handle: user_id, name: user_id })
  await social.follow('cyd', 'ada')
  await social.follow('cyd', 'bob')

  // The same key publishes once, however often it is sent.
  const first = await social.publish({ user_id: 'ada', content: { text: 'one' } }, { idempotencyKey: 'post-1' })
  const again = await social.publish({ user_id: 'ada', content: { text: 'one' } }, { idempotencyKey: 'post-1' })
  if (first.post_id !== again.post_id) throw new Error('published twice')
  await social.publish({ user_id: 'bob', content: { text: 'two' } })
  await social.publish({
    user_id: 'ada',
    content: { text: 'three', media: [{ url: 'https://cdn.example/cat.jpg', type: 'image', alt: 'A cat' }] },
  })
  await social.like(first.post_id, 'cyd')

  // Posts reach followers in the background; a program that can't wait for the next read waits here.
  await fanfold.caughtUp()

  const texts: string[] = []
  let cursor: string | undefined
  do {
    const page = await social.timeline('cyd', { limit: 2, cursor })
    texts.push(...page.items.map((post) => post.content.text ?? ''))
    cursor = page.next_cursor
  } while (cursor !== undefined)

  try {
    await social.follow('cyd', 'cyd')
  } catch (error) {
    if (!isAppError(error, 'self_reference')) throw error
  }
  return texts
}

if (process.argv[1] === import.meta.filename) console.log((await main()).join('\n'))
