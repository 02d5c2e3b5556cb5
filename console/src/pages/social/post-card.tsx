import type { Post } from 'fanfold/client'
import { Link } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { Badge } from '../../ui/badge.tsx'
import { formatCount } from '../../ui/format.ts'
import { Time } from '../../ui/values.tsx'
import { postAddress } from './addresses.ts'
import { LikeButton } from './like-button.tsx'
import { OwnPost } from './own-post.tsx'
import { PassOn } from './pass-on.tsx'
import { PersonLink } from './person-link.tsx'
import { PostText } from './post-text.tsx'

interface PostCardProps {
  readonly post: Post
  /** The user who looks and acts; without one nothing can be done. */
  readonly as: string | undefined
  /** On its own page a post is shown in full, and does not lead to itself. */
  readonly whole?: boolean
  readonly onDeleted?: () => void
}

type Shown = Omit<Post, 'reposted'>

function Byline({
  post,
  as,
  linked,
}: {
  readonly post: Shown
  readonly as: string | undefined
  readonly linked: boolean
}) {
  return (
    <div className="post-byline">
      <PersonLink userId={post.user_id} as={as} />
      {post.visibility === 'followers' ? <Badge tone="info">followers</Badge> : null}
      {post.edited_at === undefined ? null : <Badge>edited, version {post.version}</Badge>}
      <span className="soft small post-time">
        {linked ? (
          <Link href={postAddress(post.post_id, as)}>
            <Time at={post.timestamp} />
          </Link>
        ) : (
          <Time at={post.timestamp} seconds />
        )}
      </span>
    </div>
  )
}

/** A post with what its reader may do. */
export function PostCard({ post, as, whole = false, onDeleted }: PostCardProps) {
  const { can } = useSession()
  const { reposted } = post
  const mayAct = as !== undefined && can('social')
  return (
    <div className="post">
      <Byline post={post} as={as} linked={!whole} />
      <PostText post={post} as={as} whole={whole} />
      {post.repost_of === undefined ? null : reposted === undefined ? (
        <p className="soft small">Passes on post {post.repost_of}, which is gone or not for this user.</p>
      ) : (
        <div className="post-inner">
          <Byline post={reposted} as={as} linked />
          <PostText post={reposted} as={as} whole={false} />
        </div>
      )}
      <div className="post-actions">
        {mayAct ? (
          <LikeButton post={post} as={as} />
        ) : (
          <span className="soft">Likes {formatCount(post.like_count)}</span>
        )}
        {whole ? (
          <span className="soft">Comments {formatCount(post.comment_count)}</span>
        ) : (
          <Link className="button" data-kind="quiet" href={postAddress(post.post_id, as)}>
            Comments · {formatCount(post.comment_count)}
          </Link>
        )}
        {mayAct ? (
          <PassOn post={post} as={as} />
        ) : (
          <span className="soft">Reposts {formatCount(post.repost_count)}</span>
        )}
        {mayAct && post.user_id === as ? (
          <span className="post-own">
            <OwnPost post={post} onDeleted={onDeleted} />
          </span>
        ) : null}
      </div>
    </div>
  )
}
