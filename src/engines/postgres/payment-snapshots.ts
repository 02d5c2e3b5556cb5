import { LIMITS } from '../../core/limits.ts'
import type { LogEvent, Projection, ProjectionBatch } from '../../log/port.ts'
import { evolve } from '../../payments/model/evolve.ts'
import { initialState, STATE_VERSION } from '../../payments/model/state.ts'
import { stateFromJson, stateToJson } from '../../payments/model/state-json.ts'
import { readEvent } from '../../payments/model/upcast.ts'
import type { Moment, StoredEvent, StoredSnapshot } from '../../payments/ports/store.ts'
import type { SqlClient, SqlTx } from '../sql/sql.ts'
import { EVENT_COLUMNS, type EventRow, toStoredEvent } from './payment-rows.ts'

/** Of the event that a snapshot was taken at, the row has its state too. */
interface HistoryRow extends EventRow {
  state: Record<string, unknown> | null
}

/**
 * The newest snapshot of a payment that this program may use: of the same fold, and its last event is still the one that
 * is stored.
 */
const newestSnapshot = (from: string, where: string, stateVersion: string) => `
select s.version, s.state from (
  select * from ${from} s where ${where} and s.state_version = ${stateVersion} order by s.version desc) s
where s.event_hash = (
  select e.hash from payment_events e
  where e.shard = s.shard and e.payment_intent_id = s.payment_intent_id and e.version = s.version)
order by s.version desc limit 1`

const OF_PAYMENT = 'shard = $1 and payment_intent_id = $2'

/** `bound` selects the last version to be read, as `version`. */
const historyText = (bound: string) => `
with bound as (${bound}),
base as (${newestSnapshot(
  'payment_snapshots',
  's.shard = $1 and s.payment_intent_id = $2 and s.version <= (select version from bound)',
  '$3',
)})
select ${EVENT_COLUMNS}, case when version = (select version from base) then (select state from base) end as state
from payment_events
where ${OF_PAYMENT} and version >= coalesce((select version from base), 1) and version <= (select version from bound)
order by version`

const LOAD = historyText(`select ${LIMITS.paymentEventsMax} as version`)
const LOAD_VERSION = historyText('select $4::int as version')
const LOAD_EVENT_ID = historyText(
  `select max(version) as version from payment_events where ${OF_PAYMENT} and event_id <= $4::bigint`,
)
// The clocks of two processes differ, so times need not ascend: what follows an event of a later time is as late.
const LOAD_TIME = historyText(
  `select coalesce(min(version) - 1, ${LIMITS.paymentEventsMax}) as version from payment_events
  where ${OF_PAYMENT} and timestamp > $4::timestamptz`,
)

function loadUntil(until: Moment): [text: string, moment: number | bigint | Date] {
  if ('version' in until) return [LOAD_VERSION, until.version]
  if ('eventId' in until) return [LOAD_EVENT_ID, until.eventId]
  return [LOAD_TIME, new Date(until.timestampMs)]
}

/** See {@link PaymentStore.load}; one round trip, however long the history. */
export async function loadPayment(
  sql: SqlClient,
  shard: number,
  paymentIntentId: string,
  until: Moment | undefined,
): Promise<{ snapshot: StoredSnapshot | undefined; events: StoredEvent[] }> {
  const [text, ...moment] = until === undefined ? [LOAD] : loadUntil(until)
  const rows = await sql.query<HistoryRow>(text, [shard, paymentIntentId, STATE_VERSION, ...moment])
  const [first] = rows
  if (first === undefined || first.state === null) return { snapshot: undefined, events: rows.map(toStoredEvent) }
  const snapshot = { state: stateFromJson(first.state), hash: first.hash }
  return { snapshot, events: rows.slice(1).map(toStoredEvent) }
}

/** Of each payment, its newest snapshot and what follows up to the one that is due. */
const HISTORIES = `
select ${EVENT_COLUMNS.replaceAll(/(\w+)/g, 'e.$1')}, case when e.version = base.version then base.state end as state
from unnest($4::text[], $5::int[]) as due (id, version)
left join lateral (${newestSnapshot(
  'payment_snapshots_gen',
  's.generation = $1 and s.shard = $2 and s.payment_intent_id = due.id and s.version <= due.version',
  '$3',
)}) base on true
join payment_events e on e.shard = $2 and e.payment_intent_id = due.id
  and e.version >= coalesce(base.version, 1) and e.version <= due.version
order by e.payment_intent_id, e.version`

const PUT = `
insert into payment_snapshots_gen (generation, shard, state_version, payment_intent_id, version, event_hash, state)
select $1, $2, $3, t.* from unnest($4::text[], $5::int[], $6::bytea[], $7::jsonb[]) as t (id, version, event_hash, state)
order by id, version
on conflict (generation, shard, payment_intent_id, version) do update
set state_version = excluded.state_version, event_hash = excluded.event_hash, state = excluded.state`

const CLEAR = `
delete from payment_snapshots_gen where (generation, shard, payment_intent_id, version) in (
  select generation, shard, payment_intent_id, version from payment_snapshots_gen where generation = $1 limit $2)
returning version`

const isDue = (version: number) => version % LIMITS.snapshotEveryEvents === 0

/** The last version of each payment at which these events make a snapshot due. */
function dueSnapshots(events: readonly LogEvent[]): Map<string, number> {
  return new Map(events.filter(({ version }) => isDue(version)).map(({ streamId, version }) => [streamId, version]))
}

async function takeSnapshots({ generation, shard, events }: ProjectionBatch, tx: SqlTx): Promise<void> {
  const due = dueSnapshots(events)
  if (due.size === 0) return
  const where = [generation, shard, STATE_VERSION]
  const rows = await tx.query<HistoryRow>(HISTORIES, [...where, [...due.keys()], [...due.values()]])
  const taken: { row: HistoryRow; state: object }[] = []
  let state = initialState
  for (const row of rows) {
    if (row.version === 1) state = initialState
    state = row.state === null ? evolve(state, readEvent(toStoredEvent(row))) : stateFromJson(row.state)
    if (row.state === null && isDue(row.version)) taken.push({ row, state: stateToJson(state) })
  }
  await tx.query(PUT, [
    ...where,
    taken.map(({ row }) => row.payment_intent_id),
    taken.map(({ row }) => row.version),
    taken.map(({ row }) => row.hash),
    taken.map((each) => each.state),
  ])
}

/**
 * The state of a payment at every {@link LIMITS.snapshotEveryEvents}th of its events: with them a long history is loaded
 * as fast as a short one, now and as of any moment. Without them, all is the same and slower.
 */
export const paymentSnapshots: Projection<SqlTx> = {
  name: 'payment_snapshots',
  log: 'payments',
  // A new fold makes the snapshots of the old one useless.
  version: STATE_VERSION,
  handle: takeSnapshots,
  clear: async (generation, limit, tx) => (await tx.query(CLEAR, [generation, limit])).length,
}
