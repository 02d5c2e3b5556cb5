import { type SealerDeps, sealNow, startSealer } from '../../log/sealer.ts'
import type { PaymentProof as ProofPort } from '../../payments/ports/proof.ts'
import { readSealCopies, toLine } from '../../payments/proof/documents.ts'
import { exportPayments } from '../../payments/proof/export.ts'
import type { TrustedKeys } from '../../payments/proof/findings.ts'
import { type SealsReport, verifySeals } from '../../payments/proof/verify-seals.ts'
import type { Base } from '../base.ts'
import type { Keys } from '../keys.ts'
import { linesOf, openSealsFile, readSealsIfThere, sealsFileOf } from '../seals-file.ts'
import { storeUrl } from '../stores.ts'

export interface SealSources {
  /** Whose seals are believed; the public keys in the folder of keys unless given. */
  readonly keys?: TrustedKeys | undefined
  /** File of copies; that of the configuration unless given, and then it must be there. */
  readonly sealsFile?: string | undefined
}

/** How far one shard is sealed. */
export interface ShardSeals {
  readonly shard: number
  readonly events: number
  readonly sealed_events: number
  readonly seals: number
  readonly sealed_at?: string
  readonly key_id?: string
}

/** The proof that the log of payments is as it was written. */
export interface PaymentProofPart {
  /** Where seals are copied to; `undefined` beside a database in memory. */
  readonly sealsFile: string | undefined
  /** Seals all that is not sealed yet; answers the number of new seals. */
  sealNow(): Promise<number>
  sealed(): Promise<ShardSeals[]>
  verify(sources?: SealSources): Promise<SealsReport>
  /** The lines of an export, which `verifyExport` checks. */
  exportLines(): AsyncGenerator<string>
  startSealer(): void
}

export function openPaymentProofPart(base: Base, proof: ProofPort, keys: Keys): PaymentProofPart {
  const { clock, logger, config, lifecycle } = base
  const sealsFile = sealsFileOf(config, storeUrl(config, 'payments'))
  const copies = sealsFile === undefined ? undefined : openSealsFile(sealsFile)
  const deps: SealerDeps = { store: proof.seals, key: () => keys.sealKey(), copies, clock, logger }
  return {
    sealsFile,
    sealNow: () => sealNow(deps, { all: true }),
    async sealed() {
      return (await proof.seals.shards()).map(({ shard, head, last }) => ({
        ...{ shard, events: Number(head), sealed_events: Number(last?.eventId ?? 0n), seals: last?.number ?? 0 },
        ...(last === undefined ? {} : { sealed_at: new Date(last.sealedAtMs).toISOString(), key_id: last.keyId }),
      }))
    },
    async verify({ keys: trusted, sealsFile: given } = {}) {
      const readCopies = async () => {
        if (given !== undefined) return readSealCopies(linesOf(given))
        return sealsFile === undefined ? [] : readSealsIfThere(sealsFile)
      }
      return verifySeals({ proof, keys: trusted ?? (await keys.sealPublicKeys()), copies: readCopies })
    },
    async *exportLines() {
      for await (const line of exportPayments(proof, { exportedAtMs: clock.now() })) yield toLine(line)
    },
    startSealer: () => void lifecycle.own('the sealer', startSealer(deps)),
  }
}
