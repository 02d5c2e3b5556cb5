import { useQuery } from '@tanstack/react-query'
import type { Suggestion } from 'fanfold/client'
import { Link } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { formatCount } from '../../ui/format.ts'
import { Async, Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { personAddress } from './addresses.ts'
import { useRelationsChanged } from './use-relations-changed.ts'

const SHOWN = 50

/** People whom a user might want to follow. */
export function Suggestions({ userId }: { readonly userId: string }) {
  const { client, can } = useSession()
  const changed = useRelationsChanged(userId)
  const suggestions = useQuery({
    queryKey: ['social', 'suggestions', userId],
    queryFn: ({ signal }) =>
      client.get('/v1/users/{user_id}/suggestions', {
        params: { path: { user_id: userId }, query: { limit: SHOWN } },
        signal,
      }),
  })
  const follow = useCommand(
    (followee_id: string) =>
      client.put('/v1/users/{user_id}/follows/{followee_id}', { params: { path: { user_id: userId, followee_id } } }),
    { done: 'Followed', onDone: changed },
  )
  const columns: Column<Suggestion>[] = [
    {
      header: 'User',
      cell: ({ user_id, name }) => (
        <>
          <Link className="mono" href={personAddress(userId, user_id)}>
            {user_id}
          </Link>
          <div>{name}</div>
        </>
      ),
    },
    {
      header: 'Through',
      isNumber: true,
      cell: ({ through }) => formatCount(through),
    },
  ]
  if (can('social')) {
    columns.push({
      header: 'Action',
      cell: ({ user_id, name }) => (
        <Button
          aria-label={`Follow ${name}`}
          busy={follow.isPending && follow.variables === user_id}
          onClick={() => follow.mutate(user_id)}
        >
          Follow
        </Button>
      ),
    })
  }
  return (
    <Card bare title="Suggestions">
      <p className="small soft card-note">Through: how many of those whom {userId} follows follow this one.</p>
      <Async of={suggestions}>
        {({ items }) => (
          <Table
            label="Suggestions"
            columns={columns}
            rows={items}
            keyOf={({ user_id }) => user_id}
            empty={
              <Empty title="No suggestions">
                <p>They are people whom those follow whom {userId} follows.</p>
              </Empty>
            }
          />
        )}
      </Async>
    </Card>
  )
}
