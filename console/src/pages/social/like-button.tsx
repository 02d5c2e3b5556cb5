import { useQueryClient } from '@tanstack/react-query'
import type { Post } from 'fanfold/client'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { formatCount } from '../../ui/format.ts'
import { replacePost } from './posts-cache.ts'
import { readPost } from './requests.ts'

/** Likes and unlikes as this user, and shows what the server counts then. */
export function LikeButton({ post, as }: { readonly post: Post; readonly as: string }) {
  const { client } = useSession()
  const queries = useQueryClient()
  const isLiked = post.liked === true
  const like = useCommand(
    async () => {
      const params = { path: { post_id: post.post_id, user_id: as } }
      if (isLiked) await client.delete('/v1/posts/{post_id}/likes/{user_id}', { params })
      else await client.put('/v1/posts/{post_id}/likes/{user_id}', { params })
      return readPost(client, post.post_id, as)
    },
    { refresh: [['social', 'likes', post.post_id]], onDone: (read) => replacePost(queries, read, as) },
  )
  return (
    <Button kind="quiet" aria-pressed={isLiked} busy={like.isPending} onClick={() => like.mutate()}>
      {isLiked ? 'Liked' : 'Like'} · {formatCount(post.like_count)}
    </Button>
  )
}
