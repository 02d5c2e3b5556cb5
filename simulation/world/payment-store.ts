import type { Clock } from '../../src/core/clock.ts'
import { shardOfPrefixedId } from '../../src/core/ids.ts'
import { retryConflicts } from '../../src/engines/sql/retry-conflicts.ts'
import { sendUntilKnown } from '../../src/engines/sql/send-until-known.ts'
import { foldStored } from '../../src/payments/commands/writer.ts'
import { stateFromJson, stateToJson } from '../../src/payments/model/state-json.ts'
import type {
  KeyChange,
  Moment,
  NewPayment,
  OperationRow,
  PaymentAppend,
  PaymentStore,
  PlacedKey,
  SealedEvent,
  StoredEvent,
  StoredSnapshot,
} from '../../src/payments/ports/store.ts'
import type { Random } from '../engine/random.ts'
import { asJson, type Head, type Tables, type Witness } from './tables.ts'

type Outcome = 'appended' | 'conflict' | 'key_taken'

/** Sends a statement to the database, which carries it out as one. */
export type Send = <T>(what: string, statement: () => T) => Promise<T>

const nameOf = (key: { readonly scope: string; readonly key: string }): string => `${key.scope}\n${key.key}`

function insertEvents(tables: Tables, shard: number, paymentIntentId: string, events: readonly SealedEvent[]): void {
  const log = tables.logs[shard]!
  const stream = tables.streams.get(paymentIntentId) ?? []
  tables.streams.set(paymentIntentId, stream)
  for (const { event, ...sealed } of events) {
    const { type, payload, timestampMs } = event
    if (stream.some(({ version }) => version === sealed.version)) throw new Error('23505: the version is there')
    const stored: StoredEvent = {
      ...{ ...sealed, shard, eventId: BigInt(log.length + 1), paymentIntentId, type, timestampMs },
      payload: asJson(payload) as unknown as StoredEvent['payload'],
    }
    log.push(stored)
    stream.push(stored)
  }
}

function create(tables: Tables, { shard, paymentIntentId, state, event, key, answer }: NewPayment): Outcome {
  if (key !== undefined && tables.keys.has(nameOf(key))) return 'key_taken'
  if (tables.heads.has(paymentIntentId)) return 'key_taken'
  if (key !== undefined) {
    const { fingerprint } = key
    const row = { fingerprint, operationId: undefined, leaseUntilMs: undefined, response: asJson(answer) }
    tables.keys.set(nameOf(key), row)
  }
  tables.heads.set(paymentIntentId, {
    ...{ authorized: 0n, capturePending: 0n, captured: 0n, refundPending: 0n, refunded: 0n, disputed: 0n },
    ...{ version: 1, status: 'initiated', hash: event.hash, orderId: state.orderId, expiresAtMs: undefined },
  })
  insertEvents(tables, shard, paymentIntentId, [event])
  return 'appended'
}

/** Finishing and releasing touch a key only while it runs under this operation. */
function changeKey(tables: Tables, change: KeyChange | undefined): void {
  if (change === undefined) return
  const { kind } = change
  if (kind === 'take') {
    const { opId: operationId, leaseUntilMs, answer } = change
    const { fingerprint } = change.key
    tables.keys.set(nameOf(change.key), { fingerprint, operationId, leaseUntilMs, response: answer && asJson(answer) })
    return
  }
  const row = tables.keys.get(nameOf(change.key))
  if (row === undefined || row.operationId !== change.key.opId || row.response !== undefined) return
  row.response = kind === 'finish' ? asJson(change.answer) : undefined
  row.leaseUntilMs = undefined
}

/** The row's own limits, which no statement can break. */
function fits(head: Head, { delta }: PaymentAppend): boolean {
  return (
    head.captured + delta.captured + head.capturePending + delta.capturePending <= head.authorized + delta.authorized &&
    head.refunded + delta.refunded + head.refundPending + delta.refundPending <= head.captured + delta.captured
  )
}

