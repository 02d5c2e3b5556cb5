import { LIMITS } from '../../core/limits.ts'
import type { Seal } from '../../log/seal.ts'
import { type SealCheck, startSealCheck } from '../../log/seal-check.ts'
import { eventBreaks } from '../model/hash-chain.ts'
import type { StoredEvent } from '../ports/store.ts'
import { EXPORT_FORMAT, type ExportLine, parseLine } from './documents.ts'
import { type ProofFinding, shardName, type TrustedKeys, toFinding } from './findings.ts'

export interface ExportReport {
  readonly ok: boolean
  readonly shards: number
  readonly payments: number
  readonly events: number
  readonly seals: number
  /** Events that a seal which is believed covers. */
  readonly sealed_events: number
  /** False when no public key was given: then a seal proves nothing against who can write seals. */
  readonly signatures_checked: boolean
  readonly findings: readonly ProofFinding[]
}

export interface VerifyExportOptions {
  readonly keys?: TrustedKeys | undefined
  /** Seals that were kept elsewhere. */
  readonly copies?: readonly Seal[]
  readonly onProgress?: (events: number) => void
}

interface OpenShard {
  readonly shard: number
  readonly head: bigint
  readonly seals: Seal[]
  check: SealCheck | undefined
  /** The last event of each payment. */
  readonly lasts: Map<string, Pick<StoredEvent, 'version' | 'hash'>>
  lastEventId: bigint
  /** The first and the last event that is old enough for a seal and has none. */
  unsealed: { readonly first: bigint; readonly last: bigint } | undefined
}

const PROGRESS_EVENTS = 1_000

/**
 * Checks an exported log, line by line, without a database: each event against its hash, each payment's chain, the
 * numbers of the log, its chain, its seals and their signatures. Names every finding with its place; never throws for
 * what stands in the file. It keeps the last hash of each payment of one shard in memory.
 */
export async function verifyExport(
  lines: AsyncIterable<string> | Iterable<string>,
  { keys, copies: given = [], onProgress = () => undefined }: VerifyExportOptions = {},
): Promise<ExportReport> {
  const copies = given.filter((seal) => seal.log === 'payments')
  const findings: ProofFinding[] = []
  const totals = { shards: 0, payments: 0, events: 0, seals: 0, sealed_events: 0 }
  const seen = new Set<number>()
  let header: Extract<ExportLine, { kind: 'export' }> | undefined
  let open: OpenShard | undefined
  let isEnded = false
  let lineNo = 0
  const damaged = (problem: string) => findings.push({ kind: 'export_damaged', subject: `line ${lineNo}`, problem })

  const checkOf = (shard: OpenShard): SealCheck => {
    const copied = copies.filter((seal) => seal.shard === shard.shard)
    shard.check ??= startSealCheck({ shard: shard.shard, seals: shard.seals, copies: copied, keys })
    return shard.check
  }

  function close(): void {
    if (open === undefined) return
    const check = checkOf(open)
    const { problems } = check.end(open.head)
    findings.push(...problems.map(toFinding))
    totals.payments += open.lasts.size
    totals.sealed_events += Number(check.sealedTo < open.lastEventId ? check.sealedTo : open.lastEventId)
    if (keys !== undefined && open.unsealed !== undefined) {
      const place = { event_id: String(open.unsealed.first), to_event_id: String(open.unsealed.last) }
      const problem = `events ${place.event_id} to ${place.to_event_id} are old enough, but no seal covers them`
      findings.push({ kind: 'not_sealed', subject: shardName(open.shard), shard: open.shard, ...place, problem })
    }
    open = undefined
  }

  function take(line: ExportLine): void {
    switch (line.kind) {
      case 'export':
        if (lineNo > 1) damaged('a second beginning')
        if (line.format !== EXPORT_FORMAT) damaged(`the format "${line.format}" is not known`)
        header = line
        return
      case 'shard':
        close()
        if (seen.has(line.shard)) damaged(`shard ${line.shard} is there twice`)
        seen.add(line.shard)
        open = { ...line, seals: [], check: undefined, lasts: new Map(), lastEventId: 0n, unsealed: undefined }
        totals.shards += 1
        return
      case 'seal':
        if (line.seal.log !== 'payments' || open?.shard !== line.seal.shard || open.check !== undefined) {
          damaged(`seal ${line.seal.number} of shard ${line.seal.shard} is not in its place`)
        } else {
          open.seals.push(line.seal)
          totals.seals += 1
        }
        return
      case 'event':
        takeEvent(line.event)
        return
      case 'end':
        close()
        isEnded = true
        if (line.events !== totals.events || line.seals !== totals.seals) {
          damaged(
            `${totals.events} events and ${totals.seals} seals, but ${line.events} and ${line.seals} were written`,
          )
        }
    }
  }

  function takeEvent(event: StoredEvent): void {
    const { shard, eventId, paymentIntentId, version } = event
    if (open?.shard !== shard) {
      damaged(`event ${eventId} of shard ${shard} is not in its place`)
      return
    }
    totals.events += 1
    if (totals.events % PROGRESS_EVENTS === 0) onProgress(totals.events)
    const check = checkOf(open)
    check.add(eventId, event.hash)
    const place = { shard, event_id: String(eventId), payment_intent_id: paymentIntentId, version }
    for (const problem of eventBreaks(open.lasts.get(paymentIntentId), event))
      findings.push({ kind: 'event_changed', subject: paymentIntentId, problem, ...place })
    open.lasts.set(paymentIntentId, { version, hash: event.hash })
    open.lastEventId = eventId
    const oldBefore = (header?.exportedAtMs ?? 0) - LIMITS.unsealedMsMax
    if (eventId > check.sealedTo && event.timestampMs < oldBefore)
      open.unsealed = { first: open.unsealed?.first ?? eventId, last: eventId }
  }

  for await (const text of lines) {
    lineNo += 1
    const line = parseLine(text)
    if (line === undefined) damaged('is not a line of an export')
    else if (lineNo === 1 && line.kind !== 'export') damaged('the beginning is missing')
    else if (isEnded) damaged('comes after the end')
    if (line !== undefined) take(line)
  }
  close()
  if (!isEnded) damaged('the end is missing: the file was cut off')
  if (header !== undefined && header.shards !== totals.shards)
    damaged(`${totals.shards} shards, but ${header.shards} were written`)
  for (const { shard } of copies) {
    if (seen.has(shard)) continue
    seen.add(shard)
    findings.push({
      ...{ kind: 'seal_missing', subject: shardName(shard), shard },
      problem: 'there are copies of its seals, but no such shard',
    })
  }
  return { ok: findings.length === 0, ...totals, signatures_checked: keys !== undefined, findings }
}
