/** What {@link TimelineSlice.mark} may be at most. */
const MARK_CHARS_MAX = 64

const MARK = /^(\d{1,18})\.(\d{1,18})((?:\.\d{1,18})*)$/

/** A mark as the store compares by it. */
export interface Mark {
  readonly epoch: bigint
  /** The oldest transaction that was under way: whatever is older was seen, or never will be. */
  readonly xmin: bigint
  /** As PostgreSQL writes a `pg_snapshot`. */
  readonly snapshot: string
}

export const xminOf = (snapshot: string) => BigInt(snapshot.split(':')[0]!)

/**
 * Epoch and snapshot as one word: `epoch.xmin`, then the transaction behind the last one and those under way, as distances
 * from xmin. Of a snapshot with so many that they have no room xmin alone: what came behind it is then told once more.
 */
export function markOf(epoch: bigint, snapshot: string): string {
  const [xmin, xmax, running] = snapshot.split(':') as [string, string, string]
  const distances = [xmax, ...running.split(',').filter((id) => id !== '')].map((id) => BigInt(id) - BigInt(xmin))
  const mark = [epoch, xmin, ...distances].join('.')
  return mark.length <= MARK_CHARS_MAX ? mark : `${epoch}.${xmin}`
}

/** `undefined` for what is no mark; PostgreSQL would refuse it as a snapshot. */
export function parseMark(mark: string): Mark | undefined {
  const [, epoch, first, rest] = MARK.exec(mark) ?? []
  if (epoch === undefined || first === undefined) return undefined
  const xmin = BigInt(first)
  const [end = 0n, ...running] = (rest ?? '').split('.').slice(1).map(BigInt)
  const isRising = running.every((distance, index) => distance < end && distance > (running[index - 1] ?? -1n))
  if (!isRising || !isId(xmin) || !isId(xmin + end)) return undefined
  const ids = running.map((distance) => xmin + distance)
  return { epoch: BigInt(epoch), xmin, snapshot: `${xmin}:${xmin + end}:${ids.join(',')}` }
}

/** A transaction's number without its epoch is never 0. */
const isId = (id: bigint) => BigInt.asUintN(32, id) !== 0n
