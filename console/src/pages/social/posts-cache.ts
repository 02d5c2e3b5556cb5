import type { InfiniteData, QueryClient } from '@tanstack/react-query'
import type { Post } from 'fanfold/client'

type Viewer = string | undefined

/** Every list of posts is kept under this key, so that a post that changes is changed wherever it is shown. */
export const POST_LISTS = ['social', 'posts'] as const
/** The lists as this user sees them. */
export const listsOf = (as: Viewer) => [...POST_LISTS, as] as const
export const postKey = (postId: string, as: Viewer) => ['social', 'post', postId, as] as const

/** A post without content of its own: it only passes another on. */
export const isPlainRepost = ({ content }: Post): boolean => content.text === undefined && content.media === undefined

interface PageOfPosts {
  readonly items: readonly Post[]
}

function mapLists(queries: QueryClient, map: (post: Post, viewer: Viewer) => readonly Post[]): void {
  for (const [key] of queries.getQueriesData({ queryKey: POST_LISTS })) {
    const viewer = key[POST_LISTS.length] as Viewer
    queries.setQueryData<InfiniteData<PageOfPosts>>(key, (data) =>
      data === undefined
        ? undefined
        : {
            ...data,
            pages: data.pages.map((page) => ({ ...page, items: page.items.flatMap((post) => map(post, viewer)) })),
          },
    )
  }
}

/** A post was read anew, as this user may see it; in the lists of others stays what is theirs of it. */
export function replacePost(queries: QueryClient, post: Post, as: Viewer): void {
  queries.setQueryData(postKey(post.post_id, as), post)
  const { liked, repost_of, reposted, ...common } = post
  mapLists(queries, (shown, viewer) => {
    const isSame = viewer === as
    if (shown.post_id === post.post_id) return [isSame ? post : { ...shown, ...common }]
    if (shown.reposted?.post_id !== post.post_id) return [shown]
    const inner = { ...shown.reposted, ...common }
    return [{ ...shown, reposted: isSame && liked !== undefined ? { ...inner, liked } : inner }]
  })
}

/** A post is gone, and with it what only passed it on. */
export function dropPost(queries: QueryClient, postId: string): void {
  mapLists(queries, (shown) => {
    return shown.post_id === postId || (shown.repost_of === postId && isPlainRepost(shown)) ? [] : [shown]
  })
}