const AMOUNTS = ['authorized', 'capturePending', 'captured', 'refundPending', 'refunded', 'disputed'] as const

function append(tables: Tables, item: PaymentAppend): Outcome {
  const { shard, paymentIntentId, expectedVersion, events, delta, key } = item
  const head = tables.heads.get(paymentIntentId)
  if (head === undefined || head.version !== expectedVersion || !fits(head, item)) return 'conflict'
  if (key?.kind === 'take' && tables.keys.has(nameOf(key.key))) return 'key_taken'
  if (AMOUNTS.some((name) => head[name] + delta[name] < 0n)) throw new Error('23514: an amount would be negative')
  insertEvents(tables, shard, paymentIntentId, events)
  for (const name of AMOUNTS) head[name] += delta[name]
  head.version += events.length
  head.status = item.status
  head.hash = events.at(-1)!.hash
  head.expiresAtMs = item.expiresAtMs
  for (const row of item.operations) {
    const { status, settled, reference, attempts, nextCheckAtMs } = row
    const known = tables.operations.get(row.opId)
    if (known === undefined) tables.operations.set(row.opId, { ...row })
    else Object.assign(known, { status, settled, reference, attempts, nextCheckAtMs })
  }
  changeKey(tables, key)
  return 'appended'
}

function isUpTo(until: Moment | undefined, event: StoredEvent): boolean {
  if (until === undefined) return true
  if ('version' in until) return event.version <= until.version
  return 'eventId' in until ? event.eventId <= until.eventId : event.timestampMs <= until.timestampMs
}

/** How often a load begins from a snapshot. */
const SNAPSHOTS = 0.2

const isFinished = ({ status }: OperationRow) => status === 'succeeded' || status === 'failed'

/** Rows of a table that are due, by the time they are; each gets the next time, and is answered as it is then. */
export function claim<T extends object, Name extends keyof T>(
  rows: Iterable<T>,
  due: Name,
  nowMs: number,
  nextMs: T[Name] & number,
  limit: number,
): T[] {
  const isDue = (row: T) => row[due] !== undefined && (row[due] as number) <= nowMs
  const claimed = [...rows].filter(isDue).sort((a, b) => (a[due] as number) - (b[due] as number))
  return claimed.slice(0, limit).map((row) => {
    row[due] = nextMs
    return { ...row }
  })
}

/**
 * The write side, transactional as the database is: each statement happens as one, refuses what the rows forbid, and numbers
 * the events of a shard without gaps. Whatever goes wrong between it and the caller is the network's doing.
 */
