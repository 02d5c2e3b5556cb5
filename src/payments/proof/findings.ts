import type { KeyObject } from 'node:crypto'
import type { SealProblem, SealProblemKind } from '../../log/seal-check.ts'

export type ProofKind =
  | SealProblemKind
  /** An event that is not what its hash says, or does not follow its payment's event before it. */
  | 'event_changed'
  /** Events without a seal, older than `LIMITS.unsealedMsMax` when they were exported. */
  | 'not_sealed'
  /** The exported file itself is not whole. */
  | 'export_damaged'

/** One thing that is not as it was written and sealed, with its place as far as it has one. */
export interface ProofFinding {
  readonly kind: ProofKind
  /** A payment, or a shard of the log. */
  readonly subject: string
  readonly problem: string
  readonly shard?: number
  readonly event_id?: string
  /** The last event, where it concerns several. */
  readonly to_event_id?: string
  readonly payment_intent_id?: string
  readonly version?: number
  readonly seal_number?: number
}

/** Public keys by `keyIdOf`: whose seals are believed. */
export type TrustedKeys = ReadonlyMap<string, KeyObject>

export const shardName = (shard: number): string => `payments log, shard ${shard}`

export function toFinding(problem: SealProblem): ProofFinding {
  return {
    kind: problem.kind,
    subject: shardName(problem.shard),
    problem: problem.problem,
    shard: problem.shard,
    ...(problem.fromEventId === undefined ? {} : { event_id: String(problem.fromEventId) }),
    ...(problem.toEventId === undefined ? {} : { to_event_id: String(problem.toEventId) }),
    ...(problem.sealNumber === undefined ? {} : { seal_number: problem.sealNumber }),
  }
}
