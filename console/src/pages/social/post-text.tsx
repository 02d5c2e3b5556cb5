import type { Post } from 'fanfold/client'
import { Link } from 'wouter'
import { Badge } from '../../ui/badge.tsx'
import { personAddress, postAddress, tagAddress } from './addresses.ts'

/** Longer texts end here in lists, in characters. */
const EXCERPT_CHARS = 700
const TAG = /#[\p{L}\p{M}\p{N}_]+/gu

type Said = Pick<Post, 'post_id' | 'content' | 'hashtags' | 'mentions'>

/** Text whose hashtags lead to their posts: those that the server lists the post under. */
function Linked({
  text,
  hashtags,
  as,
}: {
  readonly text: string
  readonly hashtags: Said['hashtags']
  readonly as: As
}) {
  const parts: React.ReactNode[] = []
  let at = 0
  for (const { 0: word, index } of text.matchAll(TAG)) {
    const tag = word.slice(1).normalize('NFKC').toLowerCase()
    if (hashtags?.includes(tag) !== true) continue
    parts.push(
      text.slice(at, index),
      <Link key={index} href={tagAddress(tag, as)}>
        {word}
      </Link>,
    )
    at = index + word.length
  }
  return (
    <>
      {parts}
      {text.slice(at)}
    </>
  )
}

type As = string | undefined

/** What a post says. Media are links: nothing is fetched from elsewhere. */
export function PostText({ post, as, whole }: { readonly post: Said; readonly as: As; readonly whole: boolean }) {
  const { text = '', media = [] } = post.content
  const characters = [...text]
  const isCut = !whole && characters.length > EXCERPT_CHARS
  const shown = isCut ? `${characters.slice(0, EXCERPT_CHARS).join('')} …` : text
  return (
    <>
      {text === '' ? null : (
        <p className="post-text">
          <Linked text={shown} hashtags={post.hashtags} as={as} />
          {isCut ? (
            <>
              {' '}
              <Link href={postAddress(post.post_id, as)}>Read all</Link>
            </>
          ) : null}
        </p>
      )}
      {media.length === 0 ? null : (
        <ul className="post-media" aria-label="Media">
          {media.map(({ url, type, alt }, n) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a medium may stand there twice, and they never move
            <li key={n}>
              <Badge>{type}</Badge>{' '}
              <a href={url} target="_blank" rel="noreferrer noopener">
                {alt ?? url}
              </a>
              {alt === undefined ? <span className="soft small"> without a description</span> : null}
            </li>
          ))}
        </ul>
      )}
      {post.mentions === undefined ? null : (
        <p className="soft small">
          Mentions{' '}
          {post.mentions.map((userId, n) => (
            <span key={userId}>
              {n === 0 ? '' : ', '}
              <Link className="mono" href={personAddress(as, userId)}>
                {userId}
              </Link>
            </span>
          ))}
        </p>
      )}
    </>
  )
}
