import { NO_HASH, sortedJson } from '../../src/core/canonical-json.ts'
import type { RecordedEvent } from '../../src/payments/model/events.ts'
import { evolve } from '../../src/payments/model/evolve.ts'
import { eventHash } from '../../src/payments/model/hash-chain.ts'
import { commandOf, expiresAtMs, initialState, type PaymentState, statusOf } from '../../src/payments/model/state.ts'
import { stateToJson } from '../../src/payments/model/state-json.ts'
import { readEvent } from '../../src/payments/model/upcast.ts'
import type { SandboxEntry } from '../../src/payments/ports/sandbox-ledger.ts'
import type { StoredEvent } from '../../src/payments/ports/store.ts'
import { type Books, type Head, ONCE, type Tables, type Witness } from '../world/tables.ts'

/** A rule that did not hold. */
export class Violation extends Error {
  readonly rule: string
  constructor(rule: string, detail: string) {
    super(`${rule}: ${detail}`)
    this.rule = rule
  }
}

export interface Witnesses extends Witness {
  /** By payment, its state at each version, by replay of all events. */
  readonly states: ReadonlyMap<string, readonly PaymentState[]>
  /** The first rule that was broken. */
  readonly violation: Violation | undefined
  /** Keeps a violation, and throws it. */
  fail(rule: string, detail: string): never
}

const AMOUNTS = ['authorized', 'capturePending', 'captured', 'refundPending', 'refunded', 'disputed'] as const

/** Events that say that a processor has done what it was asked for, and those that say that it has not. */
const DONE = new Set([
  ...['AUTHORIZED', 'PARTIALLY_AUTHORIZED', 'INCREMENTED', 'CAPTURED', 'VOIDED', 'REFUNDED', 'EVIDENCE_SUBMITTED'],
  'OUTCOME_CORRECTED',
])
const NOT_DONE = new Set([
  ...['DECLINED', 'INCREMENT_DECLINED', 'CAPTURE_FAILED', 'VOID_FAILED', 'REFUND_FAILED', 'EVIDENCE_FAILED'],
])

/** The order of members says nothing. */
export function sameState(a: PaymentState, b: PaymentState): boolean {
  return sortedJson(stateToJson(a)) === sortedJson(stateToJson(b))
}

/** What a processor's entry of another status than `succeeded` proves about a refund whose money came back. */
const isReturned = (entry: SandboxEntry) => entry.kind === 'refund' && entry.code === 'refund_returned'

/**
 * Looks at every commit at the moment of it, and only at what it has touched, so that a step costs little however long the
 * history is. The rules are those of the design; each failure names its own.
 */
