import { useQueryClient } from '@tanstack/react-query'
import type { Post } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Failure } from '../../ui/states.tsx'
import { EditPost } from './edit-post.tsx'
import { focusFeed } from './feed.tsx'
import { dropPost, isPlainRepost } from './posts-cache.ts'

interface OwnPostProps {
  readonly post: Post
  /** Where to go when it is gone; unless given it leaves the list. */
  readonly onDeleted?: (() => void) | undefined
}

/** What an author may do to a post: edit it, unless it only passes another on, and delete it. */
export function OwnPost({ post, onDeleted }: OwnPostProps) {
  const { client } = useSession()
  const queries = useQueryClient()
  const [open, setOpen] = useState<'edit' | 'delete'>()
  const close = () => setOpen(undefined)
  const isRepost = isPlainRepost(post)
  const remove = useCommand(
    () => client.delete('/v1/posts/{post_id}', { params: { path: { post_id: post.post_id } } }),
    {
      // A toast would be told behind the dialog, out of reach.
      isQuiet: open === 'delete',
      done: 'Post deleted',
      onDone: () => {
        close()
        dropPost(queries, post.post_id)
        // Not before the dialog is closed and the list is without the post.
        if (onDeleted === undefined) setTimeout(focusFeed)
        else onDeleted()
      },
    },
  )
  function askToDelete(): void {
    if (!remove.isPending) remove.reset()
    setOpen('delete')
  }
  return (
    <>
      <Button
        kind="quiet"
        refusal={isRepost ? 'a repost has no content of its own to edit' : undefined}
        onClick={() => setOpen('edit')}
      >
        Edit
      </Button>
      <Button kind="quiet" onClick={askToDelete}>
        Delete
      </Button>
      {open === 'edit' ? <EditPost post={post} onClose={close} /> : null}
      {open === 'delete' ? (
        <Dialog title="Delete this post?" onClose={close}>
          <p>It is gone for everybody at once, with its likes, comments and plain reposts. This can not be undone.</p>
          {remove.error === null ? null : <Failure error={remove.error} />}
          <div className="row">
            <Button kind="danger" busy={remove.isPending} onClick={() => remove.mutate()}>
              Delete post
            </Button>
            <Button onClick={close}>Keep it</Button>
          </div>
        </Dialog>
      ) : null}
    </>
  )
}
