import type { Clock } from '../../core/clock.ts'
import {
  cursorId,
  cursorNumber,
  cursorTimeMs,
  decodeCursor,
  type Page,
  type PageRequest,
  pageLimit,
  pageOf,
} from '../../core/cursor.ts'
import { AppError, invalidField } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { fromMinor } from '../../core/money.ts'
import { validator } from '../../core/schema.ts'
import type { DisputeStatus } from '../model/state.ts'
import type {
  DisputeKey,
  LedgerKey,
  PaymentBooks,
  PaymentDaysRow,
  PaymentDimension,
  PaymentViews,
} from '../ports/views.ts'
import { accountRule } from '../read-model/accounts.ts'
import { isDay } from '../read-model/days.ts'
import { toDisputeDocument, toLedgerAccount, toLedgerEntry } from './book-documents.ts'
import {
  type DisputeDocument,
  DisputeQuery,
  type LedgerAccounts,
  LedgerAccountsQuery,
  LedgerEntriesQuery,
  type LedgerEntryDocument,
  type PaymentFigures,
  PaymentFiguresQuery,
  type PaymentFiguresRow,
} from './book-schemas.ts'

export interface LedgerReader {
  /** Every account that was ever posted to, with its balance by currency. */
  accounts(query?: LedgerAccountsQuery): Promise<LedgerAccounts>
  /** Entries of an account, of a payment or of both, newest first. `invalid_input` when neither is named. */
  entries(query: LedgerEntriesQuery, page?: PageRequest): Promise<Page<LedgerEntryDocument>>
}

/** What is read of many payments at once: a moment behind the log. Wrong queries throw `invalid_input`. */
export interface PaymentBooksReader {
  /** Those that are not closed unless the query says otherwise; the one whose evidence is due first comes first. */
  disputes(query?: DisputeQuery, page?: PageRequest): Promise<Page<DisputeDocument>>
  readonly ledger: LedgerReader
  /**
   * Figures of days. Amounts of several currencies are never added up: `currency_mismatch` (with `currencies`) unless the
   * rows are by currency or one is chosen.
   */
  report(query?: PaymentFiguresQuery): Promise<PaymentFigures>
}

export interface BooksReaderDeps {
  readonly books: PaymentBooks
  readonly views: Pick<PaymentViews, 'disputes'>
  readonly clock: Clock
}

const checkDisputes = validator(DisputeQuery, 'query')
const checkAccounts = validator(LedgerAccountsQuery, 'query')
const checkEntries = validator(LedgerEntriesQuery, 'query')
const checkFigures = validator(PaymentFiguresQuery, 'query')

const NOT_CLOSED = 'needs_response,under_review'

function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const timeMs = Date.parse(text)
  if (Number.isNaN(timeMs)) throw invalidField('query/due_before', 'must be an RFC 3339 time')
  return timeMs
}

function disputeKey(key: readonly string[] | undefined): DisputeKey | undefined {
  if (key === undefined) return undefined
  const [due = '', paymentIntentId = '', disputeId = ''] = key
  return { evidenceDueMs: due === '' ? undefined : cursorTimeMs(due), paymentIntentId, disputeId }
}

/** Shards and lines are kept as `smallint`. */
const SMALLINT_MAX = 2 ** 15 - 1

function ledgerKey(key: readonly string[] | undefined): LedgerKey | undefined {
  if (key === undefined) return undefined
  const [timestamp, shard, id, line] = key as [string, string, string, string]
  return {
    timestampMs: cursorTimeMs(timestamp),
    shard: cursorNumber(shard, SMALLINT_MAX),
    eventId: cursorId(id),
    line: cursorNumber(line, SMALLINT_MAX),
  }
}

function checkDays({ from, to }: PaymentFiguresQuery): void {
  for (const [field, day] of Object.entries({ from, to })) {
    if (day !== undefined && !isDay(day)) throw invalidField(`query/${field}`, 'must be a day of the calendar')
  }
  if (from !== undefined && to !== undefined && from > to) throw invalidField('query/from', 'must not be after to')
}

function checkCurrencies(rows: readonly PaymentDaysRow[]): void {
  if (rows.every(({ currencies: [first, last] }) => first === last)) return
  const currencies = [...new Set(rows.flatMap((row) => row.currencies))].sort()
  const message = 'Amounts of several currencies are not added up; choose one with currency=, or group by currency'
  throw new AppError('currency_mismatch', message, { data: { currencies } })
}

