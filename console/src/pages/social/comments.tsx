import { useQueryClient } from '@tanstack/react-query'
import type { Comment } from 'fanfold/client'
import { useRef, useState } from 'react'
import { LIMITS } from '../../../../src/core/limits.ts'
import { useSession } from '../../data/session.tsx'
import { fieldError, useCommand } from '../../data/use-command.ts'
import { useIdempotencyKeys } from '../../data/use-idempotency-keys.ts'
import { useList } from '../../data/use-list.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Field } from '../../ui/field.tsx'
import { formatCount } from '../../ui/format.ts'
import { ListTable } from '../../ui/list-table.tsx'
import { Empty, Failure } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { PersonLink } from './person-link.tsx'
import { replacePost } from './posts-cache.ts'
import { cursorOf, readPost, viewerOf } from './requests.ts'

const ROWS = 50

/** The comments on a post, oldest first; a user adds some, and takes his own back. */
export function Comments({ postId, as }: { readonly postId: string; readonly as: string | undefined }) {
  const { client, can } = useSession()
  const queries = useQueryClient()
  const card = useRef<HTMLDivElement>(null)
  const mayAct = as !== undefined && can('social')
  const key = ['social', 'comments', postId]
  const list = useList<Comment>([...key, as], (cursor, signal) => {
    const query = { limit: ROWS, ...viewerOf(as), ...cursorOf(cursor) }
    return client.get('/v1/posts/{post_id}/comments', { params: { path: { post_id: postId }, query }, signal })
  })
  async function recount(): Promise<void> {
    replacePost(queries, await readPost(client, postId, as), as)
  }
  const remove = useCommand(
    (comment_id: string) => client.delete('/v1/comments/{comment_id}', { params: { path: { comment_id } } }),
    {
      refresh: [key],
      done: 'Comment deleted',
      onDone: () => {
        card.current?.focus()
        void recount()
      },
    },
  )
  const columns: Column<Comment>[] = [
    {
      header: 'Comment',
      cell: ({ user_id, text, timestamp }) => (
        <>
          <div className="post-byline">
            <PersonLink userId={user_id} as={as} />
            <span className="small soft">
              <Time at={timestamp} />
            </span>
          </div>
          <p className="post-text">{text}</p>
        </>
      ),
    },
  ]
  if (mayAct && list.rows?.some(({ user_id }) => user_id === as) === true)
    columns.push({
      header: 'Action',
      cell: ({ comment_id, user_id }) =>
        user_id === as ? (
          <Button
            kind="quiet"
            busy={remove.isPending && remove.variables === comment_id}
            onClick={() => remove.mutate(comment_id)}
          >
            Delete
          </Button>
        ) : null,
    })
  return (
    <div ref={card} tabIndex={-1}>
      <Card bare title="Comments">
        <ListTable
          list={list}
          label="Comments"
          columns={columns}
          keyOf={({ comment_id }) => comment_id}
          empty={<Empty title="No comments yet">{mayAct ? null : <p>To write one, look as a user.</p>}</Empty>}
        />
        {mayAct ? <WriteComment postId={postId} as={as} onWritten={() => void recount()} /> : null}
      </Card>
    </div>
  )
}

interface WriteCommentProps {
  readonly postId: string
  readonly as: string
  onWritten(): void
}

function WriteComment({ postId, as, onWritten }: WriteCommentProps) {
  const { client } = useSession()
  const [text, setText] = useState('')
  const { keyFor, forget } = useIdempotencyKeys()
  const write = useCommand(
    () => {
      const asks = { params: { path: { post_id: postId } }, body: { user_id: as, text } }
      return client.post('/v1/posts/{post_id}/comments', { ...asks, idempotencyKey: keyFor(asks) })
    },
    {
      isQuiet: true,
      refresh: [['social', 'comments', postId]],
      done: 'Comment added',
      onDone: () => {
        forget()
        setText('')
        onWritten()
      },
    },
  )
  const textError = fieldError(write.error, '/text')
  return (
    <form
      className="form card-body"
      onSubmit={(event) => {
        event.preventDefault()
        write.mutate()
      }}
    >
      <Field
        label={`Comment as ${as}`}
        hint={`${formatCount([...text].length)} of ${formatCount(LIMITS.commentTextCharsMax)} characters`}
        error={textError}
      >
        <textarea rows={2} value={text} onChange={(event) => setText(event.target.value)} />
      </Field>
      {write.error === null || textError !== undefined ? null : <Failure error={write.error} />}
      <div>
        <Button type="submit" busy={write.isPending}>
          Add comment
        </Button>
      </div>
    </form>
  )
}
