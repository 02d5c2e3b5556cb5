import type { Post, PostVersion } from 'fanfold/client'
import { useSession } from '../../data/session.tsx'
import { useList } from '../../data/use-list.ts'
import { Card } from '../../ui/card.tsx'
import { formatCount } from '../../ui/format.ts'
import { ListTable } from '../../ui/list-table.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { PostText } from './post-text.tsx'
import { cursorOf, viewerOf } from './requests.ts'

const ROWS = 30

/** What an edited post said before, newest first. */
export function Versions({ post, as }: { readonly post: Post; readonly as: string | undefined }) {
  const { client } = useSession()
  const { post_id, version } = post
  const list = useList<PostVersion>(['social', 'versions', post_id, version, as], (cursor, signal) => {
    const query = { limit: ROWS, ...viewerOf(as), ...cursorOf(cursor) }
    return client.get('/v1/posts/{post_id}/versions', { params: { path: { post_id }, query }, signal })
  })
  const columns: readonly Column<PostVersion>[] = [
    { header: 'Version', isNumber: true, cell: (one) => formatCount(one.version) },
    { header: 'Said', cell: ({ content }) => <PostText post={{ post_id, content }} as={as} whole /> },
    { header: 'Written', cell: ({ timestamp }) => <Time at={timestamp} /> },
    { header: 'Replaced', cell: ({ replaced_at }) => <Time at={replaced_at} /> },
  ]
  return (
    <Card bare title="Earlier versions">
      <ListTable
        list={list}
        label="Earlier versions"
        columns={columns}
        keyOf={(one) => String(one.version)}
        empty={<Empty title="No earlier versions" />}
      />
    </Card>
  )
}
