import type { LogEvent, Projection, ProjectionBatch } from '../../log/port.ts'
import type { PaymentState } from '../../payments/model/state.ts'
import { stateFromJson } from '../../payments/model/state-json.ts'
import { foldBatch } from '../../payments/read-model/fold-batch.ts'
import type { SqlTx } from '../sql/sql.ts'
import { clearRows, writeRows } from './payment-projection-rows.ts'

const VIEWED = `
select payment_intent_id, state from payment_view_gen
where generation = $1 and shard = $2 and payment_intent_id = any($3)`

/** A payment has its events in few batches when they are large; and each sum is touched less often. */
const BATCH_EVENTS = 2_000

/** Those payments of a batch that began before it. */
function begunBefore(events: readonly LogEvent[]): string[] {
  const seen = new Set<string>()
  const begun: string[] = []
  for (const { streamId, version } of events) {
    if (seen.has(streamId)) continue
    seen.add(streamId)
    if (version > 1) begun.push(streamId)
  }
  return begun
}

async function knownStates({ generation, shard, events }: ProjectionBatch, tx: SqlTx) {
  const ids = begunBefore(events)
  if (ids.length === 0) return new Map<string, PaymentState>()
  const rows = await tx.query<{ payment_intent_id: string; state: Record<string, unknown> }>(VIEWED, [
    generation,
    shard,
    ids,
  ])
  return new Map(rows.map((row) => [row.payment_intent_id, stateFromJson(row.state)]))
}

/**
 * All read models of payments but the snapshots, folded by the very code that decides commands: the payments, the
 * transactions of customers, disputes, ledger entries and balances, and the sums of days. They are one projection, so
 * that all of a payment is there or none of it, also where it was set aside.
 */
export const paymentView: Projection<SqlTx> = {
  name: 'payment_view',
  log: 'payments',
  version: 1,
  batchEvents: BATCH_EVENTS,
  async handle(batch, tx) {
    await writeRows(batch, foldBatch(batch.events, await knownStates(batch, tx)), tx)
  },
  clear: clearRows,
}
