import { LIMITS } from '../../core/limits.ts'
import type {
  SettlementItem,
  SettlementLine,
  SettlementResult,
  SettlementRow,
  SettlementStore,
  SettlementTotal,
  SettlementType,
} from '../../payments/ports/settlements.ts'
import type { SqlClient, SqlTx } from '../sql/sql.ts'
import { RECONCILE } from './settlement-reconcile.ts'

const FILE_COLUMNS = `
settlement_id, processor, file_name, file_hash, period_from, period_to, rows_read, rows_bad, created_at, imported_at,
reconciled_at, matched, differing, missing, unknown, not_compared`

const BEGIN = `
insert into settlement_files (settlement_id, processor, file_name, file_hash, created_at, rows_read, rows_bad, matched,
  differing, missing, unknown, not_compared)
values ($1, $2, $3, $4, $5, 0, 0, 0, 0, 0, 0, 0) on conflict (settlement_id) do nothing`

const FIND = `select ${FILE_COLUMNS} from settlement_files where settlement_id = $1`

const LAST_LINE = 'select max(line)::bigint as line from settlement_lines where settlement_id = $1'

const ADD_LINES = `
insert into settlement_lines (settlement_id, line, type, reference, op_id, amount, currency, fee, occurred_at, payout_id)
select $1, * from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::bigint[],
  $9::timestamptz[], $10::text[]) as line
on conflict (settlement_id, line) do nothing`

const FINISH = `
with days as (
  select min(occurred_at) as first, max(occurred_at) as last from settlement_lines where settlement_id = $1)
update settlement_files set rows_read = $2, rows_bad = $3, imported_at = $6,
  period_from = coalesce($4::timestamptz, date_trunc('day', days.first, 'UTC'), $6),
  period_to = coalesce($5::timestamptz, date_trunc('day', days.last, 'UTC') + interval '24 hours', $6)
from days where settlement_id = $1 and imported_at is null`

const LOCK = `
select processor, period_from, period_to, imported_at from settlement_files
where settlement_id = $1 and imported_at is not null for update`

// Of lines that were just stored the planner knows nothing yet, and guesses so few that it would go through them again and
// again; everything here is compared with everything, for which hashes are right.
const BY_HASHES = `
select set_config('enable_nestloop', 'off', true), set_config('statement_timeout', $1::text, true)`

const FORGET = 'delete from settlement_items where settlement_id = $1'

const COUNT = `
update settlement_files set reconciled_at = $2, matched = c.matched, differing = c.differing, missing = c.missing,
  unknown = c.unknown, not_compared = c.not_compared
from (
  select count(*) filter (where result = 'matched') as matched, count(*) filter (where result = 'differing') as differing,
    count(*) filter (where result = 'missing') as missing, count(*) filter (where result = 'unknown') as unknown,
    count(*) filter (where result = 'not_compared') as not_compared
  from settlement_items where settlement_id = $1) c
where settlement_id = $1`

const TOTALS = `
select type, currency, count(*)::int as lines, sum(amount)::bigint as amount, sum(fee)::bigint as fee
from settlement_lines where settlement_id = $1 group by type, currency order by currency, type`

const LIST = `
select ${FILE_COLUMNS} from settlement_files
where ($1::text is null or processor = $1) and ($2::timestamptz is null or (created_at, settlement_id) < ($2, $3))
order by created_at desc, settlement_id desc limit $4`

const items = (filter: string) => `
select i.item_no, i.result, i.differences, i.line, i.type, i.subject_id, i.payment_intent_id, i.expected_amount,
  i.expected_currency, i.occurred_at, l.reference, l.op_id, l.amount, l.currency, l.fee, l.payout_id
from settlement_items i left join settlement_lines l on l.settlement_id = i.settlement_id and l.line = i.line
where i.settlement_id = $1 and i.item_no > $2 ${filter} order by i.item_no limit $3`
const ITEMS = items('')
const ITEMS_OF = items('and i.result = $4')

interface FileRow extends Record<SettlementResult, bigint> {
  settlement_id: string
  processor: string
  file_name: string
  file_hash: Uint8Array
  period_from: Date | null
  period_to: Date | null
  rows_read: bigint
  rows_bad: bigint
  created_at: Date
  imported_at: Date | null
  reconciled_at: Date | null
}

interface ItemRow {
  item_no: bigint
  result: SettlementResult
  differences: string[]
  line: bigint | null
  type: SettlementType
  subject_id: string | null
  payment_intent_id: string | null
  expected_amount: bigint | null
  expected_currency: string | null
  occurred_at: Date
  reference: string | null
  op_id: string | null
  amount: bigint
  currency: string
  fee: bigint
  payout_id: string | null
}

