import { useQuery } from '@tanstack/react-query'
import type { Fanout } from 'fanfold/client'
import { LIVE_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Card, Facts } from '../../ui/card.tsx'
import { formatCount, formatDuration } from '../../ui/format.ts'
import { Async } from '../../ui/states.tsx'
import { Time } from '../../ui/values.tsx'

const TONES = { pending: 'plain', running: 'info', done: 'ok' } as const

const MODES: Record<Fanout['mode'], string> = {
  push: 'The queue writes it to the timelines of the followers.',
  pull: 'It is merged in when timelines are read: its author has very many active followers, or posts in a burst.',
}

const LANES = {
  small: 'small: few followers, ahead of large fan-outs',
  bulk: 'bulk: many followers, chunk by chunk behind the small ones',
}

/** How far a post is on its way to the followers; live until it is there. */
export function FanoutProgress({ postId }: { readonly postId: string }) {
  const { client } = useSession()
  const fanout = useQuery({
    queryKey: ['social', 'fanout', postId],
    queryFn: ({ signal }) =>
      client.get('/v1/posts/{post_id}/fanout', { params: { path: { post_id: postId } }, signal }),
    refetchInterval: ({ state }) => (state.data === undefined || state.data.state === 'done' ? false : LIVE_MS),
  })
  const { data } = fanout
  return (
    <Card
      title="Fan-out"
      actions={data === undefined ? undefined : <Badge tone={TONES[data.state]}>{data.state}</Badge>}
    >
      <Async of={fanout}>
        {(found) => (
          <>
            <p>
              <strong>{found.mode}</strong> <span className="soft">{MODES[found.mode]}</span>
            </p>
            {found.mode === 'push' ? <Followers of={found} /> : null}
            <Facts of={factsOf(found)} />
          </>
        )}
      </Async>
    </Card>
  )
}

function factsOf({ mode, lane, chunks_done, chunks_planned, published_at, done_at, staleness_ms }: Fanout) {
  const isWhole = chunks_planned === 0 || (chunks_planned === null && done_at !== null)
  const chunks =
    chunks_planned === null
      ? `${formatCount(chunks_done)} done, not all planned yet`
      : `${formatCount(chunks_done)} of ${formatCount(chunks_planned)} done`
  const way = [
    ['Lane', lane === null ? 'not planned yet' : LANES[lane]],
    ['Chunks', isWhole ? 'none: it went out in one piece' : chunks],
  ] as const
  return [
    ...(mode === 'push' ? way : []),
    ['Published', <Time key="published" at={published_at} seconds />],
    ['Done', done_at === null ? 'not yet' : <Time key="done" at={done_at} seconds />],
    [
      'Staleness',
      staleness_ms === null ? 'known when it is done' : `${formatDuration(staleness_ms)} to the last delivery`,
    ],
  ] as const
}

/** Scanned = delivered + inactive + duplicate, as one bar; the numbers stand beside it. */
function Followers({ of: { scanned, delivered, inactive, duplicate, state } }: { readonly of: Fanout }) {
  if (scanned === 0)
    return (
      <p className="soft">{state === 'done' ? 'There were no followers to serve.' : 'No follower looked at yet.'}</p>
    )
  const parts = [
    ['delivered', delivered, 'timelines that got it'],
    ['inactive', inactive, 'nobody read their timeline for long; it is built when they come back'],
    ['duplicate', duplicate, 'timelines that had it already'],
  ] as const
  const words = parts.map(([name, count]) => `${formatCount(count)} ${name}`).join(', ')
  return (
    <div className="stack">
      <p>
        <strong>{formatCount(scanned)}</strong> followers scanned
      </p>
      <div className="fanout-bar" role="img" aria-label={`${formatCount(scanned)} scanned: ${words}`}>
        {parts.map(([name, count]) =>
          count === 0 ? null : <span key={name} data-part={name} style={{ flexGrow: count }} />,
        )}
      </div>
      <dl className="fanout-parts">
        {parts.map(([name, count, meaning]) => (
          <div key={name}>
            <dt>
              <span className="fanout-key" data-part={name} /> {name}
            </dt>
            <dd className="number">{formatCount(count)}</dd>
            <dd className="small soft">{meaning}</dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
