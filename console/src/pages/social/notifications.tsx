import type { Notification } from 'fanfold/client'
import { Link } from 'wouter'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { formatCount } from '../../ui/format.ts'
import { ListTable } from '../../ui/list-table.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { postAddress } from './addresses.ts'
import { PersonLink } from './person-link.tsx'
import { cursorOf } from './requests.ts'

/** What others did, with who did it and how often; marks how far it was seen. */
export function Notifications({ userId }: { readonly userId: string }) {
  const { client, can } = useSession()
  const key = ['social', 'notifications', userId]
  const list = useList<Notification>(
    key,
    (cursor, signal) => {
      const params = { path: { user_id: userId }, query: { limit: PAGE_ROWS, ...cursorOf(cursor) } }
      return client.get('/v1/users/{user_id}/notifications', { params, signal })
    },
    { refetchMs: SLOW_MS },
  )
  const newest = list.rows?.[0]
  const hasUnread = list.rows?.some(({ unread }) => unread) ?? false
  const seen = useCommand(
    (up_to: string) =>
      client.put('/v1/users/{user_id}/notifications/seen', { params: { path: { user_id: userId } }, body: { up_to } }),
    { refresh: [key], done: 'Marked as seen' },
  )
  const columns: readonly Column<Notification>[] = [
    { header: 'Kind', cell: ({ kind }) => <Badge>{kind}</Badge> },
    { header: 'Who', cell: (notification) => <Who notification={notification} userId={userId} /> },
    {
      header: 'Post',
      cell: ({ post_id }) =>
        post_id === undefined ? (
          <span className="soft">none</span>
        ) : (
          <Link className="mono" href={postAddress(post_id, userId)}>
            {post_id}
          </Link>
        ),
    },
    { header: 'Count', isNumber: true, cell: ({ count }) => formatCount(count) },
    { header: 'Latest', cell: ({ latest_at }) => <Time at={latest_at} /> },
    {
      header: 'Seen',
      cell: ({ unread }) => <Badge tone={unread ? 'info' : 'plain'}>{unread ? 'unread' : 'seen'}</Badge>,
    },
  ]
  return (
    <Card
      bare
      title="Notifications"
      actions={
        can('social') ? (
          <Button
            busy={seen.isPending}
            refusal={hasUnread ? undefined : 'nothing is unread'}
            onClick={() => (newest === undefined ? undefined : seen.mutate(newest.latest_at))}
          >
            Mark all as seen
          </Button>
        ) : undefined
      }
    >
      <ListTable
        list={list}
        label="Notifications"
        columns={columns}
        keyOf={({ kind, post_id, latest_at }) => `${kind} ${post_id} ${latest_at}`}
        empty={
          <Empty title="No notifications">
            <p>Likes, comments, reposts, mentions and follows of others stand here.</p>
          </Empty>
        }
      />
    </Card>
  )
}

function Who({ notification, userId }: { readonly notification: Notification; readonly userId: string }) {
  const { kind, actors, count } = notification
  // Comments and reposts are counted, not people.
  const others = kind === 'comment' || kind === 'repost' ? 0 : count - actors.length
  return (
    <>
      {actors.map((actor, n) => (
        <span key={actor}>
          {n === 0 ? '' : ', '}
          <PersonLink userId={actor} as={userId} />
        </span>
      ))}
      {others > 0 ? ` and ${formatCount(others)} more` : ''}
    </>
  )
}
