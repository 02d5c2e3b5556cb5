import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { parse } from 'csv-parse/sync'
import { messageOf } from '../core/errors.ts'
import { ID_EPOCH_MS } from '../core/ids.ts'
import { validator } from '../core/schema.ts'
import type { SocialDeps } from './deps.ts'
import type { FanoutService } from './fanout/fanout.ts'
import type { ModeChooser } from './fanout/mode.ts'
import { type BadLine, createBadLines, type LineSource, lineBatches, type OnImportProgress } from './import-source.ts'
import type { NewPost, RowKey } from './ports.ts'
import type { Posts } from './posts.ts'
import { PublishInput } from './schemas.ts'

/**
 * JSON Lines: one object a line, `{user_id, text?, media?, visibility?, timestamp?, key?}`. CSV: a header line with
 * `user_id` and any of `text, media_url, media_type, visibility, timestamp, key`, then one post a line (a quoted field
 * may not span lines). `timestamp` (RFC 3339) is when the post was published, now unless given. `key` makes the import
 * repeatable: a post of the same author and key is not added twice; unless given it is the name of the source and the
 * number of the line.
 */
export interface ImportPostsOptions {
  /** `jsonl` unless the file's name ends in `.csv`. */
  readonly format?: 'jsonl' | 'csv'
  /** Part of the keys of lines without one; the name of the file unless given. */
  readonly name?: string
  readonly onProgress?: OnImportProgress
  readonly signal?: AbortSignal
}

export interface ImportPostsReport {
  readonly lines: number
  readonly posts_added: number
  readonly posts_present: number
  readonly bad_lines: number
  /** The first of them. */
  readonly bad: readonly BadLine[]
}

const LINES_AT_ONCE = 500
const ID_TRIES = 20
const ID_SPREAD_MS = 1_000

interface Row {
  readonly line: number
  readonly input: PublishInput
  readonly idempotency: RowKey
  readonly atMs: number | undefined
}

const checkInput = validator(PublishInput)
const textOf = (value: unknown) => (value === undefined || value === null || value === '' ? undefined : value)

function timeOf(value: unknown, nowMs: number): number | undefined {
  if (textOf(value) === undefined) return undefined
  const atMs = typeof value === 'string' ? Date.parse(value) : Number.NaN
  if (!(atMs >= ID_EPOCH_MS && atMs <= nowMs)) throw new Error('timestamp: must be a time between 2010 and now')
  return atMs
}

function toRow(record: Readonly<Record<string, unknown>>, line: number, name: string, nowMs: number): Row {
  const text = textOf(record['text'])
  const url = textOf(record['media_url'])
  const media =
    textOf(record['media']) ??
    (url === undefined ? undefined : [{ url, type: textOf(record['media_type']) ?? 'image' }])
  const visibility = textOf(record['visibility'])
  const input = checkInput({
    user_id: record['user_id'],
    content: { ...(text === undefined ? {} : { text }), ...(media === undefined ? {} : { media }) },
    ...(visibility === undefined ? {} : { visibility }),
  })
  const given = textOf(record['key'])
  const key = `import:${given === undefined ? `${name}:${line}` : String(given)}`
  const fingerprint = createHash('sha256').update(key).digest()
  return { line, input, idempotency: { key, fingerprint }, atMs: timeOf(record['timestamp'], nowMs) }
}

/** The message of the parser would repeat the text, whatever stands in it. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('is not valid JSON')
  }
}

/** Reads a line by the format; a CSV's first line names the columns and gives nothing. */
function createLineReader(format: 'jsonl' | 'csv'): (text: string) => Record<string, unknown> | undefined {
  if (format === 'jsonl') {
    return (text) => {
      const value = parseJson(text)
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('is not a JSON object')
      return value as Record<string, unknown>
    }
  }
  let columns: string[] | undefined
  return (text) => {
    const [fields = []] = parse(text, { bom: columns === undefined, relax_column_count: true }) as string[][]
    if (columns === undefined) {
      columns = fields.map((field) => field.trim())
      return undefined
    }
    if (fields.length !== columns.length)
      throw new Error(`has ${fields.length} fields, the header has ${columns.length}`)
    return Object.fromEntries(columns.map((column, index) => [column, fields[index]]))
  }
}

export async function importPosts(
  deps: SocialDeps,
  posts: Posts,
  fanout: FanoutService,
  modes: ModeChooser,
  source: LineSource,
  options: ImportPostsOptions,
): Promise<ImportPostsReport> {
  const name = options.name ?? (typeof source === 'string' ? basename(source) : 'lines')
  const format = options.format ?? (typeof source === 'string' && source.endsWith('.csv') ? 'csv' : 'jsonl')
  const read = createLineReader(format)
  const bad = createBadLines()
  let lines = 0
  let added = 0
  let present = 0

  /** Stores the posts; those whose id of the past is taken get another one, a little beside it. */
  async function insert(rows: readonly Row[]): Promise<void> {
    let left = await Promise.all(
      rows.map(async (row) => ({
        ...row,
        mode: await modes.usual(row.input.user_id),
        mentions: await posts.mentionsIn(row.input.content?.text),
      })),
    )
    for (let attempt = 1; left.length > 0 && attempt <= ID_TRIES; attempt++) {
      const drafts = left.map(
        ({ input, idempotency, atMs, mode, mentions }): NewPost =>
          posts.draft(input, idempotency, { atMs: beside(atMs, attempt), mode, mentions }),
      )
      const outcomes = await deps.posts.insert(drafts)
      const created = drafts.filter((_, index) => outcomes[index]!.kind === 'created')
      await fanout.enqueue(
        created.map((post) => post.postId),
        true,
      )
      added += created.length
      present += outcomes.filter((outcome) => outcome.kind === 'repeated').length
      left = left.filter((_, index) => outcomes[index]!.kind === 'id_taken')
    }
    for (const row of left) bad.add(row.line, 'too many posts of that very moment')
  }

  for await (const batch of lineBatches(source, LINES_AT_ONCE, options.onProgress)) {
    options.signal?.throwIfAborted()
    lines += batch.length
    const rows: Row[] = []
    for (const { number, text } of batch) {
      if (text.trim() === '') continue
      try {
        const record = read(text)
        if (record !== undefined) rows.push(toRow(record, number, name, deps.clock.now()))
      } catch (error) {
        bad.add(number, messageOf(error))
      }
    }
    const known = new Set(
      (await deps.users.find([...new Set(rows.map((row) => row.input.user_id))])).map((user) => user.userId),
    )
    for (const row of rows)
      if (!known.has(row.input.user_id)) bad.add(row.line, `no user has the id "${row.input.user_id}"`)
    await insert(rows.filter((row) => known.has(row.input.user_id)))
  }
  return { lines, posts_added: added, posts_present: present, bad_lines: bad.count, bad: bad.listed }
}

function beside(atMs: number | undefined, attempt: number): number | undefined {
  if (atMs === undefined || attempt === 1) return atMs
  return atMs + Math.floor(Math.random() * ID_SPREAD_MS)
}
