import type { FollowEntry } from 'fanfold/client'
import { Link } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Card } from '../../ui/card.tsx'
import { ListTable } from '../../ui/list-table.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { personAddress } from './addresses.ts'
import { cursorOf } from './requests.ts'

const LISTS = {
  follows: { title: 'Follows', path: '/v1/users/{user_id}/follows', empty: 'follows nobody yet' },
  followers: { title: 'Followers', path: '/v1/users/{user_id}/followers', empty: 'has no followers yet' },
} as const

/** Whom a user follows, or who follows him. */
export function People({ userId, list: which }: { readonly userId: string; readonly list: keyof typeof LISTS }) {
  const { client } = useSession()
  const { title, path, empty } = LISTS[which]
  const list = useList<FollowEntry>(['social', which, userId], (cursor, signal) => {
    const params = { path: { user_id: userId }, query: { limit: PAGE_ROWS, ...cursorOf(cursor) } }
    return client.get(path, { params, signal })
  })
  const columns: readonly Column<FollowEntry>[] = [
    {
      header: 'Id',
      cell: ({ user_id }) => (
        <Link className="mono" href={personAddress(userId, user_id)}>
          {user_id}
        </Link>
      ),
    },
    { header: 'Name', cell: ({ name }) => name },
    { header: 'Handle', cell: ({ handle }) => `@${handle}` },
    { header: 'Since', cell: ({ since }) => <Time at={since} /> },
  ]
  return (
    <Card bare title={title}>
      <ListTable
        list={list}
        label={title}
        columns={columns}
        keyOf={({ user_id }) => user_id}
        empty={
          <Empty title={`${userId} ${empty}`}>
            <Link href={`/${userId}/suggestions`}>See suggestions</Link>
          </Empty>
        }
      />
    </Card>
  )
}
