import type { User } from 'fanfold/client'
import { useState } from 'react'
import { useSearchParams } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Field } from '../../ui/field.tsx'
import { Async, Empty, Failure } from '../../ui/states.tsx'
import { Compose } from './compose.tsx'
import { Feed, focusFeed } from './feed.tsx'
import { ConnectionBadge, LiveBar } from './live-bar.tsx'
import { PostCard } from './post-card.tsx'
import { labelOfPost } from './post-list.tsx'
import { useArrivals } from './use-arrivals.ts'
import { type HomeEntry, type TimelineOrder, useHome } from './use-home.ts'

const keyOf = (entry: HomeEntry) => ('post' in entry ? entry.post.post_id : `gap-${entry.cursor}`)
const labelOf = (entry: HomeEntry) => ('post' in entry ? labelOfPost(entry.post) : 'Posts that are not loaded')

/** The home timeline: what is stored on demand, what comes as it comes. */
export function Home({ user }: { readonly user: User }) {
  const { can } = useSession()
  const { user_id } = user
  const [search, setSearch] = useSearchParams()
  const order: TimelineOrder = search.get('order') === 'ranked' ? 'ranked' : 'newest'
  const home = useHome(user_id, order)
  const { query, entries } = home
  const [generation, setGeneration] = useState(0)
  const live = useArrivals(user_id, home.newest, query.data === undefined ? undefined : generation)
  async function readAnew(): Promise<void> {
    window.scrollTo({ top: 0 })
    await home.readAnew()
    setGeneration((before) => before + 1)
  }
  function show(): void {
    // In a ranked timeline new posts have no place of their own: it is ranked again.
    if (order === 'ranked') return void readAnew()
    home.addFront(live.take())
    window.scrollTo({ top: 0 })
    focusFeed()
  }
  return (
    <div className="social-split">
      {can('social') ? (
        <div className="social-side">
          <Card title="Write a post">
            <Compose userId={user_id} onPublished={home.addOwn} />
          </Card>
        </div>
      ) : null}
      <Card
        bare
        title="Home timeline"
        actions={
          <>
            <ConnectionBadge of={live.connection} />
            <Field label="Order">
              <select
                value={order}
                onChange={(event) => setSearch(event.target.value === 'ranked' ? { order: 'ranked' } : {})}
              >
                <option value="newest">newest</option>
                <option value="ranked">ranked</option>
              </select>
            </Field>
            <Button onClick={() => void readAnew()}>Read anew</Button>
          </>
        }
      >
        <LiveBar
          arrivals={live.arrivals}
          connection={live.connection}
          onShow={show}
          onReadAnew={() => void readAnew()}
          onReconnect={live.reconnect}
        />
        <Async of={{ data: entries, error: query.isFetchNextPageError ? null : query.error, refetch: query.refetch }}>
          {(shown) => (
            <Feed
              label="Home timeline"
              entries={shown}
              keyOf={keyOf}
              labelOf={labelOf}
              empty={
                <Empty title="Nothing here yet">
                  <p>Posts come from people whom {user_id} follows; suggestions show whom that could be.</p>
                </Empty>
              }
              more={{
                hasNextPage: query.hasNextPage,
                isFetchingNextPage: query.isFetchingNextPage,
                error: query.isFetchNextPageError ? query.error : null,
                fetchNextPage: query.fetchNextPage,
              }}
            >
              {(entry) =>
                'post' in entry ? (
                  <PostCard post={entry.post} as={user_id} />
                ) : (
                  <Gap
                    isBusy={home.filling === entry.cursor}
                    error={home.fillError}
                    onFill={() => void home.fillGap(entry.cursor).then(focusFeed)}
                  />
                )
              }
            </Feed>
          )}
        </Async>
      </Card>
    </div>
  )
}

interface GapProps {
  readonly isBusy: boolean
  readonly error: unknown
  onFill(): void
}

function Gap({ isBusy, error, onFill }: GapProps) {
  return (
    <div className="gap">
      <strong>Posts are missing here</strong>
      <span className="small">
        More came at once than the stream tells. They are in the timeline, and not loaded yet.
      </span>
      <Button busy={isBusy} onClick={onFill}>
        Load them
      </Button>
      {error === undefined ? null : <Failure error={error} />}
    </div>
  )
}
