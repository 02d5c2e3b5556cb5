import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useRef } from 'react'
import { Button } from './button.tsx'
import { Failure } from './states.tsx'

const ROW_PX = 38
/** Rows of the next page are asked for when so many are left below. */
const AHEAD_ROWS = 20

export interface Column<Row> {
  readonly header: string
  readonly cell: (row: Row) => ReactNode
  /** Numbers stand at the right. */
  readonly isNumber?: boolean
}

export interface TableProps<Row> {
  /** What the table holds, for screen readers. */
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly isSelected?: (row: Row) => boolean
  /** As high as the window lets it be: what the page is about. */
  readonly tall?: boolean
  /** Shown when there are no rows. */
  readonly empty: ReactNode
  /** More pages behind the rows: see `useList`. */
  readonly more?: {
    readonly hasNextPage: boolean
    readonly isFetchingNextPage: boolean
    readonly error: unknown
    fetchNextPage(): unknown
  }
}

/** A table of any length: only the rows in sight are in the document, and the next page is fetched when its end is near. */
export function Table<Row>({ label, columns, rows, keyOf, isSelected, tall, empty, more }: TableProps<Row>) {
  const frame = useRef<HTMLElement>(null)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
  })
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (more === undefined || !more.hasNextPage || more.isFetchingNextPage || more.error !== null) return
    if (rows.length > 0 && last >= rows.length - AHEAD_ROWS) void more.fetchNextPage()
  }, [last, rows.length, more])
  if (rows.length === 0) return empty
  const before = items[0]?.start ?? 0
  const after = virtual.getTotalSize() - (items.at(-1)?.end ?? 0)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="table-frame" data-tall={tall || undefined} ref={frame} tabIndex={0} aria-label={label}>
      <table className="table" aria-rowcount={more?.hasNextPage === true ? -1 : rows.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(({ header, isNumber }) => (
              <th key={header} scope="col" className={isNumber === true ? 'number' : undefined}>
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 ? <Spacer px={before} columns={columns.length} /> : null}
          {items.map(({ index, key }) => {
            const row = rows[index]!
            return (
              <tr
                key={keyOf(row) ?? String(key)}
                ref={virtual.measureElement}
                data-index={index}
                aria-rowindex={index + 2}
                aria-selected={isSelected?.(row) === true || undefined}
              >
                {columns.map(({ header, cell, isNumber }) => (
                  <td key={header} className={isNumber === true ? 'number' : undefined}>
                    {cell(row)}
                  </td>
                ))}
              </tr>
            )
          })}
          {after > 0 ? <Spacer px={after} columns={columns.length} /> : null}
        </tbody>
      </table>
      {more === undefined ? null : <Foot more={more} shown={rows.length} />}
    </section>
  )
}

function Spacer({ px, columns }: { readonly px: number; readonly columns: number }) {
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a row takes no focus
    <tr className="table-spacer" aria-hidden="true">
      <td colSpan={columns} style={{ height: px }} />
    </tr>
  )
}

function Foot({ more, shown }: { readonly more: NonNullable<TableProps<never>['more']>; readonly shown: number }) {
  if (more.error !== null) return <Failure error={more.error} onRetry={() => void more.fetchNextPage()} />
  return (
    <div className="table-foot">
      {more.isFetchingNextPage ? (
        'Loading more …'
      ) : more.hasNextPage ? (
        <Button kind="quiet" onClick={() => void more.fetchNextPage()}>
          {shown} shown; load more
        </Button>
      ) : (
        `${shown} in all`
      )}
    </div>
  )
}
