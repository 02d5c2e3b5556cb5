/** What a line of a settlement file tells of; the first five are compared with payments. */
export const SETTLEMENT_TYPES = [
  'charge',
  'refund',
  'refund_reversal',
  'dispute',
  'dispute_reversal',
  'fee',
  'payout',
  'adjustment',
] as const
export type SettlementType = (typeof SETTLEMENT_TYPES)[number]

export const SETTLEMENT_RESULTS = ['matched', 'differing', 'missing', 'unknown', 'not_compared'] as const
export type SettlementResult = (typeof SETTLEMENT_RESULTS)[number]

/** One line of a file, amounts in minor units as the file has them: what was given back may be negative. */
export interface SettlementLine {
  readonly line: number
  readonly type: SettlementType
  /** What the processor calls the capture, the refund or the dispute. */
  readonly reference: string | undefined
  readonly opId: string | undefined
  readonly amount: bigint
  readonly currency: string
  readonly fee: bigint
  readonly occurredAtMs: number
  readonly payoutId: string | undefined
}

export interface SettlementFile {
  readonly settlementId: string
  readonly processor: string
  readonly fileName: string
  readonly fileHash: Uint8Array
  readonly createdAtMs: number
}

/** The days that a file is about; the end is not included. */
export interface SettlementPeriod {
  readonly fromMs: number
  readonly toMs: number
}

export interface SettlementRow extends SettlementFile {
  readonly period: SettlementPeriod | undefined
  readonly rowsRead: number
  readonly rowsBad: number
  /** When its last line was stored; `undefined` before. */
  readonly importedAtMs: number | undefined
  readonly reconciledAtMs: number | undefined
  readonly counts: Readonly<Record<SettlementResult, number>>
}

export type SettlementKey = Pick<SettlementFile, 'createdAtMs' | 'settlementId'>

/** Sums of the lines of one type and currency, in minor units. */
export interface SettlementTotal {
  readonly type: SettlementType
  readonly currency: string
  readonly lines: number
  readonly amount: bigint
  readonly fee: bigint
}

export interface SettlementItem {
  /** Its place in the list of its settlement. */
  readonly itemNo: number
  readonly result: SettlementResult
  readonly differences: readonly string[]
  readonly type: SettlementType
  /** The operation, or the dispute of a line about one; `undefined` when we know neither. */
  readonly subjectId: string | undefined
  readonly paymentIntentId: string | undefined
  /** What we have, in minor units. */
  readonly expectedAmount: bigint | undefined
  readonly expectedCurrency: string | undefined
  readonly occurredAtMs: number
  /** What the file has; `undefined` when it lacks the item. */
  readonly line: SettlementLine | undefined
}

/** Files of processors and their comparison with payments. Every write can be repeated. */
export interface SettlementStore {
  /** Stores the head of a file unless it is there, and answers it with the number of its last stored line, 0 for none. */
  begin(file: SettlementFile): Promise<{ readonly row: SettlementRow; readonly lastLine: number }>
  /** Stores lines in one statement; those that are there already stay as they are. */
  addLines(settlementId: string, lines: readonly SettlementLine[]): Promise<void>
  /** All lines are stored. Without a period it is that of the days of its lines. */
  finish(
    settlementId: string,
    file: {
      readonly rowsRead: number
      readonly rowsBad: number
      readonly period: SettlementPeriod | undefined
      readonly importedAtMs: number
    },
  ): Promise<void>
  /**
   * Compares a file that is imported, in place of what was compared before; atomic. What was requested in its period, after
   * `missingBeforeMs` counts as missing only later. False when there is no such file, or it is not imported.
   */
  reconcile(settlementId: string, nowMs: number, missingBeforeMs: number): Promise<boolean>
  find(settlementId: string): Promise<SettlementRow | undefined>
  totals(settlementId: string): Promise<SettlementTotal[]>
  /** Newest first; those older than `before`. */
  list(processor: string | undefined, before: SettlementKey | undefined, limit: number): Promise<SettlementRow[]>
  /** In the order of the file, what it lacks at the end; after `afterItemNo`. */
  items(
    settlementId: string,
    result: SettlementResult | undefined,
    afterItemNo: number,
    limit: number,
  ): Promise<SettlementItem[]>
}
