import type { AuditedPayment, PaymentAudit, ShardCount } from '../ports/audit.ts'
import type { SandboxLedger } from '../ports/sandbox-ledger.ts'
import type { PaymentStore } from '../ports/store.ts'
import { createBooksCheck } from './books.ts'
import { compareBooks, compareEffects } from './effects.ts'
import { findingsOf } from './findings.ts'

/** One thing that is not as it must be. `subject` is a payment, an operation, a shard of the log or `books`. */
export interface PaymentDifference {
  readonly subject: string
  readonly problem: string
}

export interface PaymentReport {
  readonly ok: boolean
  readonly payments: number
  readonly events: number
  readonly operations: number
  readonly ledger_entries: number
  /** Operations without an outcome, by status: no mistake, but money whose fate is not known yet. */
  readonly open_operations: Readonly<Record<string, number>>
  /** What was taken and given back by the events, by currency, in minor units. */
  readonly captured: Readonly<Record<string, string>>
  readonly refunded: Readonly<Record<string, string>>
  readonly differences: readonly PaymentDifference[]
}

export interface VerifyPaymentsDeps {
  readonly audit: PaymentAudit
  readonly store: Pick<PaymentStore, 'operation' | 'openOperations'>
  /** The processor's books, where they can be read: the sandbox's. */
  readonly ledger?: SandboxLedger | undefined
  /** Names of the processors whose books those are. */
  readonly ledgerOf?: readonly string[] | undefined
  /** Called now and then with the number of payments looked at. */
  readonly onProgress?: ((payments: number) => void) | undefined
}

const PAGE = 500

function countProblems({ head, events, firstEventId, lastEventId }: ShardCount): string[] {
  const isWhole = events === head && lastEventId === head && firstEventId === (head > 0n ? 1n : 0n)
  return isWhole ? [] : [`${events} events from ${firstEventId} to ${lastEventId}, but ${head} were numbered`]
}

function addTo(sums: Map<string, bigint>, currency: string, amount: bigint): void {
  sums.set(currency, (sums.get(currency) ?? 0n) + amount)
}

const shown = (sums: Map<string, bigint>) =>
  Object.fromEntries([...sums].sort().map(([currency, sum]) => [currency, sum.toString()]))

/**
 * Checks that payments are what their events say: versions dense, hashes chained, head, operations, snapshots and all
 * read models equal to the fold, sums equal to what they sum, the ledger balanced, log contiguous; and, with the
 * processor's books, that each effect happened exactly once and no money is doubled or lost. Reads only, and may run
 * under load: each payment, and the sums, are compared as of one moment.
 */
export async function verifyPayments(deps: VerifyPaymentsDeps): Promise<PaymentReport> {
  const { audit, store, ledger, ledgerOf = ['sandbox'], onProgress } = deps
  const differences: PaymentDifference[] = []
  const note = (subject: string, problems: readonly string[]) => {
    for (const problem of problems) differences.push({ subject, problem })
  }
  const totals = { payments: 0, events: 0, operations: 0 }
  const captured = new Map<string, bigint>()
  const refunded = new Map<string, bigint>()

  const books = createBooksCheck(await audit.books())
  let last: AuditedPayment | undefined
  for (;;) {
    const page: AuditedPayment[] = await audit.page(last, PAGE)
    for (const audited of page) {
      const { findings, state } = findingsOf(audited)
      note(
        audited.paymentIntentId,
        findings.map(({ message }) => message),
      )
      if (state !== undefined) books.add(audited)
      totals.payments += 1
      totals.events += audited.events.length
      totals.operations += audited.operations.length
      if (state === undefined || state.captured === 0n) continue
      addTo(captured, state.currency, state.captured)
      addTo(refunded, state.currency, state.refunded)
    }
    if (ledger !== undefined) differences.push(...(await compareEffects(page, ledger, ledgerOf)))
    onProgress?.(totals.payments)
    last = page.at(-1)
    if (page.length < PAGE) break
  }
  note('books', books.problems())
  const ledger_entries =
    ledger === undefined ? 0 : await compareBooks(ledger, store, (finding) => differences.push(finding))
  for (const count of await audit.counts()) note(`payments log, shard ${count.shard}`, countProblems(count))
  for (const orphan of await audit.orphans(PAGE)) note(orphan, ['has events or rows in the read models, but no head'])

  return {
    ok: differences.length === 0,
    ...{ ...totals, ledger_entries, open_operations: await store.openOperations() },
    ...{ captured: shown(captured), refunded: shown(refunded), differences },
  }
}
