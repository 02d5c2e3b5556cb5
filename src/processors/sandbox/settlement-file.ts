import { csvLine } from '../../core/csv.ts'
import type { SandboxCharge, SandboxLedger } from '../../payments/ports/sandbox-ledger.ts'

const COLUMNS = ['type', 'reference', 'op_id', 'amount', 'currency', 'fee', 'occurred_at', 'payout_id'] as const
const TYPES = { capture: 'charge', refund: 'refund' } as const
const PAGE = 500
/** What the sandbox keeps of a charge: 1.4 % and 25 minor units, rounded down. */
const feeOf = (amount: bigint): bigint => (amount * 14n) / 1_000n + 25n

const isoOf = (ms: number): string => new Date(ms).toISOString()

function* disputeLines({ dispute, currency }: SandboxCharge, atMs: number): Generator<string> {
  if (dispute === undefined) return
  const { disputeId, amount, status } = dispute
  const line = (type: string, signed: bigint) =>
    csvLine([type, disputeId, '', signed, currency, 0, isoOf(atMs), `po_${isoOf(atMs).slice(0, 10)}`])
  yield line('dispute', -amount)
  if (status === 'won') yield line('dispute_reversal', amount)
}

/**
 * A settlement file of the sandbox's books, as CSV in the columns that Fanfold imports, for trying reconciliation out:
 * what it captured and gave back from `fromMs` up to before `toMs`, and what became of disputes. Fees are made up.
 */
export async function* sandboxSettlementCsv(
  ledger: Pick<SandboxLedger, 'entries' | 'charge'>,
  processor: string,
  { fromMs = 0, toMs = Number.POSITIVE_INFINITY }: { readonly fromMs?: number; readonly toMs?: number } = {},
): AsyncGenerator<string> {
  yield csvLine(COLUMNS)
  const disputed = new Set<string>()
  for (let after = 0n; ; ) {
    const rows = await ledger.entries(after, PAGE)
    for (const { entry } of rows) {
      const { kind, status, createdAtMs, amount, reference, key, currency } = entry
      const isMoney = kind === 'capture' || kind === 'refund'
      if (entry.processor !== processor || !isMoney || status !== 'succeeded') continue
      if (createdAtMs < fromMs || createdAtMs >= toMs) continue
      const at = isoOf(createdAtMs)
      const [signed, fee] = kind === 'capture' ? [amount, feeOf(amount)] : [-amount, 0n]
      yield csvLine([TYPES[kind], reference, key, signed, currency, fee, at, `po_${at.slice(0, 10)}`])
      if (kind !== 'capture' || entry.charge === undefined || disputed.has(entry.charge)) continue
      disputed.add(entry.charge)
      const charge = await ledger.charge(entry.charge)
      if (charge !== undefined) yield* disputeLines(charge, createdAtMs)
    }
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.entryId
  }
}
