import type { Seal } from '../../log/seal.ts'
import { startSealCheck } from '../../log/seal-check.ts'
import type { PaymentProof } from '../ports/proof.ts'
import { sealsOf } from './export.ts'
import { type ProofFinding, shardName, type TrustedKeys, toFinding } from './findings.ts'

export interface SealsReport {
  readonly seals: number
  /** Seals that were kept elsewhere and compared. */
  readonly seal_copies: number
  /** Events that a seal which is believed covers, and those after it. */
  readonly sealed_events: number
  readonly unsealed_events: number
  readonly findings: readonly ProofFinding[]
}

export interface VerifySealsDeps {
  readonly proof: PaymentProof
  readonly keys: TrustedKeys
  /** Seals that were kept elsewhere; of any log and shard. */
  readonly copies: () => Promise<readonly Seal[]>
}

const HASHES_PER_READ = 10_000

/**
 * Compares the log of payments, in its order, with its seals, and these with their copies. The events themselves and
 * the chains of the payments are for `verifyPayments`. Reads only, and may run under load.
 */
export async function verifySeals({ proof, keys, copies: readCopies }: VerifySealsDeps): Promise<SealsReport> {
  const store = proof.seals
  // Copies before seals before heads: each is written after the next, so an honest one always finds its witness.
  const copies = (await readCopies()).filter((seal) => seal.log === store.log)
  const shards = (await store.shards()).map(({ shard }) => shard)
  const sealed = new Map<number, Seal[]>()
  for (const shard of shards) sealed.set(shard, await sealsOf(store, shard))
  const findings: ProofFinding[] = []
  const totals = { seals: 0, seal_copies: copies.length, sealed_events: 0, unsealed_events: 0 }
  for (const { shard, head } of await store.shards()) {
    const seals = sealed.get(shard) ?? []
    const ofShard = copies.filter((seal) => seal.shard === shard)
    const check = startSealCheck({ shard, seals, copies: ofShard, keys })
    for (let after = 0n; ; ) {
      const page = await store.hashes(shard, after, head, HASHES_PER_READ)
      for (const { eventId, hash } of page) check.add(eventId, hash)
      if (page.length < HASHES_PER_READ) break
      after = page.at(-1)!.eventId
    }
    const { problems, events } = check.end(head)
    findings.push(...problems.map(toFinding))
    totals.seals += seals.length
    const covered = Math.min(Number(check.sealedTo), events)
    totals.sealed_events += covered
    totals.unsealed_events += events - covered
  }
  for (const shard of new Set(copies.map((seal) => seal.shard))) {
    if (shards.includes(shard)) continue
    const problem = 'there are copies of its seals, but no such shard'
    findings.push({ kind: 'seal_missing', subject: shardName(shard), shard, problem })
  }
  return { ...totals, findings }
}
