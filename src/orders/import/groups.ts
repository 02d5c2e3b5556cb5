import { type FileRow, formatOf, type OnBadRow, readRows, type SourceOptions, textOf } from '../../core/file-rows.ts'
import { scanColumn } from './scan.ts'

/** Rows with the same order number, as one order. */
export interface RowGroup {
  readonly orderNumber: string
  readonly rows: readonly FileRow[]
}

/**
 * Rows of one order are put together however they are strewn, in bounded memory: a first look counts the rows by a hash
 * of their order number; in the second a bucket's orders are complete when all its rows were seen. Orders that share a
 * bucket wait for each other, which is rare and does no harm.
 */
export interface RowCounts {
  readonly rows: number
  readonly perBucket: Uint16Array
}

const BUCKETS = 1 << 23
/** A bucket with more is complete at the end of the file. */
const COUNT_MAX = 0xff_ff

/** FNV-1a (Fowler, Noll, Vo), folded to a bucket. */
function bucketOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return (hash ^ (hash >>> 23)) & (BUCKETS - 1)
}

/** The first look. Of CSV it only finds the ends of fields where it can, which is many times faster than reading them. */
export async function countRows(file: string, options: SourceOptions, numberColumn: string): Promise<RowCounts> {
  const counter = () => {
    const perBucket = new Uint16Array(BUCKETS)
    const count = (text: string) => {
      const bucket = bucketOf(text.trim())
      if (perBucket[bucket]! < COUNT_MAX) perBucket[bucket]! += 1
    }
    return { perBucket, count }
  }
  const isAscii = (options.delimiter ?? ',') < '\x80'
  if (formatOf(file, options.format) === 'csv' && isAscii) {
    const { perBucket, count } = counter()
    const rows = await scanColumn(file, options, numberColumn, count)
    if (rows !== undefined) return { rows, perBucket }
  }
  const { perBucket, count } = counter()
  let rows = 0
  for await (const batch of readRows(file, options, () => undefined)) {
    for (const row of batch.rows) count(textOf(row, numberColumn))
    rows = batch.rowsRead
  }
  return { rows, perBucket }
}

export interface GroupBatch {
  readonly groups: readonly RowGroup[]
  readonly rowsRead: number
}

/** Every order when its last row was read. */
export async function* readGroups(
  file: string,
  options: SourceOptions,
  numberColumn: string,
  { perBucket }: RowCounts,
  onBadRow: OnBadRow,
): AsyncGenerator<GroupBatch> {
  const open = new Map<number, { left: number; orders: Map<string, FileRow[]> }>()
  let lastRead = 0
  for await (const { rows, rowsRead } of readRows(file, options, onBadRow)) {
    const groups: RowGroup[] = []
    for (const row of rows) {
      const orderNumber = textOf(row, numberColumn).trim()
      const bucket = bucketOf(orderNumber)
      const count = perBucket[bucket]!
      if (count === 0) {
        // The file was changed between the two looks.
        onBadRow({ line: row.line, reason: 'stands apart from the other rows of its order', row: row.raw })
        continue
      }
      const waiting = open.get(bucket) ?? {
        left: count === COUNT_MAX ? Number.POSITIVE_INFINITY : count,
        orders: new Map(),
      }
      const own = waiting.orders.get(orderNumber)
      if (own === undefined) waiting.orders.set(orderNumber, [row])
      else own.push(row)
      waiting.left -= 1
      if (waiting.left > 0) {
        open.set(bucket, waiting)
        continue
      }
      open.delete(bucket)
      perBucket[bucket] = 0
      for (const [number, complete] of waiting.orders) groups.push({ orderNumber: number, rows: complete })
    }
    lastRead = rowsRead
    yield { groups, rowsRead }
  }
  const rest = [...open.values()].flatMap(({ orders }) => [...orders])
  yield { groups: rest.map(([orderNumber, rows]) => ({ orderNumber, rows })), rowsRead: lastRead }
}
