import type { NewEvent } from '../../orders/ports.ts'
import type { Answer } from './client-mysql2.ts'
import type { Statement } from './literals.ts'
import { rowsTable } from './rows.ts'

/** An event of an order that is to be appended to its shard. */
export interface AppendedEvent extends NewEvent {
  readonly shard: number
  readonly orderId: bigint
  readonly version: number
}

interface Numbered extends AppendedEvent {
  /** How far it stands before the new head of its shard. */
  readonly behind: number
}

const EVENTS = rowsTable<Numbered>([
  ['shard', 'smallint', ({ shard }) => shard],
  ['behind', 'int', ({ behind }) => behind],
  ['order_id', 'bigint', ({ orderId }) => orderId],
  ['version', 'int', ({ version }) => version],
  ['timestamp', 'timestamptz', ({ atMs }) => new Date(atMs)],
  ['event_type', 'text', ({ event }) => event.type],
  ['actor', 'text', ({ actor }) => actor],
  ['request_id', 'text', ({ requestId }) => requestId],
  ['details', 'jsonb', ({ event }) => event.details],
  ['hash', 'bytea', ({ hash }) => hash],
])

const RAISE = `update log_head set last_event_id = last_event_id + ? where shard = ? and log = 'orders'`

const HEADS = `select shard, last_event_id from log_head where shard in (?) and log = 'orders'`

const APPEND = `
insert into order_history
  (shard, event_id, order_id, version, timestamp, event_type, actor, request_id, details, hash)
select e.shard, h.last_event_id - e.behind, e.order_id, e.version, e.timestamp, e.event_type, e.actor, e.request_id,
  e.details, e.hash
from ${EVENTS.table('e')} join log_head h on h.shard = e.shard and h.log = 'orders'`

export interface Appending {
  /**
   * To be sent at the end of the last round trip of a transaction: from the first of them on it holds the heads of its
   * shards, and nobody else appends to them until it commits.
   */
  readonly statements: readonly Statement[]
  /** The numbers of the events, in their order, from the answers to the statements. */
  eventIds(answers: readonly Answer[]): bigint[]
}

/** Appends events to the log: numbered in the order given, without a gap, in the order of commits. */
export function appendEvents(events: readonly AppendedEvent[]): Appending {
  const due = new Map<number, number>()
  for (const { shard } of events) due.set(shard, (due.get(shard) ?? 0) + 1)
  const left = new Map(due)
  const numbered = events.map((event): Numbered => {
    const behind = left.get(event.shard)! - 1
    left.set(event.shard, behind)
    return { ...event, behind }
  })
  const shards = [...due.keys()].sort((a, b) => a - b)
  if (shards.length === 0) return { statements: [], eventIds: () => [] }
  return {
    statements: [
      ...shards.map((shard) => ({ text: RAISE, params: [due.get(shard), shard] })),
      { text: APPEND, params: [EVENTS.param(numbered)] },
      { text: HEADS, params: [shards] },
    ],
    eventIds(answers) {
      const rows = answers.at(-1)!.rows as readonly { shard: number; last_event_id: bigint }[]
      const heads = new Map(rows.map((row) => [row.shard, row.last_event_id]))
      return numbered.map(({ shard, behind }) => heads.get(shard)! - BigInt(behind))
    },
  }
}
