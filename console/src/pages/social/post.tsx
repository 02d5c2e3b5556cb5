import { useQuery } from '@tanstack/react-query'
import { useLocation, useSearchParams } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Page } from '../../ui/page.tsx'
import { Async } from '../../ui/states.tsx'
import { personAddress } from './addresses.ts'
import { Comments } from './comments.tsx'
import { Explanation } from './explanation.tsx'
import { FanoutProgress } from './fanout-progress.tsx'
import { Likes } from './likes.tsx'
import { PostCard } from './post-card.tsx'
import { postKey } from './posts-cache.ts'
import { readPost } from './requests.ts'
import { UserPicker } from './user-picker.tsx'
import { Versions } from './versions.tsx'

/**
 * One post: what it says, what people make of it, and how it gets to them. `?as` is who looks and acts, `?why` is who
 * should see it.
 */
export function PostPage({ postId }: { readonly postId: string }) {
  const { client } = useSession()
  const [, navigate] = useLocation()
  const [search, setSearch] = useSearchParams()
  const as = search.get('as') ?? undefined
  const post = useQuery({
    queryKey: postKey(postId, as),
    queryFn: ({ signal }) => readPost(client, postId, as, signal),
  })
  const set = (name: 'as' | 'why', userId: string | undefined) =>
    setSearch((before) => {
      const { [name]: _old, ...rest } = Object.fromEntries(before)
      return userId === undefined ? rest : { ...rest, [name]: userId }
    })
  return (
    <Page title={`Post ${postId}`}>
      <div className="split">
        <div className="stack post-page">
          <Card title="Post">
            <Async of={post}>
              {(found) => (
                <PostCard
                  post={found}
                  as={as}
                  whole
                  onDeleted={() => navigate(personAddress(as, found.user_id), { replace: true })}
                />
              )}
            </Async>
          </Card>
          {post.data === undefined || post.data.version === 1 ? null : <Versions post={post.data} as={as} />}
          {post.data === undefined ? null : <Comments postId={postId} as={as} />}
        </div>
        <div className="stack post-page">
          <Card
            title="Look and act as"
            actions={
              as === undefined ? undefined : (
                <Button kind="quiet" onClick={() => set('as', undefined)}>
                  As nobody
                </Button>
              )
            }
          >
            <p className="small soft">
              {as === undefined
                ? 'As nobody: all is shown, and nothing can be done.'
                : `As ${as}: what this user may not see is not there.`}
            </p>
            <UserPicker key={as} label="User" button="Look as" value={as} onPick={(userId) => set('as', userId)} />
          </Card>
          <Card title="Why don’t I see this post?">
            <Explanation
              postId={postId}
              userId={search.get('why') ?? undefined}
              onPick={(userId) => set('why', userId)}
            />
          </Card>
          {post.data?.repost_of === undefined || post.data.content.text !== undefined ? null : (
            <p className="small soft">
              A repost: its likes and comments are its own, not those of the post it passes on.
            </p>
          )}
          <FanoutProgress postId={postId} />
          {post.data === undefined ? null : <Likes postId={postId} as={as} />}
        </div>
      </div>
    </Page>
  )
}
