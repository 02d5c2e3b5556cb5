import { messageOf } from '../../core/errors.ts'
import { foldStored } from '../commands/writer.ts'
import type { PaymentState } from '../model/state.ts'
import type { AuditedPayment } from '../ports/audit.ts'
import { readSideProblems } from './read-side.ts'
import { eventProblems, writeSideProblems } from './write-side.ts'

/**
 * Where something about one payment is not as it must be. `events`: the facts and the hashes that chain them; `head`: the
 * row that they are added behind; `set_aside`: the read models could not fold them; the others are what is kept beside.
 */
export const FINDING_KINDS = [
  'events',
  'head',
  'operations',
  'snapshots',
  'set_aside',
  'view',
  'transactions',
  'ledger',
  'disputes',
] as const
export type FindingKind = (typeof FINDING_KINDS)[number]

/** Problems in words, by where they are. */
export type Problems = Partial<Record<FindingKind, readonly string[]>>

export interface PaymentFinding {
  readonly kind: FindingKind
  readonly message: string
}

/** Everything about one payment; `state` unless its events can't be read. */
export function findingsOf(audited: AuditedPayment): {
  readonly findings: readonly PaymentFinding[]
  readonly state: PaymentState | undefined
} {
  const findings: PaymentFinding[] = []
  const note = (problems: Problems) => {
    for (const kind of FINDING_KINDS) findings.push(...(problems[kind] ?? []).map((message) => ({ kind, message })))
  }
  note({ events: eventProblems(audited) })
  try {
    const state = foldStored(audited.events)
    note(writeSideProblems(audited, state))
    note(readSideProblems(audited))
    return { findings, state }
  } catch (error) {
    note({ events: [`its events can't be read: ${messageOf(error)}`] })
    return { findings, state: undefined }
  }
}
