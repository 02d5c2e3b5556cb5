import { createReadStream } from 'node:fs'
import { AppError, messageOf } from '../../core/errors.ts'
import { indexesOf, type SourceOptions } from '../../core/file-rows.ts'

const QUOTE = 34
const LINE_FEED = 10
const RETURN = 13
const BOM = '\ufeff'
const NOTHING = Buffer.alloc(0)

/**
 * Walks over a CSV file and tells the text of one column of each row; answers the number of rows without the heading.
 * Finds the ends of fields in bytes (RFC 4180), so only the wanted ones become texts. `undefined` when quotes or line ends
 * stand where they must not: then only the parser can tell what is a row. Throws `invalid_input` when the file can't be
 * read, is empty or lacks a column.
 */
export async function scanColumn(
  file: string,
  { delimiter = ',', encoding, columns }: SourceOptions,
  column: string,
  tell: (text: string) => void,
): Promise<number | undefined> {
  const separator = delimiter.charCodeAt(0)
  const charset = encoding === 'latin1' ? 'latin1' : 'utf8'
  const heading: string[] = []
  let wanted = -1
  let rows = 0
  let field = 0
  /** Inside quotes; behind those that ended a field or a pair began with; whether the field has a byte. */
  let quoted = false
  let closed = false
  let begun = false
  let skipBom = true
  /** How the first line ends; the others must end like it. */
  let isCrLf: boolean | undefined
  let afterReturn = false
  let empty = true
  /** Of a field that began in an earlier chunk: bytes, since a character may lie on both sides. */
  let before: Buffer = NOTHING

  const textOf = (chunk: Buffer, start: number, end: number) => {
    const bytes = chunk.subarray(start, end)
    const whole = (before.length === 0 ? bytes : Buffer.concat([before, bytes])).toString(charset)
    const text = afterReturn ? whole.slice(0, -1) : whole
    before = NOTHING
    return text.startsWith('"') ? text.slice(1, text.endsWith('"') ? -1 : undefined).replaceAll('""', '"') : text
  }

  function endField(chunk: Buffer, start: number, end: number): void {
    if (wanted < 0) heading.push(textOf(chunk, start, end))
    else if (field === wanted) tell(textOf(chunk, start, end))
    else before = NOTHING
    field += 1
    begun = false
    closed = false
  }

  function endRow(): void {
    if (wanted < 0) {
      wanted = indexesOf(heading, columns).get(column)!
    } else rows += 1
    field = 0
    empty = true
  }

  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      let start = skipBom && chunk.subarray(0, 3).toString() === BOM ? 3 : 0
      skipBom = false
      for (let at = start; at < chunk.length; at++) {
        const byte = chunk[at]!
        if (quoted) {
          if (byte === QUOTE) [quoted, closed] = [false, true]
        } else if (byte === LINE_FEED) {
          isCrLf ??= afterReturn
          if (isCrLf !== afterReturn) return undefined
          if (!empty) {
            endField(chunk, start, at)
            endRow()
          }
          start = at + 1
          afterReturn = false
        } else if (afterReturn) return undefined
        else if (byte === RETURN) afterReturn = true
        else if (byte === QUOTE) {
          if (!begun) begun = true
          else if (!closed) return undefined
          ;[quoted, closed, empty] = [true, false, false]
        } else if (byte === separator) {
          endField(chunk, start, at)
          start = at + 1
          empty = false
        } else if (closed) return undefined
        else [begun, empty] = [true, false]
      }
      if (wanted < 0 || field === wanted) before = Buffer.concat([before, chunk.subarray(start)])
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('invalid_input', `${file} can't be read: ${messageOf(cause)}`, { cause })
  }
  if (quoted || afterReturn) return undefined
  if (!empty) {
    endField(NOTHING, 0, 0)
    endRow()
  }
  if (wanted < 0) throw new AppError('invalid_input', 'The file is empty')
  return rows
}
