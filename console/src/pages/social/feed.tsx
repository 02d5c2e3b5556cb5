import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { Button } from '../../ui/button.tsx'
import { Failure } from '../../ui/states.tsx'

const ENTRY_PX = 150
/** The next page is asked for when so many entries are left below. */
const AHEAD = 6

interface FeedProps<Entry> {
  readonly label: string
  readonly entries: readonly Entry[]
  readonly keyOf: (entry: Entry) => string
  readonly labelOf: (entry: Entry) => string
  readonly children: (entry: Entry) => ReactNode
  /** Shown when there is nothing. */
  readonly empty: ReactNode
  readonly more: {
    readonly hasNextPage: boolean
    readonly isFetchingNextPage: boolean
    readonly error: unknown
    fetchNextPage(): unknown
  }
}

/** Where the focus goes when the button that had it is gone. */
export function focusFeed(): void {
  document.querySelector<HTMLElement>('[data-feed]')?.focus({ preventScroll: true })
}

/** Posts of any number in the scroll of the page: only those in sight are in the document. */
export function Feed<Entry>({ label, entries, keyOf, labelOf, children, empty, more }: FeedProps<Entry>) {
  const box = useRef<HTMLDivElement>(null)
  const [offset, setOffset] = useState(0)
  // What stands above may grow and shrink.
  useLayoutEffect(() => {
    const measure = () => setOffset(box.current === null ? 0 : box.current.getBoundingClientRect().top + window.scrollY)
    measure()
    const watcher = new ResizeObserver(measure)
    watcher.observe(document.body)
    return () => watcher.disconnect()
  }, [])
  const virtual = useWindowVirtualizer({
    count: entries.length,
    estimateSize: () => ENTRY_PX,
    overscan: 6,
    scrollMargin: offset,
    getItemKey: (index) => keyOf(entries[index]!),
  })
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (!more.hasNextPage || more.isFetchingNextPage || more.error !== null) return
    if (last >= entries.length - AHEAD) void more.fetchNextPage()
  }, [last, entries.length, more])
  if (entries.length === 0 && !more.hasNextPage) return empty
  return (
    <>
      <div
        ref={box}
        className="feed"
        role="feed"
        aria-label={label}
        aria-busy={more.isFetchingNextPage}
        data-feed
        tabIndex={-1}
        style={{ height: virtual.getTotalSize() }}
      >
        {items.map(({ index, key, start }) => {
          const entry = entries[index]!
          return (
            <article
              key={key}
              ref={virtual.measureElement}
              data-index={index}
              className="feed-entry"
              aria-label={labelOf(entry)}
              aria-posinset={index + 1}
              aria-setsize={more.hasNextPage ? -1 : entries.length}
              style={{ transform: `translateY(${start - offset}px)` }}
            >
              {children(entry)}
            </article>
          )
        })}
      </div>
      <div className="table-foot">
        {more.error !== null ? (
          <Failure error={more.error} onRetry={() => void more.fetchNextPage()} />
        ) : more.isFetchingNextPage ? (
          'Loading older posts …'
        ) : more.hasNextPage ? (
          <Button kind="quiet" onClick={() => void more.fetchNextPage()}>
            Load older posts
          </Button>
        ) : (
          'This is the end'
        )}
      </div>
    </>
  )
}
