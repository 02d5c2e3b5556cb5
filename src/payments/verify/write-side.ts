import { canonicalJson, NO_HASH } from '../../core/canonical-json.ts'
import { evolve, fold } from '../model/evolve.ts'
import { chainBreaks } from '../model/hash-chain.ts'
import { initialState, isFinished, type PaymentState, STATE_VERSION, statusOf } from '../model/state.ts'
import { stateFromJson, stateToJson } from '../model/state-json.ts'
import { readEvent } from '../model/upcast.ts'
import type { AuditedPayment, PaymentColumns } from '../ports/audit.ts'
import { differing } from './differing.ts'
import type { Problems } from './findings.ts'

/** What the columns beside a state must be. */
export function columnsOf(state: PaymentState): PaymentColumns {
  const { version, amount, currency, authorized, captured, refunded, disputed, customerId, orderId } = state
  return {
    ...{ version, status: statusOf(state), amount, currency, authorized, captured, refunded, disputed },
    ...{ customerId, orderId },
  }
}

function headProblems({ head, events }: AuditedPayment, state: PaymentState): string[] {
  const { capturePending, refundPending } = state
  const problems = differing('head', { ...head }, { ...columnsOf(state), capturePending, refundPending })
  if (Buffer.compare(head.hash, events.at(-1)?.hash ?? NO_HASH) !== 0)
    problems.push('head: its hash is not that of the last event')
  return problems
}

/** Against a state that has forgotten nothing. */
function operationProblems({ operations, events }: AuditedPayment): string[] {
  const all = fold(events.map(readEvent), initialState, Number.POSITIVE_INFINITY)
  const rows = new Map(operations.map((row) => [row.opId, row]))
  const problems: string[] = []
  for (const operation of all.operations.values()) {
    const { opId, kind, amount, settled, status, processor, reference, disputeId } = operation
    const row = rows.get(opId)
    rows.delete(opId)
    if (row === undefined) {
      problems.push(`operation ${opId} has events but no row`)
      continue
    }
    const expected = { kind, amount, settled, status, processor, reference, disputeId }
    problems.push(...differing(`operation ${opId}`, { ...row }, expected))
    if (!isFinished(operation) && row.nextCheckAtMs === undefined)
      problems.push(`operation ${opId} is open and nobody will look at it`)
  }
  for (const opId of rows.keys()) problems.push(`operation ${opId} has a row but no event`)
  return problems
}

const same = (a: PaymentState, b: PaymentState) => canonicalJson(stateToJson(a)) === canonicalJson(stateToJson(b))

/** Snapshots of another fold are left aside by whoever reads, so they can do no harm. */
function snapshotProblems({ snapshots, events }: AuditedPayment): string[] {
  const problems: string[] = []
  let state = initialState
  for (const { version, stateVersion, hash, state: stored } of snapshots) {
    if (stateVersion !== STATE_VERSION) continue
    const last = events[version - 1]
    if (last === undefined || last.version !== version) {
      problems.push(`snapshot ${version} is of an event that is not there`)
      continue
    }
    for (const event of events.slice(state.version, version)) state = evolve(state, readEvent(event))
    if (Buffer.compare(hash, last.hash) !== 0) problems.push(`snapshot ${version}: its hash is not that of its event`)
    if (!same(stateFromJson(stored), state)) problems.push(`snapshot ${version} is not what the events say`)
  }
  return problems
}

/** Order in the log, hashes. */
export function eventProblems({ events }: AuditedPayment): string[] {
  const problems = chainBreaks(events)
  for (let i = 1; i < events.length; i++) {
    if (events[i]!.eventId <= events[i - 1]!.eventId)
      problems.push(`version ${events[i]!.version} comes before an earlier one in the log`)
  }
  return problems
}

/** What is kept beside the events, against them. Throws where they can't be read. */
export function writeSideProblems(audited: AuditedPayment, state: PaymentState): Problems {
  return {
    head: headProblems(audited, state),
    operations: operationProblems(audited),
    snapshots: snapshotProblems(audited),
  }
}
