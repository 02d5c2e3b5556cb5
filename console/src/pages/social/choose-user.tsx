import type { User } from 'fanfold/client'
import { Link, useSearchParams } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Card } from '../../ui/card.tsx'
import { Field } from '../../ui/field.tsx'
import { ListTable } from '../../ui/list-table.tsx'
import { Page } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { userAddress } from './addresses.ts'
import { recentUsers } from './recent-users.ts'
import { cursorOf } from './requests.ts'
import { useSettled } from './use-settled.ts'

const COLUMNS: readonly Column<User>[] = [
  {
    header: 'Handle',
    cell: ({ user_id, handle }) => <Link href={userAddress(user_id)}>@{handle}</Link>,
  },
  { header: 'Name', cell: ({ name }) => name },
  { header: 'Id', cell: ({ user_id }) => <span className="mono">{user_id}</span> },
  { header: 'Created', cell: ({ created_at }) => <Time at={created_at} /> },
]

/** The way into the area: everything in it is seen and done as some user. */
export function ChooseUser() {
  const { client, key } = useSession()
  const [search, setSearch] = useSearchParams()
  const typed = search.get('q') ?? ''
  const q = useSettled(typed.trim().replace(/^@/, ''))
  const list = useList<User>(['social', 'users', q], (cursor, signal) => {
    const query = { limit: PAGE_ROWS, ...(q === '' ? {} : { q }), ...cursorOf(cursor) }
    return client.get('/v1/users', { params: { query }, signal })
  })
  const recent = recentUsers(key.key_id)
  return (
    <Page title="Social">
      <p className="soft">Choose a user to see the home timeline, write posts and follow people as this user.</p>
      {recent.length === 0 ? null : (
        <nav className="row" aria-label="Users looked at last">
          <span className="soft small">Looked at last</span>
          {recent.map((userId) => (
            <Link key={userId} className="mono" href={userAddress(userId)}>
              {userId}
            </Link>
          ))}
        </nav>
      )}
      <Card
        bare
        title="Users"
        actions={
          <Field label="Handle begins with">
            <input
              type="search"
              autoComplete="off"
              spellCheck={false}
              value={typed}
              onChange={(event) =>
                setSearch(event.target.value === '' ? {} : { q: event.target.value }, { replace: true })
              }
            />
          </Field>
        }
      >
        <ListTable
          list={list}
          label="Users"
          columns={COLUMNS}
          keyOf={({ user_id }) => user_id}
          empty={
            q === '' ? (
              <Empty title="There are no users yet">
                <p>
                  Create them with <code>POST /v1/users</code>, or fill a demo world with <code>fanfold demo</code>.
                </p>
              </Empty>
            ) : (
              <Empty title={`No handle begins with “${q}”`}>
                <p>Handles are letters, digits and underscores; try a shorter beginning.</p>
              </Empty>
            )
          }
        />
      </Card>
    </Page>
  )
}
