import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import {
  cursorNumber,
  cursorTimeMs,
  decodeCursor,
  type Page,
  type PageRequest,
  pageLimit,
  pageOf,
} from '../../core/cursor.ts'
import { AppError, invalidField, messageOf } from '../../core/errors.ts'
import { type OnBadRow, readRows } from '../../core/file-rows.ts'
import { LIMITS } from '../../core/limits.ts'
import {
  SETTLEMENT_RESULTS,
  type SettlementLine,
  type SettlementPeriod,
  type SettlementRow,
  type SettlementStore,
} from '../ports/settlements.ts'
import { toItem, toSettlement, withTotals } from './documents.ts'
import { loadSettlementMapping } from './mapping.ts'
import { createLineReader } from './read-line.ts'
import type { Settlement, SettlementItemDocument, SettlementWithTotals } from './schemas.ts'

export interface SettlementImportOptions {
  /** Name of the payment processor that the file is from. */
  readonly processor: string
  /** Name of a built-in mapping or a JSON file with one; our own columns unless given. */
  readonly map?: string | undefined
  /** First and last day that the file is about, `YYYY-MM-DD`, UTC; those of its lines unless given. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly onProgress?: ((bytesRead: number, bytesTotal: number) => void) | undefined
  readonly onBadRow?: OnBadRow | undefined
}

export interface SettlementImport {
  readonly settlement: Settlement
  /** The file had been imported before; nothing was changed. */
  readonly known: boolean
  /** What was read this time; the settlement has the sums of its file. */
  readonly rows_read: number
  readonly rows_bad: number
}

/** Settlement files of payment processors, and how they compare with what payments have recorded. */
export interface Settlements {
  /**
   * Imports a CSV file and compares it. A file is known by its content: again it changes nothing, and completes an import
   * that was broken off. `invalid_input`, `processor_not_found`.
   */
  importFile(file: string, options: SettlementImportOptions): Promise<SettlementImport>
  /** Compares a file again: what came late is found then. `settlement_not_found`, `settlement_incomplete`. */
  reconcile(settlementId: string): Promise<SettlementWithTotals>
  /** `settlement_not_found`. */
  get(settlementId: string): Promise<SettlementWithTotals>
  /** Newest first. */
  list(processor?: string, page?: PageRequest): Promise<Page<Settlement>>
  /** In the order of the file, then what it lacks. `settlement_not_found`. */
  items(settlementId: string, result?: string, page?: PageRequest): Promise<Page<SettlementItemDocument>>
}

export interface SettlementsDeps {
  readonly store: SettlementStore
  /** Names of the payment processors. */
  readonly processors: readonly string[]
  readonly clock: Clock
}

const DAY_MS = 86_400_000

async function hashOf(file: string): Promise<Uint8Array> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array)
  } catch (cause) {
    throw new AppError('invalid_input', `${file} can't be read: ${messageOf(cause)}`, { cause })
  }
  return hash.digest()
}

function dayMs(text: string, name: string): number {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  if (Number.isNaN(ms)) throw invalidField(`/${name}`, 'must be a day, YYYY-MM-DD')
  return ms
}

function periodOf({ from, to }: SettlementImportOptions): SettlementPeriod | undefined {
  if (from === undefined && to === undefined) return undefined
  if (from === undefined || to === undefined) throw invalidField('/to', 'from and to are given both or neither')
  const period = { fromMs: dayMs(from, 'from'), toMs: dayMs(to, 'to') + DAY_MS }
  if (period.toMs <= period.fromMs) throw invalidField('/to', 'must not be before from')
  return period
}

function resultOf(text: string | undefined) {
  if (text === undefined) return undefined
  const result = SETTLEMENT_RESULTS.find((known) => known === text)
  if (result === undefined) throw invalidField('query/result', `must be one of ${SETTLEMENT_RESULTS.join(', ')}`)
  return result
}

