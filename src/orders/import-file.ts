import { createReadStream } from 'node:fs'
import { type InfoRecord, parse } from 'csv-parse'
import { AppError, messageOf } from '../core/errors.ts'
import type { OrderMapping } from './import-mapping.ts'
import { type FieldReader, type ImportRow, readRow } from './import-row.ts'

/** A row that was not taken over. */
export interface BadRow {
  /** Line of the file; the heading is line 1. */
  readonly line: number
  readonly reason: string
}

export interface ImportGroup {
  readonly orderNumber: string
  readonly rows: readonly ImportRow[]
}

interface FileRecord {
  readonly record: readonly string[]
  readonly info: InfoRecord
}

const EXPECT_ROWS_MAX = 1_000

type OnBadRow = (row: BadRow) => void

async function* records(file: string, mapping: OrderMapping, onBadRow: OnBadRow): AsyncGenerator<FileRecord> {
  const source = createReadStream(file)
  const parser = source.pipe(
    parse({
      encoding: mapping.encoding === 'latin1' ? 'latin1' : 'utf8',
      delimiter: mapping.delimiter ?? ',',
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      on_skip(error) {
        if (error !== undefined) onBadRow({ line: Number(error['lines']), reason: messageOf(error) })
        return undefined
      },
    }),
  )
  // pipe() does not hand on the failure of its source.
  source.on('error', (cause) => {
    parser.destroy(new AppError('invalid_input', `${file} can't be read: ${messageOf(cause)}`, { cause }))
  })
  try {
    for await (const entry of parser as AsyncIterable<FileRecord>) yield entry
  } finally {
    source.destroy()
    parser.destroy()
  }
}

/** Index of each mapped column; throws `invalid_input` when the heading lacks one. */
function columnIndexes(heading: readonly string[], mapping: OrderMapping): Map<string, number> {
  const indexes = new Map<string, number>()
  const missing: string[] = []
  for (const [field, name] of Object.entries(mapping.columns)) {
    const index = heading.indexOf(name)
    if (index < 0) missing.push(name)
    indexes.set(field, index)
  }
  if (missing.length > 0) {
    throw new AppError('invalid_input', `The file lacks the column(s) ${missing.map((name) => `"${name}"`).join(', ')}`)
  }
  return indexes
}

/** First look: how many rows each order has, so that the second can tell when one is complete. */
export async function countRows(
  file: string,
  mapping: OrderMapping,
): Promise<{ rows: number; byOrder: Map<string, number> }> {
  const byOrder = new Map<string, number>()
  let rows = 0
  let indexes: Map<string, number> | undefined
  let width = 0
  const unreadable: OnBadRow = () => {
    rows += 1
  }
  for await (const { record } of records(file, mapping, unreadable)) {
    if (indexes === undefined) {
      indexes = columnIndexes(record, mapping)
      width = record.length
      continue
    }
    rows += 1
    if (record.length !== width) continue
    const number = record[indexes.get('order_number')!]!.trim()
    byOrder.set(number, (byOrder.get(number) ?? 0) + 1)
  }
  if (indexes === undefined) throw new AppError('invalid_input', 'The file is empty')
  return { rows, byOrder }
}

/** Why an order's rows can't be one order. */
function disagreement(rows: readonly ImportRow[]): string | undefined {
  const [first] = rows
  for (const field of ['day', 'customerId', 'city', 'region', 'country', 'postalCode'] as const) {
    const other = rows.find((row) => row[field] !== first![field])
    if (other !== undefined) return `order ${first!.orderNumber} has both "${first![field]}" and "${other[field]}"`
  }
  if (rows.length > EXPECT_ROWS_MAX) return `order ${first!.orderNumber} has more than ${EXPECT_ROWS_MAX} rows`
  return undefined
}

/**
 * Second look: every order when its last row was read, however its rows are strewn. An order with a row that can't be
 * read is left out whole, and each of its rows is named; rows of another width than the heading are no order lines.
 */
export async function* readGroups(
  file: string,
  mapping: OrderMapping,
  byOrder: ReadonlyMap<string, number>,
  onBadRow: OnBadRow,
): AsyncGenerator<ImportGroup | undefined> {
  const open = new Map<string, { rows: ImportRow[]; bad: BadRow[] }>()
  let indexes: Map<string, number> | undefined
  let width = 0

  function finish(orderNumber: string, rows: ImportRow[], bad: BadRow[]): ImportGroup | undefined {
    if (bad.length === 0) {
      const problem = disagreement(rows)
      if (problem === undefined) return { orderNumber, rows }
      for (const row of rows) onBadRow({ line: row.fileLine, reason: problem })
      return undefined
    }
    for (const row of bad) onBadRow(row)
    for (const row of rows)
      onBadRow({ line: row.fileLine, reason: `line ${bad[0]!.line} of the same order can't be read` })
    return undefined
  }

  for await (const { record, info } of records(file, mapping, onBadRow)) {
    if (indexes === undefined) {
      indexes = columnIndexes(record, mapping)
      width = record.length
      continue
    }
    const line = info.lines
    if (record.length !== width) {
      onBadRow({ line, reason: `has ${record.length} columns, not ${width}` })
      yield undefined
      continue
    }
    const read: FieldReader = (field) => record[indexes!.get(field)!]!
    const orderNumber = read('order_number').trim()
    const group = open.get(orderNumber) ?? { rows: [], bad: [] }
    open.set(orderNumber, group)
    const row = readRow(read, mapping, line)
    if (typeof row === 'string') group.bad.push({ line, reason: row })
    else group.rows.push(row)
    const complete = group.rows.length + group.bad.length === byOrder.get(orderNumber)
    if (complete) open.delete(orderNumber)
    yield complete ? finish(orderNumber, group.rows, group.bad) : undefined
  }
}
