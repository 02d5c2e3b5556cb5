import { fromMinor } from '../../core/money.ts'
import type { SettlementItem, SettlementRow, SettlementTotal } from '../ports/settlements.ts'
import type { Settlement, SettlementItemDocument, SettlementWithTotals } from './schemas.ts'

const time = (ms: number): string => new Date(ms).toISOString()
const day = (ms: number): string => time(ms).slice(0, 10)

export function toSettlement(row: SettlementRow): Settlement {
  const { period, importedAtMs, reconciledAtMs } = row
  return {
    settlement_id: row.settlementId,
    processor: row.processor,
    file_name: row.fileName,
    file_hash: Buffer.from(row.fileHash).toString('hex'),
    status: importedAtMs === undefined ? 'importing' : reconciledAtMs === undefined ? 'imported' : 'reconciled',
    from: period === undefined ? null : day(period.fromMs),
    to: period === undefined ? null : day(period.toMs - 1),
    rows_read: row.rowsRead,
    rows_bad: row.rowsBad,
    created_at: time(row.createdAtMs),
    reconciled_at: reconciledAtMs === undefined ? null : time(reconciledAtMs),
    ...row.counts,
  }
}

export function withTotals(row: SettlementRow, totals: readonly SettlementTotal[]): SettlementWithTotals {
  const shown = totals.map((total) => ({ ...total, amount: fromMinor(total.amount), fee: fromMinor(total.fee) }))
  return { ...toSettlement(row), totals: shown }
}

export function toItem(item: SettlementItem): SettlementItemDocument {
  const { type, subjectId, expectedAmount, line } = item
  const isDispute = type === 'dispute' || type === 'dispute_reversal'
  return {
    result: item.result,
    differences: [...item.differences],
    type,
    op_id: (isDispute ? line?.opId : (subjectId ?? line?.opId)) ?? null,
    dispute_id: (isDispute ? subjectId : undefined) ?? null,
    payment_intent_id: item.paymentIntentId ?? null,
    expected_amount: expectedAmount === undefined ? null : fromMinor(expectedAmount),
    expected_currency: item.expectedCurrency ?? null,
    line: line?.line ?? null,
    reference: line?.reference ?? null,
    amount: line === undefined ? null : fromMinor(line.amount),
    currency: line?.currency ?? null,
    fee: line === undefined ? null : fromMinor(line.fee),
    payout_id: line?.payoutId ?? null,
    occurred_at: time(item.occurredAtMs),
  }
}
