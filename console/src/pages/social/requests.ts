import type { FanfoldClient, Post, User } from 'fanfold/client'
import { isProblem } from 'fanfold/client'

/** Posts of one request: about two screens of them. */
export const FEED_POSTS = 30

export const viewerOf = (as: string | undefined) => (as === undefined ? {} : { viewer: as })
export const cursorOf = (cursor: string | undefined) => (cursor === undefined ? {} : { cursor })

/** As the user may see it; without one nothing is hidden. */
export function readPost(
  client: FanfoldClient,
  postId: string,
  as: string | undefined,
  signal?: AbortSignal,
): Promise<Post> {
  const params = { path: { post_id: postId }, query: viewerOf(as) }
  return client.get('/v1/posts/{post_id}', signal === undefined ? { params } : { params, signal })
}

/** What a handle may be, or the beginning of one; other texts can only be ids. */
export const isHandle = (text: string): boolean => /^[A-Za-z0-9_]{1,30}$/.test(text)

/** The user with this handle or id; `undefined` when there is none. */
export async function findUser(client: FanfoldClient, text: string): Promise<User | undefined> {
  const name = text.trim().replace(/^@/, '')
  if (name === '') return undefined
  if (isHandle(name)) {
    const { items } = await client.get('/v1/users', { params: { query: { q: name, limit: 1 } } })
    if (items[0]?.handle.toLowerCase() === name.toLowerCase()) return items[0]
  }
  try {
    return await client.get('/v1/users/{user_id}', { params: { path: { user_id: name } } })
  } catch (error) {
    if (isProblem(error, 'user_not_found', 'invalid_input')) return undefined
    throw error
  }
}
