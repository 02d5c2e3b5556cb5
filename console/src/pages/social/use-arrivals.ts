import type { ConnectionEvent, TimelineEvent, TimelinePage } from 'fanfold/client'
import { useCallback, useEffect, useRef, useState } from 'react'
import { useSession } from '../../data/session.tsx'

/** Posts that wait to be shown; when more came, the timeline is read anew instead. */
const WAITING_MAX = 500

export type Connection =
  | { readonly state: 'connecting' | 'live' }
  | { readonly state: 'waiting'; readonly retryInMs: number; readonly attempt: number }
  | { readonly state: 'stopped'; readonly error: unknown }

/** What came and is not shown yet: pages for the front of the timeline, the newest first. */
export interface Arrivals {
  readonly pages: readonly TimelinePage[]
  /** Why what is shown can't be continued: it must be read anew. */
  readonly broken: 'reset' | 'too-many' | undefined
}

const NONE: Arrivals = { pages: [], broken: undefined }

export const countOf = ({ pages }: Arrivals): number => pages.reduce((sum, { items }) => sum + items.length, 0)

function withEvent(arrivals: Arrivals, event: TimelineEvent, isShown: (postId: string) => boolean): Arrivals {
  const [front, ...rest] = arrivals.pages
  switch (event.type) {
    case 'position':
      return arrivals
    case 'reset':
      return { pages: [], broken: 'reset' }
    case 'gap': {
      const { next_cursor, newer_token } = event
      const gap: TimelinePage = { items: [], gap: true, next_cursor, newer_token }
      // A gap is told again until something behind it was received.
      const isSame = front?.gap === true && front.items.length === 0
      return { ...arrivals, pages: isSame ? [gap, ...rest] : [gap, ...arrivals.pages] }
    }
    case 'post': {
      const { post, newer_token } = event
      const isWaiting = arrivals.pages.some(({ items }) => items.some(({ post_id }) => post_id === post.post_id))
      if (isWaiting || isShown(post.post_id)) return arrivals
      if (countOf(arrivals) >= WAITING_MAX) return { pages: [], broken: 'too-many' }
      return { ...arrivals, pages: [{ ...front, items: [post, ...(front?.items ?? [])], newer_token }, ...rest] }
    }
  }
}

const connectionOf = (event: ConnectionEvent): Connection =>
  event.type === 'open' ? { state: 'live' } : { state: 'waiting', retryInMs: event.retryInMs, attempt: event.attempt }

/**
 * The stream of a home timeline, from where its pages begin. `shown` answers the pages that are shown; a change of
 * `generation` means that they were read anew.
 */
export function useArrivals(
  userId: string,
  shown: () => readonly TimelinePage[] | undefined,
  generation: number | undefined,
) {
  const { client } = useSession()
  const [arrivals, setArrivals] = useState(NONE)
  // As it is at this moment; what is shown may be a little behind.
  const now = useRef(NONE)
  const change = useCallback((map: (before: Arrivals) => Arrivals) => {
    now.current = map(now.current)
    setArrivals(now.current)
  }, [])
  const [connection, setConnection] = useState<Connection>({ state: 'connecting' })
  const [tries, setTries] = useState(0)

  // biome-ignore lint/correctness/useExhaustiveDependencies: another generation or try is another stream
  useEffect(() => {
    if (generation === undefined) return
    const controller = new AbortController()
    const { signal } = controller
    const isShown = (postId: string) =>
      shown()?.some(({ items }) => items.some(({ post_id }) => post_id === postId)) ?? false
    change(() => NONE)
    setConnection({ state: 'connecting' })
    async function listen(): Promise<void> {
      for await (const event of client.timelineStream(userId, { newer: shown()?.[0]?.newer_token, signal })) {
        if (signal.aborted) return
        if (event.type === 'open' || event.type === 'waiting') setConnection(connectionOf(event))
        else change((before) => (before.broken === undefined ? withEvent(before, event, isShown) : before))
      }
    }
    listen().catch((error: unknown) => {
      if (!signal.aborted) setConnection({ state: 'stopped', error })
    })
    return () => controller.abort()
  }, [client, userId, shown, generation, tries, change])

  /** Hands over what waits. */
  const take = useCallback(() => {
    const { pages } = now.current
    change((before) => ({ ...before, pages: [] }))
    return pages
  }, [change])
  const reconnect = useCallback(() => setTries((before) => before + 1), [])
  return { arrivals, connection, take, reconnect }
}
