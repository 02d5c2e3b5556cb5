import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { Post } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError, useCommand } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Async, Failure } from '../../ui/states.tsx'
import { ContentFields, contentOf, draftOf } from './content-fields.tsx'
import { replacePost } from './posts-cache.ts'
import { readPost } from './requests.ts'

/** Edits a post from the version it has now: an edit of somebody else meanwhile is not overwritten. */
export function EditPost({ post, onClose }: { readonly post: Post; onClose(): void }) {
  const { client } = useSession()
  const path = { post_id: post.post_id }
  const current = useQuery({
    queryKey: ['social', 'editing', post.post_id],
    queryFn: ({ signal }) => client.request('get', '/v1/posts/{post_id}', { params: { path }, signal }),
    // The form begins with what the post says when it opens.
    staleTime: 'static',
    gcTime: 0,
  })
  return (
    <Dialog title="Edit post" onClose={onClose}>
      <Async of={current}>{({ body, etag }) => <EditForm post={body} etag={etag} onClose={onClose} />}</Async>
    </Dialog>
  )
}

interface EditFormProps {
  readonly post: Post
  readonly etag: string | undefined
  onClose(): void
}

function EditForm({ post, etag, onClose }: EditFormProps) {
  const { client } = useSession()
  const queries = useQueryClient()
  const [draft, setDraft] = useState(() => draftOf(post.content))
  const { post_id, user_id } = post
  const edit = useCommand(
    async () => {
      const body = { content: contentOf(draft) }
      await client.patch('/v1/posts/{post_id}', { params: { path: { post_id } }, body, ifMatch: etag })
      return readPost(client, post_id, user_id)
    },
    {
      isQuiet: true,
      done: 'Edited',
      refresh: [['social', 'versions', post_id]],
      onDone: (read) => {
        replacePost(queries, read, user_id)
        onClose()
      },
    },
  )
  return (
    <form
      className="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        edit.mutate()
      }}
    >
      <ContentFields label="Text" draft={draft} error={edit.error} onChange={setDraft} />
      {edit.error === null || fieldError(edit.error, '/content') !== undefined ? null : <Failure error={edit.error} />}
      <div className="row">
        <Button type="submit" kind="primary" busy={edit.isPending}>
          Save as version {post.version + 1}
        </Button>
        <Button onClick={onClose}>Cancel</Button>
      </div>
    </form>
  )
}
