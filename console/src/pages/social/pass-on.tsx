import { useQueryClient } from '@tanstack/react-query'
import type { Post } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { useIdempotencyKeys } from '../../data/use-idempotency-keys.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { formatCount } from '../../ui/format.ts'
import { Compose } from './compose.tsx'
import { isPlainRepost, replacePost } from './posts-cache.ts'
import { readPost } from './requests.ts'

/** Passes a post on to this user's followers, as it is or with words of his own; of a plain repost what it passes on. */
export function PassOn({ post, as }: { readonly post: Post; readonly as: string }) {
  const { client } = useSession()
  const queries = useQueryClient()
  const [isQuoting, setQuoting] = useState(false)
  const original = isPlainRepost(post) && post.reposted !== undefined ? post.reposted : post
  const { post_id: id } = original
  const refusal = original.visibility === 'public' ? undefined : 'only public posts can be passed on'
  const recount = async () => replacePost(queries, await readPost(client, id, as), as)
  const { keyFor, forget } = useIdempotencyKeys()
  const repost = useCommand(
    () => {
      const body = { user_id: as, repost_of: id }
      return client.post('/v1/posts', { body, idempotencyKey: keyFor(body) })
    },
    {
      done: 'Passed on',
      onDone: () => {
        forget()
        void recount()
      },
    },
  )
  return (
    <>
      <Button kind="quiet" refusal={refusal} busy={repost.isPending} onClick={() => repost.mutate()}>
        Repost · {formatCount(original.repost_count)}
      </Button>
      <Button kind="quiet" refusal={refusal} onClick={() => setQuoting(true)}>
        Quote
      </Button>
      {isQuoting ? (
        <Dialog title={`Quote post ${id}`} onClose={() => setQuoting(false)}>
          <Compose
            userId={as}
            quoted={id}
            onPublished={() => {
              setQuoting(false)
              void recount()
            }}
          />
        </Dialog>
      ) : null}
    </>
  )
}
