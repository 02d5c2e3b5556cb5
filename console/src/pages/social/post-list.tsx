import type { Post } from 'fanfold/client'
import type { ReactNode } from 'react'
import { asQuestion, type ListPage, useList } from '../../data/use-list.ts'
import { Async } from '../../ui/states.tsx'
import { Feed } from './feed.tsx'
import { PostCard } from './post-card.tsx'
import { listsOf } from './posts-cache.ts'

export const labelOfPost = (post: Post): string => `Post of ${post.user_id}`

interface PostListProps {
  readonly label: string
  /** What the list is of, beside the user who looks. */
  readonly of: readonly string[]
  readonly as: string | undefined
  readonly fetchPage: (cursor: string | undefined, signal: AbortSignal) => Promise<ListPage<Post>>
  readonly empty: ReactNode
}

/** Posts by cursor: a profile, or a hashtag. */
export function PostList({ label, of, as, fetchPage, empty }: PostListProps) {
  const list = useList([...listsOf(as), ...of], fetchPage)
  return (
    <Async of={asQuestion(list)}>
      {(posts) => (
        <Feed
          label={label}
          entries={posts}
          keyOf={(post) => post.post_id}
          labelOf={labelOfPost}
          empty={empty}
          more={list.more}
        >
          {(post) => <PostCard post={post} as={as} />}
        </Feed>
      )}
    </Async>
  )
}
