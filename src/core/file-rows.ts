import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { type InfoRecord, parse } from 'csv-parse'
import { AppError, messageOf } from './errors.ts'

export const IMPORT_FORMATS = ['csv', 'jsonl'] as const
export type ImportFormat = (typeof IMPORT_FORMATS)[number]

/** A row as the file has it: the fields of a CSV row, or a line of JSON. */
export type RawRow = readonly string[] | string

/** A row that was not taken over. */
export interface BadRow {
  /** Line of the file on which the row ends, from 1; the heading of a CSV file is line 1. */
  readonly line: number
  readonly reason: string
  readonly row: RawRow
}

export type OnBadRow = (row: BadRow) => void

export interface FileRow {
  readonly line: number
  readonly raw: RawRow
  /** The members of a line of JSON, or where each column of CSV stands. */
  readonly members: Readonly<Record<string, unknown>> | undefined
  readonly indexes: ReadonlyMap<string, number>
}

/** The text of a column, `''` where the row has none. */
export function textOf({ raw, members, indexes }: FileRow, column: string): string {
  if (members === undefined) {
    const index = indexes.get(column)
    return index === undefined ? '' : raw[index]!
  }
  const found = members[column] ?? undefined
  if (found === undefined) return ''
  return typeof found === 'object' ? JSON.stringify(found) : String(found)
}

export interface SourceOptions {
  /** By the end of the file's name unless given: `.csv`, else JSON Lines. */
  readonly format?: ImportFormat | undefined
  readonly encoding?: 'utf-8' | 'latin1' | undefined
  /** Between the columns of CSV. */
  readonly delimiter?: string | undefined
  /** Columns that must be there; the heading of a CSV file is held against them. */
  readonly columns: readonly string[]
}

export interface RowBatch {
  readonly rows: readonly FileRow[]
  /** Rows of the file read so far, with those that could not be read. */
  readonly rowsRead: number
  readonly bytesRead: number
  readonly bytesTotal: number
}

const BATCH_ROWS = 1_000

export const formatOf = (file: string, format?: ImportFormat): ImportFormat =>
  format ?? (/\.csv$/i.test(file) ? 'csv' : 'jsonl')

const unreadable = (file: string, cause: unknown) =>
  new AppError('invalid_input', `${file} can't be read: ${messageOf(cause)}`, { cause })

type Raw = { readonly record: readonly string[]; readonly info: InfoRecord }

/** The columns of the heading by their names. Throws `invalid_input` when some are missing. */
export function indexesOf(heading: readonly string[], columns: readonly string[]): ReadonlyMap<string, number> {
  const indexes = new Map(heading.map((name, index) => [name.trim(), index]))
  const missing = columns.filter((name) => !indexes.has(name))
  if (missing.length === 0) return indexes
  throw new AppError('invalid_input', `The file lacks the column(s) ${missing.map((name) => `"${name}"`).join(', ')}`)
}

const NO_COLUMNS: ReadonlyMap<string, number> = new Map()

async function* csvRows(
  stream: ReturnType<typeof createReadStream>,
  { delimiter = ',', encoding, columns }: SourceOptions,
  onBadRow: OnBadRow,
): AsyncGenerator<FileRow | undefined> {
  const bad: BadRow[] = []
  const parser = stream.pipe(
    parse({
      encoding: encoding === 'latin1' ? 'latin1' : 'utf8',
      delimiter,
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      on_skip(error, raw) {
        if (error !== undefined) bad.push({ line: Number(error['lines']), reason: error.message, row: raw ?? '' })
        return undefined
      },
    }),
  )
  // pipe() does not hand on the failure of its source.
  stream.on('error', (cause) => parser.destroy(cause))
  let indexes: ReadonlyMap<string, number> | undefined
  let width = 0
  function* skipped(): Generator<undefined> {
    for (const row of bad.splice(0)) {
      onBadRow(row)
      yield undefined
    }
  }
  try {
    for await (const { record, info } of parser as AsyncIterable<Raw>) {
      yield* skipped()
      if (indexes === undefined) {
        indexes = indexesOf(record, columns)
        width = record.length
      } else if (record.length !== width) {
        onBadRow({ line: info.lines, reason: `has ${record.length} columns, not ${width}`, row: record })
        yield undefined
      } else if (record.some((field) => field.includes('\0'))) {
        onBadRow({ line: info.lines, reason: 'holds a NUL character', row: record })
        yield undefined
      } else yield { line: info.lines, raw: record, members: undefined, indexes }
    }
    yield* skipped()
  } finally {
    parser.destroy()
  }
  if (indexes === undefined) throw new AppError('invalid_input', 'The file is empty')
}

function readJson(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return value as Record<string, unknown>
  } catch {
    // The message of the parser would repeat the text, whatever stands in it.
    return undefined
  }
}

async function* jsonRows(
  stream: ReturnType<typeof createReadStream>,
  { encoding }: SourceOptions,
  onBadRow: OnBadRow,
): AsyncGenerator<FileRow | undefined> {
  if (encoding === 'latin1') stream.setEncoding('latin1')
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
  let failure: Error | undefined
  stream.on('error', (error) => {
    failure = error
    lines.close()
  })
  let line = 0
  for await (const raw of lines) {
    line += 1
    if (raw.trim() === '') continue
    const members = readJson(raw)
    if (members !== undefined) yield { line, raw, members, indexes: NO_COLUMNS }
    else {
      onBadRow({ line, reason: 'is not a JSON object', row: raw })
      yield undefined
    }
  }
  if (failure !== undefined) throw failure
}

/**
 * The rows of a file, some at a time. What is no row is told to `onBadRow` and counted. Throws `invalid_input` when the
 * file can't be read, or lacks a column.
 */
export async function* readRows(file: string, options: SourceOptions, onBadRow: OnBadRow): AsyncGenerator<RowBatch> {
  const { size: bytesTotal } = await stat(file).catch((cause: unknown) => {
    throw unreadable(file, cause)
  })
  const stream = createReadStream(file, { highWaterMark: 1 << 20 })
  const source = formatOf(file, options.format) === 'csv' ? csvRows : jsonRows
  let rows: FileRow[] = []
  let rowsRead = 0
  const batch = (): RowBatch => ({ rows, rowsRead, bytesRead: stream.bytesRead, bytesTotal })
  try {
    for await (const row of source(stream, options, onBadRow)) {
      rowsRead += 1
      if (row !== undefined) rows.push(row)
      if (rows.length < BATCH_ROWS) continue
      yield batch()
      rows = []
    }
    yield batch()
  } catch (error) {
    throw error instanceof AppError ? error : unreadable(file, error)
  } finally {
    stream.destroy()
  }
}
