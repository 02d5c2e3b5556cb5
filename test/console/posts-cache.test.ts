import { type InfiniteData, QueryClient } from '@tanstack/react-query'
import { describe, expect, it } from 'vitest'
import { listsOf, postKey, replacePost } from '../../console/src/pages/social/posts-cache.ts'
import type { Post } from '../../src/client/index.ts'

type List = InfiniteData<{ readonly items: readonly Post[] }>

const post = (post_id: string, part: Partial<Post> = {}): Post => ({
  ...{ post_id, user_id: 'tess', content: { text: 'Hello' }, visibility: 'public', version: 1 },
  ...{ timestamp: '2026-03-01T12:00:00Z', like_count: 0, comment_count: 0, repost_count: 0, liked: false },
  ...part,
})
const quoteOf = (reposted: Post): Post => post('2', { user_id: 'tina', repost_of: reposted.post_id, reposted })

describe('a post that was read anew', () => {
  const queries = new QueryClient()
  const shown = (as: string | undefined) =>
    queries.getQueryData<List>([...listsOf(as), 'home', 'newest'])!.pages.flatMap(({ items }) => items)
  for (const as of ['ada', 'bob', undefined])
    queries.setQueryData<List>([...listsOf(as), 'home', 'newest'], {
      pages: [{ items: [quoteOf(post('1')), post('1')] }],
      pageParams: [undefined],
    })
  queries.setQueryData<List>([...listsOf('bob'), 'home', 'newest'], {
    pages: [{ items: [quoteOf(post('1', { liked: true })), post('1', { liked: true })] }],
    pageParams: [undefined],
  })

  it('counts for all, and is liked in the lists of who likes it', () => {
    const read = post('1', { liked: true, like_count: 2, version: 2, content: { text: 'Good evening' } })
    const common = { like_count: 2, version: 2, content: { text: 'Good evening' } }
    replacePost(queries, read, 'ada')
    expect(queries.getQueryData(postKey('1', 'ada'))).toEqual(read)
    expect(shown('ada')).toMatchObject([{ liked: false, reposted: { ...common, liked: true } }, read])
    replacePost(queries, post('1', { ...common, liked: false, like_count: 1 }), 'ada')
    expect(shown('ada')).toMatchObject([{ reposted: { liked: false } }, { liked: false, like_count: 1 }])
    for (const [as, liked] of [
      ['bob', true],
      [undefined, false],
    ] as const)
      expect(shown(as)).toMatchObject([
        { content: { text: 'Hello' }, reposted: { ...common, like_count: 1, liked } },
        { ...common, like_count: 1, liked },
      ])
  })

  it('stays hidden inside a quote from whom it was hidden', () => {
    queries.setQueryData<List>([...listsOf('bob'), 'home', 'newest'], {
      pages: [{ items: [post('2', { repost_of: '1' })] }],
      pageParams: [undefined],
    })
    replacePost(queries, post('2', { repost_of: '1', reposted: post('1'), like_count: 1 }), 'ada')
    expect(shown('bob')).toEqual([post('2', { repost_of: '1', like_count: 1 })])
  })
})