export function createWitness(tables: Tables, books: Books): Witnesses {
  const states = new Map<string, PaymentState[]>()
  const operationOfKey = new Map<string, string>()
  const operationOfActor = new Map<string, string>()
  const seenLogs = tables.logs.map(() => 0)
  let violation: Violation | undefined

  function fail(rule: string, detail: string): never {
    violation ??= new Violation(rule, detail)
    throw violation
  }
  const check = (holds: boolean, rule: string, detail: () => string): void => {
    if (!holds) fail(rule, detail())
  }

  function entriesOf(processor: string, opId: string): readonly SandboxEntry[] {
    return books.entries.get(`${processor} ${opId}`) ?? []
  }

  function checkLog(shard: number): void {
    const log = tables.logs[shard]!
    for (let at = seenLogs[shard]!; at < log.length; at++)
      check(
        log[at]!.eventId === BigInt(at + 1),
        'log numbers are dense',
        () => `shard ${shard} has ${log[at]!.eventId} at ${at + 1}`,
      )
    seenLogs[shard] = log.length
  }

  /** What an outcome says is what the processor's books say, at that moment. */
  function checkOutcome(id: string, { type, payload }: RecordedEvent, before: PaymentState, actor: string): void {
    if (!('op_id' in payload) || payload.op_id === undefined) return
    const row = tables.operations.get(payload.op_id)
    check(row !== undefined, 'operations have rows', () => `${payload.op_id} has none`)
    const entries = entriesOf(row!.processor, payload.op_id)
    const succeeded = entries.filter((entry) => entry.status === 'succeeded' || isReturned(entry))
    const at = () => `${type} of ${payload.op_id} (${id} after version ${before.version}, by ${actor})`
    if (DONE.has(type)) {
      check(succeeded.length > 0, 'nothing is recorded that no processor did', at)
      const amount = 'amount' in payload ? BigInt(payload.amount) : 0n
      const moved = succeeded.at(-1)!
      check(
        isReturned(moved) || moved.amount === amount || (type === 'VOIDED' && actor === 'operator'),
        'recorded amounts are those of the processor',
        () => `${at()}: ${amount}, the processor says ${moved.amount}`,
      )
    }
    if (NOT_DONE.has(type))
      check(
        succeeded.every(isReturned),
        'nothing is recorded as failed that a processor did',
        () => `${at()}: the processor has ${succeeded.map((entry) => entry.reference).join(', ')}`,
      )
  }

  /** Also without a key a request is carried out once, however often the database had to be asked. */
  function checkOnce({ actor, opId, type }: StoredEvent): void {
    if (!actor.startsWith(ONCE) || opId === undefined || !type.endsWith('_REQUESTED')) return
    const known = operationOfActor.get(actor)
    check(known === undefined || known === commandOf(opId), 'a request has one operation', () => `${opId} and ${known}`)
    operationOfActor.set(actor, commandOf(opId))
  }

  function checkEvent(event: StoredEvent, before: PaymentState, prevHash: Uint8Array): void {
    const { paymentIntentId: id, version, type } = event
    check(version === before.version + 1, 'versions are dense', () => `${id}: ${version} after ${before.version}`)
    check(
      Buffer.compare(event.prevHash, prevHash) === 0 && Buffer.compare(eventHash(event), event.hash) === 0,
      'hashes form a chain',
      () => `${id} version ${version} (${type})`,
    )
  }

  function checkHead(id: string, head: Head, state: PaymentState): void {
    const differs = AMOUNTS.find((name) => head[name] !== state[name])
    check(
      differs === undefined && head.version === state.version && head.status === statusOf(state),
      'the head is the fold of the events',
      () => `${id}: ${differs ?? 'version or status'} at version ${state.version}`,
    )
    check(head.expiresAtMs === expiresAtMs(state), 'the head knows when to expire', () => id)
    const { captured, capturePending, authorized, refunded, refundPending } = state
    check(
      AMOUNTS.every((name) => state[name] >= 0n) &&
        captured + capturePending <= authorized &&
        refunded + refundPending <= captured,
      'amounts keep their limits',
      () => `${id}: ${AMOUNTS.map((name) => `${name} ${state[name]}`).join(', ')}`,
    )
  }

  function checkOperations(id: string, state: PaymentState): void {
    for (const { opId, status, amount, settled, processor, kind } of state.operations.values()) {
      const row = tables.operations.get(opId)
      check(
        row?.status === status && row.amount === amount && row.settled === settled && row.processor === processor,
        'operation rows are the fold of the events',
        () => `${id}: ${kind} ${opId} is ${status}, its row ${row?.status}`,
      )
      const isOver = status === 'succeeded' || status === 'failed'
      check(isOver === (row!.nextCheckAtMs === undefined), 'open operations are looked after', () => `${id}: ${opId}`)
    }
  }

  return {
    states,
    get violation() {
      return violation
    },
    fail,
    appended(id, fromVersion) {
      const stream = tables.streams.get(id)!
      const past = states.get(id) ?? [initialState]
      states.set(id, past)
      checkLog(stream[0]!.shard)
      let state = past.at(-1)!
      check(
        fromVersion === state.version + 1,
        'versions are dense',
        () => `${id}: ${fromVersion} after ${state.version}`,
      )
      for (const event of stream.slice(fromVersion - 1)) {
        checkOnce(event)
        checkEvent(event, state, stream[state.version - 1]?.hash ?? NO_HASH)
        const recorded = readEvent(event)
        checkOutcome(id, recorded, state, event.actor)
        state = evolve(state, recorded)
        past.push(state)
      }
      checkHead(id, tables.heads.get(id)!, state)
      checkOperations(id, state)
    },
    keyChanged(name) {
      const opId = tables.keys.get(name)?.operationId
      const known = operationOfKey.get(name)
      if (opId === undefined) return
      check(
        known === undefined || known === commandOf(opId),
        'a key has one operation',
        () => `key ${name} has ${opId} and ${known}`,
      )
      operationOfKey.set(name, commandOf(opId))
    },
    posted(entry) {
      const { key, processor, kind, status } = entry
      const row = tables.operations.get(key)
      check(row !== undefined, 'no processor is called before the request is stored', () => `${kind} ${key}`)
      const succeeded = entriesOf(processor, key).filter((each) => each.status === 'succeeded')
      check(
        succeeded.length <= 1 && entriesOf(processor, key).length <= 1,
        'a key moves money once',
        () => `${kind} ${key}`,
      )
      const isLate = row!.status === 'failed' && status === 'succeeded'
      check(!isLate, 'nothing is done that was recorded as failed', () => `${kind} ${key} at ${processor}`)
    },
    folded(folded, entries) {
      for (const [id, state] of folded) {
        const replayed = states.get(id)?.[state.version]
        check(
          replayed !== undefined && sameState(state, replayed),
          'a view is the replay of what it has seen',
          () => `${id} at version ${state.version}`,
        )
      }
      const sums = new Map<string, bigint>()
      for (const { shard, eventId, currency, amount } of entries) {
        const event = `event ${eventId} of shard ${shard} in ${currency}`
        sums.set(event, (sums.get(event) ?? 0n) + amount)
      }
      for (const [event, sum] of sums) check(sum === 0n, 'the ledger sums to zero', () => `${event}: ${sum}`)
    },
  }
}
