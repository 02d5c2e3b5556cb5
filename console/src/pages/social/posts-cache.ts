import type { InfiniteData, QueryClient } from '@tanstack/react-query'
import type { Post } from 'fanfold/client'

/** Every list of posts is kept under this key, so that a post that changes is changed wherever it is shown. */
export const POST_LISTS = ['social', 'posts'] as const
export const postKey = (postId: string, as: string | undefined) => ['social', 'post', postId, as] as const

/** A post without content of its own: it only passes another on. */
export const isPlainRepost = ({ content }: Post): boolean => content.text === undefined && content.media === undefined

interface PageOfPosts {
  readonly items: readonly Post[]
}

function mapLists(queries: QueryClient, map: (post: Post) => readonly Post[]): void {
  queries.setQueriesData<InfiniteData<PageOfPosts>>({ queryKey: POST_LISTS }, (data) =>
    data === undefined
      ? undefined
      : { ...data, pages: data.pages.map((page) => ({ ...page, items: page.items.flatMap(map) })) },
  )
}

/** A post was read anew, as this user may see it. */
export function replacePost(queries: QueryClient, post: Post, as: string | undefined): void {
  queries.setQueryData(postKey(post.post_id, as), post)
  mapLists(queries, (shown) => {
    if (shown.post_id === post.post_id) return [post]
    const { repost_of, reposted, ...content } = post
    return [shown.reposted?.post_id === post.post_id ? { ...shown, reposted: content } : shown]
  })
}

/** A post is gone, and with it what only passed it on. */
export function dropPost(queries: QueryClient, postId: string): void {
  mapLists(queries, (shown) => {
    return shown.post_id === postId || (shown.repost_of === postId && isPlainRepost(shown)) ? [] : [shown]
  })
}
