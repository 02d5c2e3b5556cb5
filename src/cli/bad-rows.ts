import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { csvLine } from '../core/csv.ts'
import { type BadRow, formatOf, type ImportFormat } from '../core/file-rows.ts'

export interface BadRowsFile {
  add(row: BadRow): void
  close(): void
}

const HEADING_BYTES_MAX = 64 * 1024

/** The first line of a file as it stands there. */
function headingOf(file: string): string {
  const source = openSync(file, 'r')
  try {
    const bytes = Buffer.alloc(HEADING_BYTES_MAX)
    const text = bytes.toString('utf8', 0, readSync(source, bytes)).replace(/^\ufeff/, '')
    return text.split(/\r?\n|\r/)[0] ?? ''
  } finally {
    closeSync(source)
  }
}

/**
 * A file of the rows that were left out, in the form of the file that they are from: of CSV with the columns `line` and
 * `reason` before its own, of JSON Lines `{"line": ..., "reason": ..., "row": "..."}`. Each is written at once, so that
 * none is lost when the program is killed.
 */
export function createBadRowsFile(path: string, source: string, format: ImportFormat | undefined): BadRowsFile {
  const out = openSync(path, 'w')
  const isCsv = formatOf(source, format) === 'csv'
  if (isCsv) writeSync(out, `line,reason,${headingOf(source)}\n`)
  return {
    add({ line, reason, row }) {
      if (isCsv) writeSync(out, csvLine([line, reason, ...(typeof row === 'string' ? [row] : row)]))
      else writeSync(out, `${JSON.stringify({ line, reason, row })}\n`)
    },
    close: () => closeSync(out),
  }
}