export function openPaymentStore(deps: {
  readonly tables: Tables
  readonly witness: Witness
  readonly send: Send
  readonly clock: Clock
  readonly random: Random
}): PaymentStore {
  const { tables, witness, clock, random } = deps
  const send: Send = (what, statement) => retryConflicts(() => deps.send(what, statement))

  function write<Item extends NewPayment | PaymentAppend>(
    what: string,
    item: Item,
    first: SealedEvent,
    statement: () => Outcome,
  ): Promise<Outcome> {
    const { paymentIntentId } = item
    const commit = () => {
      const outcome = statement()
      if (outcome === 'appended') witness.appended(paymentIntentId, first.version)
      const key = 'expectedVersion' in item ? item.key?.key : item.key
      if (outcome === 'appended' && key !== undefined) witness.keyChanged(nameOf(key))
      return outcome
    }
    const hasLanded = () =>
      tables.streams
        .get(paymentIntentId)
        ?.some(({ version, hash }) => version === first.version && Buffer.compare(hash, first.hash) === 0) ?? false
    return sendUntilKnown(
      clock,
      () => send(what, commit),
      async (outcome) => ((await send('landed', hasLanded)) ? 'appended' : outcome),
    )
  }

  function snapshotOf(events: readonly StoredEvent[]): StoredSnapshot | undefined {
    if (events.length < 2 || !random.chance(SNAPSHOTS)) return undefined
    const upTo = events.slice(0, random.between(1, events.length))
    const state = stateFromJson(asJson(stateToJson(foldStored(upTo))))
    return { state, hash: upTo.at(-1)!.hash }
  }

  function load(paymentIntentId: string, until?: Moment) {
    const events = (tables.streams.get(paymentIntentId) ?? []).filter((event) => isUpTo(until, event))
    const snapshot = snapshotOf(events)
    return { snapshot, events: events.slice(snapshot?.state.version ?? 0) }
  }

  return {
    shards: tables.shards,
    async create(payment) {
      const outcome = await write('create', payment, payment.event, () => create(tables, payment))
      return outcome === 'appended' ? outcome : 'key_taken'
    },
    append: (item) =>
      write(`append ${item.events.map(({ event }) => event.type).join('+')}`, item, item.events[0]!, () =>
        append(tables, item),
      ),
    events: (id, afterVersion, limit = Number.POSITIVE_INFINITY) =>
      send('events', () => (tables.streams.get(id) ?? []).slice(afterVersion, afterVersion + limit)),
    load(id, until) {
      if (shardOfPrefixedId('pi', id) === undefined) return Promise.resolve({ snapshot: undefined, events: [] })
      return send('load', () => load(id, until))
    },
    readKey: (key) =>
      send('readKey', () => {
        const row = tables.keys.get(nameOf(key))
        return row && { ...row }
      }),
    takeOverKey: (key: PlacedKey, nowMs, leaseUntilMs) =>
      send('takeOverKey', () => {
        const row = tables.keys.get(nameOf(key))
        if (row === undefined || row.response !== undefined || (row.leaseUntilMs ?? 0) > nowMs) return false
        row.leaseUntilMs = leaseUntilMs
        return true
      }),
    operation: (opId) =>
      send('operation', () => {
        const row = tables.operations.get(opId)
        return row && { ...row }
      }),
    claimOperations: (nowMs, leaseUntilMs, limit) =>
      send('claimOperations', () => claim(tables.operations.values(), 'nextCheckAtMs', nowMs, leaseUntilMs, limit)),
    claimOperation: (opId, nowMs, leaseUntilMs) =>
      send('claimOperation', () => {
        const row = tables.operations.get(opId)
        return row !== undefined && claim([row], 'nextCheckAtMs', nowMs, leaseUntilMs, 1).length === 1
      }),
    postpone: (opId, attempts, nextCheckAtMs) =>
      send('postpone', () => {
        const row = tables.operations.get(opId)
        if (row !== undefined && !isFinished(row)) Object.assign(row, { attempts, nextCheckAtMs })
      }),
    openOperations: () =>
      send('openOperations', () => {
        const counts: Record<string, number> = {}
        for (const row of tables.operations.values())
          if (!isFinished(row)) counts[row.status] = (counts[row.status] ?? 0) + 1
        return counts
      }),
    findOperations: ({ status, paymentIntentId }, limit, afterOpId = '') =>
      send('findOperations', () =>
        [...tables.operations.values()]
          .filter((row) => row.status === (status ?? row.status) && row.opId > afterOpId)
          .filter((row) => row.paymentIntentId === (paymentIntentId ?? row.paymentIntentId))
          .sort((a, b) => (a.opId < b.opId ? -1 : 1))
          .slice(0, limit),
      ),
    claimExpired: (nowMs, leaseUntilMs, limit) =>
      send('claimExpired', () => {
        const heads = Array.from(tables.heads, ([id, head]) => ({ id, head }))
        const due = heads.filter(({ head }) => head.expiresAtMs !== undefined && head.expiresAtMs <= nowMs)
        return due.slice(0, limit).map(({ id, head }) => {
          head.expiresAtMs = leaseUntilMs
          return id
        })
      }),
  }
}
