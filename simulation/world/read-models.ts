import type { LogEvent, LogStore, Projection } from '../../src/log/port.ts'
import type { PaymentState } from '../../src/payments/model/state.ts'
import { stateFromJson, stateToJson } from '../../src/payments/model/state-json.ts'
import type { PaymentBooks, PaymentViews, ViewedPayment } from '../../src/payments/ports/views.ts'
import { foldBatch } from '../../src/payments/read-model/fold-batch.ts'
import { notSimulated } from './inbox.ts'
import type { Send } from './payment-store.ts'
import type { ReadModels, Tables, Witness } from './tables.ts'

/** A transaction: what it has written is kept only when all of it has gone well. */
export interface Transaction {
  readonly models: ReadModels
}

function copyOf({ checkpoints, views, transactions, entries, balances, disputes }: ReadModels): ReadModels {
  return {
    ...{ checkpoints: [...checkpoints], views: new Map(views), transactions: [...transactions] },
    ...{ entries: [...entries], balances: new Map(balances), disputes: new Map(disputes) },
  }
}

function toLogEvent(event: Tables['logs'][number][number]): LogEvent {
  const { shard, eventId, paymentIntentId: streamId, version, type, schemaVersion, timestampMs, payload } = event
  return { shard, eventId, streamId, version, type, schemaVersion, timestampMs, payload }
}

const NAME = 'payment_view'
const GENERATION = 1

export function openLog(tables: Tables, send: Send): LogStore<Transaction> {
  const state = {
    ...{ name: NAME, version: 1, liveGeneration: GENERATION },
    ...{ buildingGeneration: undefined, buildingVersion: undefined },
  }
  const none = async () => []
  return {
    ...{ log: 'payments', shards: tables.shards, foldsAtOnce: 2 },
    heads: () => send('log.heads', () => tables.logs.map((log) => BigInt(log.length))),
    read: (shard, after, limit) =>
      send('log.read', () =>
        tables.logs[shard]!.slice(Number(after), Math.min(Number(after) + limit, tables.logs[shard]!.length)).map(
          toLogEvent,
        ),
      ),
    readStream: none,
    transaction: (work) =>
      send('log.fold', async () => {
        const models = copyOf(tables.readModels)
        const value = await work({ models })
        Object.assign(tables.readModels, models)
        return value
      }) as ReturnType<typeof work>,
    register: async () => undefined,
    projection: async () => state,
    checkpoints: () =>
      send('log.checkpoints', () =>
        tables.readModels.checkpoints.map((lastEventId, shard) => ({ shard, generation: GENERATION, lastEventId })),
      ),
    async moveCheckpoint(_name, _generation, shard, from, to, { models }) {
      if (models.checkpoints[shard] !== from) return false
      models.checkpoints[shard] = to
      return true
    },
    holdCheckpoint: async (_name, _generation, shard, { models }) => models.checkpoints[shard],
    quarantines: none,
    quarantinedStreams: async () => new Set<string>(),
    async addQuarantine({ reason, streamId }) {
      throw new Error(`the read models set ${streamId} aside: ${reason}`)
    },
    removeQuarantine: async () => undefined,
    startGeneration: async () => GENERATION,
    flipGeneration: async () => false,
    retireGenerations: none,
    dropGeneration: async () => undefined,
  }
}

/** The read models as the product folds them: the rows are of its own pure functions, only the tables are ours. */
export function paymentProjection(witness: Witness): Projection<Transaction> {
  return {
    ...{ name: NAME, log: 'payments', version: 1, batchEvents: 20 },
    async handle({ events }, { models }) {
      const known = new Map<string, PaymentState>()
      for (const { streamId } of events) {
        const view = models.views.get(streamId)
        if (view !== undefined) known.set(streamId, stateFromJson(JSON.parse(view)))
      }
      const rows = foldBatch(events, known)
      for (const [id, state] of rows.states) models.views.set(id, JSON.stringify(stateToJson(state)))
      models.transactions.push(...rows.transactions)
      models.entries.push(...rows.entries)
      for (const row of rows.disputes) models.disputes.set(`${row.paymentIntentId} ${row.disputeId}`, row)
      for (const { account, currency, debit, credit } of rows.balances) {
        const name = `${account} ${currency}`
        const sums = models.balances.get(name) ?? { account, currency, debit: 0n, credit: 0n }
        models.balances.set(name, { ...sums, debit: sums.debit + debit, credit: sums.credit + credit })
      }
      witness.folded(rows.states, rows.entries)
    },
    clear: async () => 0,
  }
}

const asked = notSimulated('reading the books')

export function openViews({ tables, send }: { readonly tables: Tables; readonly send: Send }): PaymentViews {
  function viewOf(paymentIntentId: string): ViewedPayment | undefined {
    const head = tables.heads.get(paymentIntentId)
    if (head === undefined) return undefined
    const view = tables.readModels.views.get(paymentIntentId)
    const state = view === undefined ? undefined : stateFromJson(JSON.parse(view))
    return { paymentIntentId, headVersion: head.version, state }
  }
  return {
    find: (id) => send('views.find', () => viewOf(id)),
    findByOrder: (orderId) =>
      send('views.findByOrder', () =>
        [...tables.heads].flatMap(([id, head]) => (head.orderId === orderId ? (viewOf(id) ?? []) : [])),
      ),
    list: asked,
    transactions: (customerId, _before, limit) =>
      send('views.transactions', () => {
        const { transactions } = tables.readModels
        return transactions.filter((row) => 'customerId' in row && row.customerId === customerId).slice(-limit)
      }),
    disputes: (_filter, _after, limit) =>
      send('views.disputes', () => [...tables.readModels.disputes.values()].slice(0, limit)),
  }
}

export const BOOKS: PaymentBooks = { balances: asked, entries: asked, days: asked }
export const AUDIT = { find: asked }
