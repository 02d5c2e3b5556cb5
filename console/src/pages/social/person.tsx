import { useQuery } from '@tanstack/react-query'
import type { Relations } from 'fanfold/client'
import { Link } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Card } from '../../ui/card.tsx'
import { Page } from '../../ui/page.tsx'
import { Async } from '../../ui/states.tsx'
import { userAddress } from './addresses.ts'
import { RelationActions } from './relation-actions.tsx'
import { useUser } from './use-user.ts'
import { Profile } from './user.tsx'
import { UserFacts } from './user-facts.tsx'

/** One user as another one meets him: how they stand to each other, and what there is to see. */
export function Person({ userId, otherId }: { readonly userId: string; readonly otherId: string }) {
  const { client, can } = useSession()
  const other = useUser(otherId)
  const relations = useQuery({
    queryKey: ['social', 'relations', userId, otherId],
    queryFn: ({ signal }) =>
      client.get('/v1/users/{user_id}/relations/{other_id}', {
        params: { path: { user_id: userId, other_id: otherId } },
        signal,
      }),
  })
  return (
    <Page
      title={other.data?.name ?? otherId}
      mark={other.data === undefined ? null : <span className="soft mono">@{other.data.handle}</span>}
      actions={
        <>
          <Link href={userAddress(userId)}>Home of {userId}</Link>
          <Link href={userAddress(otherId)}>Home of {otherId}</Link>
        </>
      }
    >
      <Async of={other}>
        {(user) => (
          <div className="social-split">
            <div className="social-side stack">
              <Card title={`${userId} and ${otherId}`}>
                <Async of={relations}>
                  {(known) => (
                    <>
                      <Standing of={known} userId={userId} otherId={otherId} />
                      {can('social') ? <RelationActions userId={userId} otherId={otherId} relations={known} /> : null}
                    </>
                  )}
                </Async>
              </Card>
              <UserFacts user={user} title={`About ${otherId}`} />
            </div>
            <Profile userId={otherId} as={userId} />
          </div>
        )}
      </Async>
    </Page>
  )
}

function Standing({
  of,
  userId,
  otherId,
}: {
  readonly of: Relations
  readonly userId: string
  readonly otherId: string
}) {
  const facts = [
    [`${userId} follows`, of.follows, 'ok'],
    [`${otherId} follows`, of.followed_by, 'ok'],
    [`${userId} mutes`, of.mutes, 'warn'],
    [`${userId} blocks`, of.blocks, 'bad'],
    [`${otherId} blocks`, of.blocked_by, 'bad'],
  ] as const
  return (
    <dl className="standing">
      {facts.map(([term, is, tone]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>
            <Badge tone={is ? tone : 'plain'}>{is ? 'yes' : 'no'}</Badge>
          </dd>
        </div>
      ))}
    </dl>
  )
}
