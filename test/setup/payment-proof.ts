import { createPublicKey, type KeyObject } from 'node:crypto'
import { silentLogger } from '../../src/core/logger.ts'
import { EVENT_COLUMNS, type EventRow, toStoredEvent } from '../../src/engines/postgres/payment-rows.ts'
import { newSealKey, type Seal, type SealKey } from '../../src/log/seal.ts'
import type { SealCopies } from '../../src/log/seal-store.ts'
import { type SealerDeps, sealNow } from '../../src/log/sealer.ts'
import { eventHash } from '../../src/payments/model/hash-chain.ts'
import { toLine } from '../../src/payments/proof/documents.ts'
import { exportPayments } from '../../src/payments/proof/export.ts'
import { type ExportReport, type VerifyExportOptions, verifyExport } from '../../src/payments/proof/verify-export.ts'
import { verifySeals } from '../../src/payments/proof/verify-seals.ts'
import type { PaymentBench } from './payments.ts'

/** Copies of seals in memory. */
export function keptCopies(): SealCopies & { readonly seals: Seal[] } {
  const seals: Seal[] = []
  return {
    seals,
    lasts: async () => new Map(seals.toSorted((a, b) => a.number - b.number).map((seal) => [seal.shard, seal])),
    append: async (more) => void seals.push(...more),
  }
}

export const publicKeys = (...keys: SealKey[]): ReadonlyMap<string, KeyObject> =>
  new Map(keys.map((key) => [key.id, createPublicKey(key.privateKey)]))

/** A sealer over the payments of a bench, and what an auditor with its public key and its copies finds. */
export function openProof(bench: PaymentBench) {
  const key = newSealKey()
  const copies = keptCopies()
  const store = bench.ports.proof.seals
  const deps: SealerDeps = { store, key: async () => key, copies, clock: bench.clock, logger: silentLogger }
  const keys = publicKeys(key)
  const exported = async (laterMs = 0) => {
    const lines: string[] = []
    const exportedAtMs = bench.clock.now() + laterMs
    for await (const line of exportPayments(bench.ports.proof, { exportedAtMs })) lines.push(toLine(line).trim())
    return lines
  }
  return {
    ...{ key, keys, copies, deps, exported },
    seal: () => sealNow(deps, { all: true }),
    async inDatabase(seals: readonly Seal[] = copies.seals) {
      const report = await bench.verify()
      const proof = await verifySeals({ proof: bench.ports.proof, keys, copies: async () => seals })
      return { ...proof, differences: report.differences }
    },
    /** An hour later unless said, when all that is honest has long been sealed. */
    async offline(
      options: VerifyExportOptions = { keys, copies: copies.seals },
      laterMs = 3_600_000,
    ): Promise<ExportReport> {
      return verifyExport(await exported(laterMs), options)
    },
  }
}

const COLUMNS = EVENT_COLUMNS.split(', ')
const TABLES = ['payment_events', 'log_seals']

/** What somebody can do who may do anything to the database, but has no key. */
export function openTampering({ sql }: PaymentBench) {
  const KEPT = [...TABLES, 'payment_intents', 'log_head']
  return {
    /** Takes the guards away, and remembers everything. */
    async begin() {
      for (const table of TABLES) await sql.query(`alter table ${table} disable trigger all`)
      for (const table of KEPT) await sql.query(`create table kept_${table} as select * from ${table}`)
    },
    async undo() {
      for (const table of KEPT) {
        await sql.query(`delete from ${table}`)
        await sql.query(`insert into ${table} select * from kept_${table}`)
      }
    },
    async events(shard: number): Promise<EventRow[]> {
      return sql.query<EventRow>(`select ${EVENT_COLUMNS} from payment_events where shard = $1 order by event_id`, [
        shard,
      ])
    },
    /** Puts these rows in place of a shard's, numbered in their order, with heads that bear them out. */
    async rewrite(shard: number, rows: readonly EventRow[]) {
      const chained = rehash(rows).map((row, index) => ({ ...row, event_id: BigInt(index + 1) }))
      await sql.query('delete from payment_events where shard = $1', [shard])
      const places = COLUMNS.map((_, index) => `$${index + 1}`).join(', ')
      for (const row of chained) {
        const values = COLUMNS.map((column) => row[column as keyof EventRow])
        await sql.query(`insert into payment_events (${EVENT_COLUMNS}) values (${places})`, values)
      }
      await sql.query(`update log_head set last_event_id = $2 where log = 'payments' and shard = $1`, [
        shard,
        BigInt(chained.length),
      ])
      const lasts = new Map(chained.map((row) => [row.payment_intent_id, row]))
      await sql.query('delete from payment_intents where shard = $1 and payment_intent_id <> all($2)', [
        shard,
        [...lasts.keys()],
      ])
      for (const { payment_intent_id: id, hash } of lasts.values()) {
        await sql.query('update payment_intents set hash = $2 where payment_intent_id = $1', [id, hash])
      }
    },
  }
}

/** Versions and hashes made anew, as the product would have made them. */
function rehash(rows: readonly EventRow[]): EventRow[] {
  const lasts = new Map<string, EventRow>()
  return rows.map((row) => {
    const before = lasts.get(row.payment_intent_id)
    const prevHash = before?.hash ?? new Uint8Array(32)
    const version = (before?.version ?? 0) + 1
    const renewed = { ...row, version, prev_hash: prevHash }
    const hashed = { ...renewed, hash: eventHash(toStoredEvent(renewed)) }
    lasts.set(row.payment_intent_id, hashed)
    return hashed
  })
}
