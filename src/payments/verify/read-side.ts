import { canonicalJson } from '../../core/canonical-json.ts'
import { initialState, needsResponse, type PaymentState, waitsInReview } from '../model/state.ts'
import { stateToJson } from '../model/state-json.ts'
import type { AuditedPayment, SetAside } from '../ports/audit.ts'
import type { StoredEvent } from '../ports/store.ts'
import type { CustomerTransaction, DisputeRow, LedgerEntry } from '../ports/views.ts'
import { type BatchRows, foldBatch } from '../read-model/fold-batch.ts'
import { differing, listDifferences } from './differing.ts'
import type { Problems } from './findings.ts'
import { columnsOf } from './write-side.ts'

/** What the read models must have of these events of one payment. */
export function rowsOf(events: readonly StoredEvent[]): BatchRows {
  return foldBatch(
    events.map((event) => ({ ...event, streamId: event.paymentIntentId })),
    new Map(),
  )
}

/** The events that the read models had folded at `checkpoint`. */
export function seenBy(
  events: readonly StoredEvent[],
  checkpoint: bigint,
  setAside: SetAside | undefined,
): StoredEvent[] {
  return events.filter(
    ({ eventId }) => eventId <= checkpoint && (setAside === undefined || eventId < setAside.fromEventId),
  )
}

function stateDifferences(actual: PaymentState, expected: PaymentState): string[] {
  const [a, b] = [stateToJson(actual), stateToJson(expected)]
  return Object.keys(b)
    .filter((name) => canonicalJson(a[name] ?? null) !== canonicalJson(b[name] ?? null))
    .map((name) => `view: ${name} is not what the events say`)
}

function viewProblems({ view }: AuditedPayment, expected: PaymentState | undefined): string[] {
  if (expected === undefined) return view === undefined ? [] : ['view: shows a payment whose events it has not seen']
  if (view === undefined) return ['view: the payment is missing']
  const { processor } = expected
  const waiting = { inReview: waitsInReview(expected), needsResponse: needsResponse(expected) }
  return [
    ...differing('view', { ...view }, { ...columnsOf(expected), processor, ...waiting }),
    ...stateDifferences(view.state, expected),
  ]
}

const transactionText = ({ version, type, amount, currency, orderId, timestampMs }: CustomerTransaction) =>
  `${version} ${type} ${amount} ${currency} ${orderId ?? 'no order'} at ${timestampMs}`
const entryText = ({ eventId, line, account, amount, currency, timestampMs }: LedgerEntry) =>
  `event ${eventId} line ${line}: ${amount} ${currency} to ${account} at ${timestampMs}`
const disputeText = (row: DisputeRow) =>
  `${row.disputeId} ${row.status} ${row.amount} ${row.currency} by ${row.processor} for ${row.reason}, due ` +
  `${row.evidenceDueMs ?? 'never'}, of ${row.customerId ?? 'nobody'} ${row.orderId ?? 'no order'}, opened ` +
  `${row.openedAtMs}, changed ${row.updatedAtMs}`

/** The lines of each event must add up to 0, whatever the events say. */
function sumProblems(entries: readonly LedgerEntry[]): string[] {
  const sums = new Map<string, bigint>()
  for (const { eventId, currency, amount } of entries) {
    const key = `event ${eventId} in ${currency}`
    sums.set(key, (sums.get(key) ?? 0n) + amount)
  }
  return [...sums].filter(([, sum]) => sum !== 0n).map(([key, sum]) => `ledger: the lines of ${key} add up to ${sum}`)
}

/** What processors owe of a payment by the ledger, against its amounts: another way to the same sum. */
function balanceProblems(entries: readonly LedgerEntry[], { captured, refunded, disputed }: PaymentState): string[] {
  const sum = (isWanted: (account: string) => boolean) =>
    entries.filter(({ account }) => isWanted(account)).reduce((total, { amount }) => total + amount, 0n)
  const owed = sum((account) => account.startsWith('processor:')) + sum((account) => account === 'refunds_excess')
  const expected = captured - refunded - disputed
  return owed === expected ? [] : [`ledger: processors owe ${owed}, the payment says ${expected}`]
}

/** The read models against the events that they had seen when they were read. Throws where those can't be read. */
export function readSideProblems(audited: AuditedPayment): Problems {
  const { events, transactions, entries, disputes, checkpoint, setAside } = audited
  const seen = seenBy(events, checkpoint, setAside)
  const expected = rowsOf(seen)
  const state = expected.states.get(audited.paymentIntentId)
  const aside =
    setAside === undefined ? [] : [`read models: set aside from event ${setAside.fromEventId}: ${setAside.reason}`]
  return {
    set_aside: aside,
    view: viewProblems(audited, state),
    transactions: listDifferences(
      'customer transactions',
      transactions.map(transactionText),
      expected.transactions.map(transactionText),
    ),
    ledger: [
      ...listDifferences('ledger', entries.map(entryText), expected.entries.map(entryText)),
      ...sumProblems(entries),
      ...balanceProblems(entries, state ?? initialState),
    ],
    disputes: listDifferences('disputes', disputes.map(disputeText), expected.disputes.map(disputeText)),
  }
}
