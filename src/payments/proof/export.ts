import type { Seal } from '../../log/seal.ts'
import type { SealStore } from '../../log/seal-store.ts'
import type { PaymentProof } from '../ports/proof.ts'
import { EXPORT_FORMAT, type ExportLine } from './documents.ts'

const EVENTS_PER_READ = 1_000
const SEALS_PER_READ = 1_000

/** All seals of a shard, in order. */
export async function sealsOf(seals: SealStore, shard: number): Promise<Seal[]> {
  const all: Seal[] = []
  for (;;) {
    const page = await seals.list(shard, all.at(-1)?.number ?? 0, SEALS_PER_READ)
    all.push(...page)
    if (page.length < SEALS_PER_READ) return all
  }
}

/**
 * The log of payments as it is, with its seals: what `verifyExport` checks without a database. Personal data stay as
 * they are stored, encrypted. May run while payments are written: what comes after the head of a shard is left out.
 */
export async function* exportPayments(
  { seals, events }: PaymentProof,
  { exportedAtMs }: { readonly exportedAtMs: number },
): AsyncGenerator<ExportLine> {
  const sealed = new Map<number, Seal[]>()
  for (const { shard } of await seals.shards()) sealed.set(shard, await sealsOf(seals, shard))
  // Read after the seals, so that no honest seal is ahead of its shard.
  const heads = await seals.shards()
  const counts = { seals: 0, events: 0 }
  yield { kind: 'export', format: EXPORT_FORMAT, exportedAtMs, shards: heads.length }
  for (const { shard, head } of heads) {
    yield { kind: 'shard', shard, head }
    for (const seal of sealed.get(shard) ?? []) {
      yield { kind: 'seal', seal }
      counts.seals += 1
    }
    for (let after = 0n; ; ) {
      const page = await events(shard, after, head, EVENTS_PER_READ)
      for (const event of page) yield { kind: 'event', event }
      counts.events += page.length
      if (page.length < EVENTS_PER_READ) break
      after = page.at(-1)!.eventId
    }
  }
  yield { kind: 'end', ...counts }
}