export function createSettlements({ store, processors, clock }: SettlementsDeps): Settlements {
  async function existing(settlementId: string): Promise<SettlementRow> {
    const row = await store.find(settlementId)
    if (row === undefined) throw new AppError('settlement_not_found', `There is no settlement ${settlementId}`)
    return row
  }

  async function compared(settlementId: string): Promise<SettlementRow> {
    const nowMs = clock.now()
    if (await store.reconcile(settlementId, nowMs, nowMs - LIMITS.settlementGraceDays * DAY_MS))
      return existing(settlementId)
    const { fileName } = await existing(settlementId)
    throw new AppError('settlement_incomplete', `${fileName} was not read to its end; import it again`)
  }

  /** Stores the lines behind `lastLine`; answers how many rows there were. */
  async function readInto(settlementId: string, file: string, lastLine: number, options: SettlementImportOptions) {
    const mapping = await loadSettlementMapping(options.map ?? 'fanfold')
    const readLine = createLineReader(mapping)
    let bad = 0
    let read = 0
    const onBadRow: OnBadRow = (row) => {
      bad += 1
      options.onBadRow?.(row)
    }
    const { encoding, delimiter, columns } = mapping
    const needed = [columns.type, columns.amount, columns.currency, columns.occurred_at]
    const source = { format: 'csv' as const, encoding, delimiter, columns: needed }
    for await (const { rows, rowsRead, bytesRead, bytesTotal } of readRows(file, source, onBadRow)) {
      if (rowsRead > LIMITS.settlementLinesMax) {
        throw new AppError('invalid_input', `${file} has more than ${LIMITS.settlementLinesMax} lines; split it`)
      }
      const lines: SettlementLine[] = []
      for (const row of rows) {
        const line = readLine(row)
        if ('reason' in line) onBadRow({ line: row.line, reason: line.reason, row: row.raw })
        else if (line.line > lastLine) lines.push(line)
      }
      if (lines.length > 0) await store.addLines(settlementId, lines)
      read = rowsRead
      options.onProgress?.(bytesRead, bytesTotal)
    }
    return { rowsRead: read, rowsBad: bad }
  }

  return {
    async importFile(file, options) {
      const { processor } = options
      if (!processors.includes(processor)) {
        const known = processors.join(', ')
        throw new AppError('processor_not_found', `No payment processor is named "${processor}"; known: ${known}`)
      }
      const period = periodOf(options)
      const fileHash = await hashOf(file)
      const id = createHash('sha256').update(`${processor}\n`).update(fileHash).digest('hex').slice(0, 24)
      const settlementId = `st_${id}`
      const head = { settlementId, processor, fileName: basename(file), fileHash, createdAtMs: clock.now() }
      const { row, lastLine } = await store.begin(head)
      if (row.reconciledAtMs !== undefined) {
        return { settlement: toSettlement(row), known: true, rows_read: 0, rows_bad: 0 }
      }
      const counts = await readInto(settlementId, file, lastLine, options)
      await store.finish(settlementId, { ...counts, period, importedAtMs: clock.now() })
      const settlement = toSettlement(await compared(settlementId))
      return { settlement, known: false, rows_read: counts.rowsRead, rows_bad: counts.rowsBad }
    },
    async reconcile(settlementId) {
      return withTotals(await compared(settlementId), await store.totals(settlementId))
    },
    async get(settlementId) {
      return withTotals(await existing(settlementId), await store.totals(settlementId))
    },
    async list(processor, page = {}) {
      const limit = pageLimit(page.limit)
      const name = `settlements:${processor ?? ''}`
      const key = decodeCursor(name, 2, page.cursor)
      const before = key === undefined ? undefined : { createdAtMs: cursorTimeMs(key[0]!), settlementId: key[1]! }
      const rows = await store.list(processor, before, limit + 1)
      return pageOf(name, rows, limit, (row) => [String(row.createdAtMs), row.settlementId], toSettlement)
    },
    async items(settlementId, resultText, page = {}) {
      const limit = pageLimit(page.limit)
      const result = resultOf(resultText)
      const name = `settlement-items:${settlementId}:${result ?? ''}`
      const [after = '0'] = decodeCursor(name, 1, page.cursor) ?? []
      await existing(settlementId)
      const rows = await store.items(settlementId, result, cursorNumber(after, Number.MAX_SAFE_INTEGER), limit + 1)
      return pageOf(name, rows, limit, (row) => [String(row.itemNo)], toItem)
    },
  }
}