function checkSize(rows: readonly PaymentDaysRow[]): void {
  if (rows.length <= LIMITS.reportRowsMax) return
  const detail = `gives more than ${LIMITS.reportRowsMax} rows; choose fewer groups or a shorter time`
  throw invalidField('query/group_by', detail)
}

/** To four digits; `null` when nothing was asked. */
function successRate(rows: readonly Pick<PaymentDaysRow, 'authorized' | 'declined'>[]): number | null {
  const sum = (of: 'authorized' | 'declined') => rows.reduce((total, row) => total + row[of], 0)
  const [authorized, declined] = [sum('authorized'), sum('declined')]
  return authorized + declined === 0 ? null : Math.round((authorized / (authorized + declined)) * 10_000) / 10_000
}

function toFigures(row: PaymentDaysRow): PaymentFiguresRow {
  const { group, currencies, created, authorized, declined, captures, refunds, disputes } = row
  return {
    ...group,
    ...{ currency: currencies[0], created, authorized, declined, success_rate: successRate([row]), captures },
    captured_amount: fromMinor(row.capturedAmount),
    ...{ refunds, refunded_amount: fromMinor(row.refundedAmount) },
    ...{ disputes, disputed_amount: fromMinor(row.disputedAmount) },
  }
}

export function createBooksReader({ books, views, clock }: BooksReaderDeps): PaymentBooksReader {
  return {
    async disputes(raw = {}, page = {}) {
      const { status = NOT_CLOSED, processor, due_before } = checkDisputes(raw)
      const dueBeforeMs = timeOf(due_before)
      const statuses = [...new Set(status.split(','))].sort() as DisputeStatus[]
      const limit = pageLimit(page.limit)
      const list = `disputes:${statuses.join()}:${processor ?? ''}:${dueBeforeMs ?? ''}`
      const after = disputeKey(decodeCursor(list, 3, page.cursor))
      const rows = await views.disputes({ statuses, processor, dueBeforeMs }, after, limit + 1)
      return pageOf(
        list,
        rows,
        limit,
        (row) => [String(row.evidenceDueMs ?? ''), row.paymentIntentId, row.disputeId],
        toDisputeDocument,
      )
    },
    ledger: {
      async accounts(raw = {}) {
        const { currency } = checkAccounts(raw)
        return { items: (await books.balances(currency)).map(toLedgerAccount) }
      },
      async entries(raw, page = {}) {
        const { account, payment_intent_id: paymentIntentId } = checkEntries(raw)
        if (account !== undefined && accountRule(account) === undefined)
          throw invalidField('query/account', 'must be an account of GET /v1/ledger/accounts, e.g. processor:stripe')
        const limit = pageLimit(page.limit)
        const list = `ledger:${account ?? ''}:${paymentIntentId ?? ''}`
        const before = ledgerKey(decodeCursor(list, 4, page.cursor))
        const filter =
          account !== undefined
            ? { account, paymentIntentId }
            : paymentIntentId === undefined
              ? undefined
              : { paymentIntentId }
        if (filter === undefined) throw invalidField('query/account', 'is needed, or payment_intent_id, or both')
        const rows = await books.entries(filter, before, limit + 1)
        return pageOf(
          list,
          rows,
          limit,
          (row) => [String(row.timestampMs), String(row.shard), row.eventId, String(row.line)],
          toLedgerEntry,
        )
      },
    },
    async report(raw = {}) {
      const query = checkFigures(raw)
      checkDays(query)
      const groupBy = [...new Set((query.group_by?.split(',') ?? []) as PaymentDimension[])]
      const { from, to, currency, processor } = query
      const askedAt = clock.now()
      const asked = { from, to, currency, processor, groupBy, rowsMax: LIMITS.reportRowsMax }
      const { rows, oldestMissingMs, lagEvents } = await books.days(asked)
      checkSize(rows)
      checkCurrencies(rows)
      return {
        rows: rows.map(toFigures),
        success_rate: successRate(rows),
        fresh_as_of: new Date(oldestMissingMs ?? askedAt).toISOString(),
        lag_events: lagEvents,
      }
    },
  }
}
