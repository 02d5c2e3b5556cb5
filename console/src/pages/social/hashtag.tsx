import { useSearchParams } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { Card } from '../../ui/card.tsx'
import { Page } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import { PostList } from './post-list.tsx'
import { cursorOf, FEED_POSTS, viewerOf } from './requests.ts'

/** Public posts with a hashtag, as the user of `?as` may see them. */
export function Hashtag({ tag }: { readonly tag: string }) {
  const { client } = useSession()
  const [search] = useSearchParams()
  const as = search.get('as') ?? undefined
  return (
    <Page title={`#${tag}`}>
      <Card bare title={as === undefined ? 'Public posts' : `Public posts, as ${as} may see them`}>
        <PostList
          label={`Posts with #${tag}`}
          of={['tag', tag]}
          as={as}
          fetchPage={(cursor, signal) => {
            const query = { limit: FEED_POSTS, ...viewerOf(as), ...cursorOf(cursor) }
            return client.get('/v1/hashtags/{tag}/posts', { params: { path: { tag }, query }, signal })
          }}
          empty={
            <Empty title={`No post with #${tag} to see`}>
              <p>Posts for followers are not listed under their hashtags.</p>
            </Empty>
          }
        />
      </Card>
    </Page>
  )
}
