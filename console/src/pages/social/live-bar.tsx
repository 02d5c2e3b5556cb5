import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { formatCount, formatDuration } from '../../ui/format.ts'
import { Failure } from '../../ui/states.tsx'
import { type Arrivals, type Connection, countOf } from './use-arrivals.ts'

/** How the stream is doing. */
export function ConnectionBadge({ of }: { readonly of: Connection }) {
  if (of.state === 'live') return <Badge tone="ok">Live</Badge>
  if (of.state === 'stopped') return <Badge tone="bad">Stream stopped</Badge>
  if (of.state === 'waiting') return <Badge tone="warn">Reconnecting in {formatDuration(of.retryInMs)}</Badge>
  return <Badge>Connecting</Badge>
}

interface LiveBarProps {
  readonly arrivals: Arrivals
  readonly connection: Connection
  onShow(): void
  onReadAnew(): void
  onReconnect(): void
}

const posts = (count: number) => `${formatCount(count)} new ${count === 1 ? 'post' : 'posts'}`

/** What came and is not shown yet, and what keeps more from coming. */
export function LiveBar({ arrivals, connection, onShow, onReadAnew, onReconnect }: LiveBarProps) {
  const count = countOf(arrivals)
  const hasGap = arrivals.pages.some(({ gap }) => gap === true)
  return (
    <>
      <div className="live-bar" role="status">
        {count === 0 && !hasGap ? null : (
          <Button kind="primary" onClick={onShow}>
            Show {posts(count)}
          </Button>
        )}
      </div>
      {arrivals.broken === undefined ? null : (
        <div className="notice live-notice" data-tone="warn" role="alert">
          <strong>
            {arrivals.broken === 'reset' ? 'The timeline was made anew' : 'Too many new posts to hold here'}
          </strong>
          <span>
            {arrivals.broken === 'reset'
              ? 'It was rebuilt, or dropped because nobody read it. What stands below may lack posts.'
              : 'They are in the timeline, and not lost. What stands below lacks them.'}
          </span>
          <span>
            <Button onClick={onReadAnew}>Read it from the top</Button>
          </span>
        </div>
      )}
      {connection.state === 'stopped' ? (
        <div className="live-notice">
          <Failure error={connection.error} onRetry={onReconnect} />
        </div>
      ) : null}
    </>
  )
}
