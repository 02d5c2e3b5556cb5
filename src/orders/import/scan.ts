import { createReadStream } from 'node:fs'
import { AppError, messageOf } from '../../core/errors.ts'
import { indexesOf, type SourceOptions } from './source.ts'

const QUOTE = 34
const LINE_FEED = 10
const RETURN = 13
const BOM = '\ufeff'
const NOTHING = Buffer.alloc(0)

/**
 * Walks over a CSV file and tells the text of one column of each row; answers the number of rows without the heading.
 * Finds the ends of fields in bytes (RFC 4180), so only the wanted ones become texts. Throws `invalid_input` when the
 * file can't be read, is empty or lacks a column.
 */
export async function scanColumn(
  file: string,
  { delimiter = ',', encoding, columns }: SourceOptions,
  column: string,
  tell: (text: string) => void,
): Promise<number> {
  const separator = delimiter.charCodeAt(0)
  const charset = encoding === 'latin1' ? 'latin1' : 'utf8'
  const heading: string[] = []
  let wanted = -1
  let rows = 0
  let field = 0
  let quoted = false
  let empty = true
  /** Of a field that began in an earlier chunk: bytes, since a character may lie on both sides. */
  let before: Buffer = NOTHING

  const textOf = (chunk: Buffer, start: number, end: number) => {
    const bytes = chunk.subarray(start, end)
    const text = (before.length === 0 ? bytes : Buffer.concat([before, bytes])).toString(charset)
    before = NOTHING
    return text.startsWith('"') ? text.slice(1, text.endsWith('"') ? -1 : undefined).replaceAll('""', '"') : text
  }

  function endField(chunk: Buffer, start: number, end: number): void {
    if (wanted < 0) heading.push(textOf(chunk, start, end))
    else if (field === wanted) tell(textOf(chunk, start, end))
    else before = NOTHING
    field += 1
  }

  function endRow(): void {
    if (wanted < 0) {
      heading[0] = heading[0]!.replace(BOM, '')
      wanted = indexesOf(heading, columns).get(column)!
    } else rows += 1
    field = 0
    empty = true
  }

  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      let start = 0
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at]!
        if (byte === QUOTE) {
          quoted = !quoted
          empty = false
        } else if (quoted) continue
        else if (byte === separator) {
          endField(chunk, start, at)
          start = at + 1
          empty = false
        } else if (byte === LINE_FEED || byte === RETURN) {
          if (!empty) {
            endField(chunk, start, at)
            endRow()
          }
          start = at + 1
        } else empty = false
      }
      if (wanted < 0 || field === wanted) before = Buffer.concat([before, chunk.subarray(start)])
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('invalid_input', `${file} can't be read: ${messageOf(cause)}`, { cause })
  }
  if (!empty) {
    endField(NOTHING, 0, 0)
    endRow()
  }
  if (wanted < 0) throw new AppError('invalid_input', 'The file is empty')
  return rows
}
