import type { User as UserDocument } from 'fanfold/client'
import { useEffect } from 'react'
import { Link } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { Card } from '../../ui/card.tsx'
import { Page } from '../../ui/page.tsx'
import { Async, Empty } from '../../ui/states.tsx'
import { Tabs } from '../../ui/tabs.tsx'
import { userAddress } from './addresses.ts'
import { Home } from './home.tsx'
import { Notifications } from './notifications.tsx'
import { People } from './people.tsx'
import { PostList } from './post-list.tsx'
import { rememberUser } from './recent-users.ts'
import { cursorOf, FEED_POSTS } from './requests.ts'
import { Suggestions } from './suggestions.tsx'
import { useUser } from './use-user.ts'
import { UserFacts } from './user-facts.tsx'

const PARTS = {
  posts: 'Posts',
  follows: 'Follows',
  followers: 'Followers',
  suggestions: 'Suggestions',
  notifications: 'Notifications',
} as const
export type UserPart = keyof typeof PARTS
export const isUserPart = (part: string): part is UserPart => Object.hasOwn(PARTS, part)

/** All that is one user's; `part` unless it is the home timeline. */
export function User({ userId, part }: { readonly userId: string; readonly part: UserPart | undefined }) {
  const { key } = useSession()
  const user = useUser(userId)
  const { data } = user
  useEffect(() => {
    if (data !== undefined) rememberUser(key.key_id, data.user_id)
  }, [data, key.key_id])
  const tabs = Object.entries(PARTS).map(([path, name]) => [userAddress(userId, path), name] as const)
  return (
    <Page
      title={data?.name ?? userId}
      mark={data === undefined ? null : <span className="soft mono">@{data.handle}</span>}
      actions={<Link href="/">Choose another user</Link>}
    >
      <Async of={user}>
        {(found) => (
          <>
            <Tabs label={`Parts of ${found.name}`} of={[[userAddress(userId), 'Home timeline'], ...tabs]} />
            {part === undefined ? <Home key={userId} user={found} /> : <Part key={userId} user={found} part={part} />}
          </>
        )}
      </Async>
    </Page>
  )
}

function Part({ user, part }: { readonly user: UserDocument; readonly part: UserPart }) {
  const { user_id } = user
  switch (part) {
    case 'posts':
      return (
        <div className="social-split">
          <div className="social-side">
            <UserFacts user={user} />
          </div>
          <Profile userId={user_id} as={user_id} />
        </div>
      )
    case 'follows':
    case 'followers':
      return <People key={part} userId={user_id} list={part} />
    case 'suggestions':
      return <Suggestions userId={user_id} />
    case 'notifications':
      return <Notifications userId={user_id} />
  }
}

/** The posts of a user, as another one may see them. */
export function Profile({ userId, as }: { readonly userId: string; readonly as: string }) {
  const { client } = useSession()
  return (
    <Card bare title={userId === as ? 'Posts' : `Posts, as ${as} may see them`}>
      <PostList
        label={`Posts of ${userId}`}
        of={['profile', userId]}
        as={as}
        fetchPage={(cursor, signal) => {
          const query = { limit: FEED_POSTS, viewer: as, ...cursorOf(cursor) }
          return client.get('/v1/users/{user_id}/posts', { params: { path: { user_id: userId }, query }, signal })
        }}
        empty={
          <Empty title="No posts to see">
            <p>
              {userId} has published none, or none that {as} may see.
            </p>
          </Empty>
        }
      />
    </Card>
  )
}
