import type { Liker } from 'fanfold/client'
import { Link } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { useList } from '../../data/use-list.ts'
import { Card } from '../../ui/card.tsx'
import { ListTable } from '../../ui/list-table.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { personAddress } from './addresses.ts'
import { cursorOf, viewerOf } from './requests.ts'

const ROWS = 50

/** Who likes a post, the newest like first. */
export function Likes({ postId, as }: { readonly postId: string; readonly as: string | undefined }) {
  const { client } = useSession()
  const list = useList<Liker>(['social', 'likes', postId, as], (cursor, signal) => {
    const query = { limit: ROWS, ...viewerOf(as), ...cursorOf(cursor) }
    return client.get('/v1/posts/{post_id}/likes', { params: { path: { post_id: postId }, query }, signal })
  })
  const columns: readonly Column<Liker>[] = [
    {
      header: 'Id',
      cell: ({ user_id }) => (
        <Link className="mono" href={personAddress(as, user_id)}>
          {user_id}
        </Link>
      ),
    },
    { header: 'Name', cell: ({ name }) => name },
    { header: 'Since', cell: ({ since }) => <Time at={since} /> },
  ]
  return (
    <Card bare title="Likes">
      <ListTable
        list={list}
        label="Likes"
        columns={columns}
        keyOf={({ user_id }) => user_id}
        empty={<Empty title="Nobody likes it yet" />}
      />
    </Card>
  )
}
