import { isAppError } from '../../core/errors.ts'
import { type FileRow, formatOf, type ImportFormat, type OnBadRow, readRows, textOf } from '../../core/file-rows.ts'
import { type ColumnKind, memberOf } from '../export/columns.ts'

export interface TableImportOptions {
  /** By the end of the file's name unless given: `.csv`, else JSON Lines. */
  readonly format?: ImportFormat | undefined
  /** Changes what is known already to what the file says. */
  readonly update?: boolean | undefined
  /** In bytes of the file. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Called for every row that was not taken over, as it is met. */
  readonly onBadRow?: OnBadRow | undefined
}

interface DocumentOptions<Document> extends Pick<TableImportOptions, 'format'> {
  readonly columns: Readonly<Record<string, ColumnKind>>
  /** Columns that a CSV file must have. */
  readonly required: readonly string[]
  readonly check: (value: unknown) => Document
  readonly refuse: (row: FileRow, reason: string) => void
}

export interface DocumentBatch<Document> {
  readonly documents: readonly { readonly row: FileRow; readonly document: Document }[]
  readonly rowsRead: number
  readonly bytesRead: number
  readonly bytesTotal: number
}

/** The rows of a file as documents of one schema, some at a time; what is none is refused. */
export async function* documentsOf<Document>(
  file: string,
  { format, columns, required, check, refuse }: DocumentOptions<Document>,
): AsyncGenerator<DocumentBatch<Document>> {
  const isJson = formatOf(file, format) === 'jsonl'
  const unreadable: OnBadRow = ({ line, reason, row: raw }) =>
    refuse({ line, raw, members: undefined, indexes: new Map() }, reason)
  for await (const { rows, ...batch } of readRows(file, { format, columns: isJson ? [] : required }, unreadable)) {
    const documents: { row: FileRow; document: Document }[] = []
    for (const row of rows) {
      const members = Object.entries(columns).map(([column, kind]) => [
        column,
        row.members === undefined ? memberOf(textOf(row, column), kind) : (row.members[column] ?? undefined),
      ])
      try {
        const given = members.filter(([, member]) => member !== undefined)
        documents.push({ row, document: check(Object.fromEntries(given)) })
      } catch (error) {
        if (!isAppError(error)) throw error
        refuse(row, error.message)
      }
    }
    yield { documents, ...batch }
  }
}