function toRow(row: FileRow): SettlementRow {
  const { period_from: from, period_to: to, matched, differing, missing, unknown, not_compared } = row
  return {
    settlementId: row.settlement_id,
    processor: row.processor,
    fileName: row.file_name,
    fileHash: row.file_hash,
    createdAtMs: row.created_at.getTime(),
    period: from === null || to === null ? undefined : { fromMs: from.getTime(), toMs: to.getTime() },
    rowsRead: Number(row.rows_read),
    rowsBad: Number(row.rows_bad),
    importedAtMs: row.imported_at?.getTime(),
    reconciledAtMs: row.reconciled_at?.getTime(),
    counts: {
      matched: Number(matched),
      differing: Number(differing),
      missing: Number(missing),
      unknown: Number(unknown),
      not_compared: Number(not_compared),
    },
  }
}

function lineOf(row: ItemRow): SettlementLine | undefined {
  const { line, type, amount, currency, fee } = row
  if (line === null) return undefined
  return {
    ...{ line: Number(line), type, amount, currency, fee, occurredAtMs: row.occurred_at.getTime() },
    reference: row.reference ?? undefined,
    opId: row.op_id ?? undefined,
    payoutId: row.payout_id ?? undefined,
  }
}

function toItem(row: ItemRow): SettlementItem {
  return {
    itemNo: Number(row.item_no),
    result: row.result,
    differences: row.differences,
    type: row.type,
    subjectId: row.subject_id ?? undefined,
    paymentIntentId: row.payment_intent_id ?? undefined,
    expectedAmount: row.expected_amount ?? undefined,
    expectedCurrency: row.expected_currency ?? undefined,
    occurredAtMs: row.occurred_at.getTime(),
    line: lineOf(row),
  }
}

const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms))

export function openSettlementStore(sql: SqlClient): SettlementStore {
  async function find(settlementId: string): Promise<SettlementRow | undefined> {
    const [row] = await sql.query<FileRow>(FIND, [settlementId])
    return row === undefined ? undefined : toRow(row)
  }

  return {
    find,
    async begin({ settlementId, processor, fileName, fileHash, createdAtMs }) {
      await sql.query(BEGIN, [settlementId, processor, fileName, fileHash, new Date(createdAtMs)])
      const [last] = await sql.query<{ line: bigint | null }>(LAST_LINE, [settlementId])
      return { row: (await find(settlementId))!, lastLine: Number(last?.line ?? 0n) }
    },
    async addLines(settlementId, lines) {
      await sql.query(ADD_LINES, [
        settlementId,
        lines.map(({ line }) => line),
        lines.map(({ type }) => type),
        lines.map(({ reference }) => reference ?? null),
        lines.map(({ opId }) => opId ?? null),
        lines.map(({ amount }) => amount),
        lines.map(({ currency }) => currency),
        lines.map(({ fee }) => fee),
        lines.map(({ occurredAtMs }) => new Date(occurredAtMs)),
        lines.map(({ payoutId }) => payoutId ?? null),
      ])
    },
    async finish(settlementId, { rowsRead, rowsBad, period, importedAtMs }) {
      const days = [time(period?.fromMs), time(period?.toMs)]
      await sql.query(FINISH, [settlementId, rowsRead, rowsBad, ...days, new Date(importedAtMs)])
    },
    reconcile(settlementId, nowMs, missingBeforeMs) {
      const compare = async (tx: SqlTx): Promise<boolean> => {
        // Whoever else compares this file waits here.
        const [file] = await tx.query<Pick<FileRow, 'processor' | 'period_from' | 'period_to' | 'imported_at'>>(LOCK, [
          settlementId,
        ])
        if (file === undefined) return false
        await tx.query(BY_HASHES, [String(LIMITS.settlementMsMax)])
        await tx.query(FORGET, [settlementId])
        const { processor, period_from: from, period_to: to, imported_at: importedAt } = file
        await tx.query(RECONCILE, [settlementId, processor, from, to, importedAt, new Date(missingBeforeMs)])
        await tx.query(COUNT, [settlementId, new Date(nowMs)])
        return true
      }
      return sql.transaction(compare, { unlimited: true })
    },
    totals: (settlementId) => sql.query<SettlementTotal>(TOTALS, [settlementId]),
    async list(processor, before, limit) {
      const key = before === undefined ? [null, ''] : [new Date(before.createdAtMs), before.settlementId]
      return (await sql.query<FileRow>(LIST, [processor ?? null, ...key, limit])).map(toRow)
    },
    async items(settlementId, result, afterItemNo, limit) {
      const params = [settlementId, afterItemNo, limit]
      const rows = await (result === undefined
        ? sql.query<ItemRow>(ITEMS, params)
        : sql.query<ItemRow>(ITEMS_OF, [...params, result]))
      return rows.map(toItem)
    },
  }
}
