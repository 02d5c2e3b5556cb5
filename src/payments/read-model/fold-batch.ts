import type { LogEvent } from '../../log/port.ts'
import type { RecordedEvent } from '../model/events.ts'
import { evolve } from '../model/evolve.ts'
import { initialState, type PaymentState } from '../model/state.ts'
import { readEvent } from '../model/upcast.ts'
import type { CustomerTransaction, DisputeRow, LedgerBalance, LedgerEntry, PaymentDay } from '../ports/views.ts'
import { TRANSACTION_TYPE_OF } from '../schemas.ts'
import { addCounts, countsOf, type DaySums, dayAt, dayNumber, NO_COUNTS, processorOf } from './days.ts'
import { postingsOf } from './postings.ts'

export interface TransactionOf extends CustomerTransaction {
  readonly customerId: string
}

/** What a batch of events of one shard adds to the read models. */
export interface BatchRows {
  /** Each payment of the batch, after it. */
  readonly states: ReadonlyMap<string, PaymentState>
  readonly transactions: readonly TransactionOf[]
  readonly entries: readonly LedgerEntry[]
  /** Sums to be added, by account and currency. */
  readonly balances: readonly LedgerBalance[]
  /** Sums to be added, by day, currency and processor. */
  readonly days: readonly PaymentDay[]
  /** Disputes that changed, as they are after the batch; the processor is the one at their opening. */
  readonly disputes: readonly DisputeRow[]
}

interface Batch {
  readonly transactions: TransactionOf[]
  readonly entries: LedgerEntry[]
  readonly balances: Map<string, LedgerBalance>
  readonly days: Map<string, DaySums>
  readonly disputes: Map<string, DisputeRow>
}

/** One fact, and the payment before and after it. */
interface Step {
  readonly stored: LogEvent
  readonly event: RecordedEvent
  readonly before: PaymentState
  readonly after: PaymentState
}

function addTransaction({ transactions }: Batch, { stored, event: { type, payload }, after }: Step): void {
  const { customerId, currency, orderId } = after
  if (customerId === undefined || TRANSACTION_TYPE_OF[type] === undefined) return
  if (!('amount' in payload) || payload.amount <= 0) return
  const { streamId: paymentIntentId, version, timestampMs } = stored
  const amount = BigInt(payload.amount)
  transactions.push({ customerId, paymentIntentId, version, type, amount, currency, orderId, timestampMs })
}

function addPostings({ entries, balances }: Batch, { stored, event, before, after }: Step): void {
  const { shard, eventId, streamId: paymentIntentId, timestampMs } = stored
  const { currency } = after
  postingsOf(event, before, after).forEach(({ account, amount }, line) => {
    entries.push({ shard, eventId, line, paymentIntentId, account, currency, amount, timestampMs })
    const key = `${account} ${currency}`
    const { debit, credit } = balances.get(key) ?? { debit: 0n, credit: 0n }
    const sums = amount > 0n ? { debit: debit + amount, credit } : { debit, credit: credit - amount }
    balances.set(key, { account, currency, ...sums })
  })
}

function addDay({ days }: Batch, { event, before, after }: Step): void {
  const counts = countsOf(event, before, after)
  if (counts === undefined) return
  const { currency } = after
  const processor = processorOf(event, before, after)
  const key = `${dayNumber(event.timestampMs)} ${currency} ${processor}`
  let sums = days.get(key)
  if (sums === undefined) {
    sums = { day: dayAt(event.timestampMs), currency, processor, ...NO_COUNTS }
    days.set(key, sums)
  }
  addCounts(sums, counts)
}

function addDisputes({ disputes }: Batch, { stored, before, after }: Step): void {
  const { customerId, orderId, currency } = after
  for (const [disputeId, dispute] of after.disputes) {
    if (before.disputes.get(disputeId) === dispute) continue
    const key = `${stored.streamId} ${disputeId}`
    const processor = disputes.get(key)?.processor ?? after.processor
    const { amount, reason, status, evidenceDueMs, openedAtMs, updatedAtMs } = dispute
    disputes.set(key, {
      ...{ disputeId, paymentIntentId: stored.streamId, processor, customerId, orderId, amount, currency, reason },
      ...{ status, evidenceDueMs, openedAtMs, updatedAtMs },
    })
  }
}

/**
 * Folds events of one shard, in log order, onto the payments as they were: `known` has those that had begun. Pure. What
 * the rows of the read models are is said here and nowhere else. Throws where an event does not follow its payment.
 */
export function foldBatch(events: readonly LogEvent[], known: ReadonlyMap<string, PaymentState>): BatchRows {
  const states = new Map<string, PaymentState>()
  const batch: Batch = {
    ...{ transactions: [], entries: [], balances: new Map(), days: new Map(), disputes: new Map() },
  }
  for (const stored of events) {
    const { streamId, version } = stored
    const before = states.get(streamId) ?? known.get(streamId) ?? initialState
    if (version !== before.version + 1)
      throw new Error(`${streamId}: event ${version} follows version ${before.version}`)
    const event = readEvent(stored)
    const after = evolve(before, event)
    states.set(streamId, after)
    const step = { stored, event, before, after }
    addTransaction(batch, step)
    addPostings(batch, step)
    addDay(batch, step)
    if (after.disputes !== before.disputes) addDisputes(batch, step)
  }
  const { transactions, entries, balances, days, disputes } = batch
  return {
    ...{ states, transactions, entries },
    ...{ balances: [...balances.values()], days: [...days.values()], disputes: [...disputes.values()] },
  }
}
