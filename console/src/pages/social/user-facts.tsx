import type { User } from 'fanfold/client'
import { Card, Facts } from '../../ui/card.tsx'
import { Time } from '../../ui/values.tsx'

export function UserFacts({ user, title = 'User' }: { readonly user: User; readonly title?: string }) {
  return (
    <Card title={title}>
      <Facts
        of={[
          [
            'Id',
            <span key="id" className="mono">
              {user.user_id}
            </span>,
          ],
          ['Handle', `@${user.handle}`],
          ['Name', user.name],
          ['Created', <Time key="created" at={user.created_at} />],
        ]}
      />
    </Card>
  )
}
