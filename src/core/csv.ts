/** CSV as RFC 4180 has it, but with a line feed alone at the end of a line. */
export type CsvCell = string | number | bigint | boolean | null | undefined

const NEEDS_QUOTES = /[",\r\n]/
/** What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r]/

export interface CsvOptions {
  /** Writes an apostrophe before texts that a spreadsheet would run as formulas. Then what is read is not what was written. */
  readonly forSpreadsheets?: boolean
}

function cellText(cell: CsvCell, forSpreadsheets: boolean): string {
  if (cell === null || cell === undefined) return ''
  if (typeof cell !== 'string') return String(cell)
  const text = forSpreadsheets && FORMULA.test(cell) ? `'${cell}` : cell
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** One row with its line end. Nothing and the empty text look the same. */
export function csvLine(cells: readonly CsvCell[], { forSpreadsheets = false }: CsvOptions = {}): string {
  return `${cells.map((cell) => cellText(cell, forSpreadsheets)).join(',')}\n`
}
