import { fromSealDocument, type Seal, toSealDocument } from '../../log/seal.ts'
import type { StoredEvent } from '../ports/store.ts'

/** The name of the form below; another form has another name. */
export const EXPORT_FORMAT = 'fanfold-payments-1'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

export type ExportLine =
  | { readonly kind: 'export'; readonly format: string; readonly exportedAtMs: number; readonly shards: number }
  /** What follows is of this shard: first its seals, then its events. */
  | { readonly kind: 'shard'; readonly shard: number; readonly head: bigint }
  | { readonly kind: 'seal'; readonly seal: Seal }
  | { readonly kind: 'event'; readonly event: StoredEvent }
  | { readonly kind: 'end'; readonly seals: number; readonly events: number }

export function toLine(line: ExportLine): string {
  return `${JSON.stringify(toDocument(line))}\n`
}

function toDocument(line: ExportLine): object {
  switch (line.kind) {
    case 'export': {
      const exported_at = new Date(line.exportedAtMs).toISOString()
      return { kind: 'export', format: line.format, exported_at, shards: line.shards }
    }
    case 'shard':
      return { kind: 'shard', shard: line.shard, head: String(line.head) }
    case 'seal':
      return toSealDocument(line.seal)
    case 'event':
      return eventDocument(line.event)
    case 'end':
      return line
  }
}

function eventDocument(event: StoredEvent): object {
  return {
    kind: 'event',
    shard: event.shard,
    event_id: String(event.eventId),
    payment_intent_id: event.paymentIntentId,
    version: event.version,
    event_type: event.type,
    schema_version: event.schemaVersion,
    timestamp: new Date(event.timestampMs).toISOString(),
    actor: event.actor,
    op_id: event.opId ?? null,
    payload: event.payload,
    prev_hash: hex(event.prevHash),
    hash: hex(event.hash),
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
const isId = (value: unknown): value is string => isText(value) && /^\d{1,18}$/.test(value)
const isTime = (value: unknown): value is string => isText(value) && !Number.isNaN(Date.parse(value))
const isHash = (value: unknown): value is string => isText(value) && /^[0-9a-f]{64}$/.test(value)

function toEvent(fields: Readonly<Record<string, unknown>>): StoredEvent | undefined {
  const { shard, event_id: eventId, payment_intent_id: id, version, event_type: type, schema_version: schema } = fields
  const { timestamp, actor, op_id: opId, payload, prev_hash: prevHash, hash } = fields
  if (!isCount(shard) || !isId(eventId) || !isText(id) || !isCount(version) || !isText(type)) return undefined
  if (!isCount(schema) || !isTime(timestamp) || !isText(actor) || !(opId === null || isText(opId))) return undefined
  if (typeof payload !== 'object' || payload === null || !isHash(prevHash) || !isHash(hash)) return undefined
  return {
    ...{ shard, version, type, actor, schemaVersion: schema },
    eventId: BigInt(eventId),
    paymentIntentId: id,
    timestampMs: Date.parse(timestamp),
    payload: payload as Record<string, unknown>,
    opId: opId ?? undefined,
    prevHash: Buffer.from(prevHash, 'hex'),
    hash: Buffer.from(hash, 'hex'),
  }
}

/** A line of an exported file; `undefined` when it is none. */
export function parseLine(text: string): ExportLine | undefined {
  let fields: Readonly<Record<string, unknown>>
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    fields = value as Record<string, unknown>
  } catch {
    return undefined
  }
  const { kind, format, exported_at: exportedAt, shards, shard, head, seals, events } = fields
  switch (kind) {
    case 'export':
      if (!isText(format) || !isTime(exportedAt) || !isCount(shards)) return undefined
      return { kind, format, exportedAtMs: Date.parse(exportedAt), shards }
    case 'shard':
      return isCount(shard) && isId(head) ? { kind, shard, head: BigInt(head) } : undefined
    case 'seal': {
      const seal = fromSealDocument(fields)
      return seal === undefined ? undefined : { kind, seal }
    }
    case 'event': {
      const event = toEvent(fields)
      return event === undefined ? undefined : { kind, event }
    }
    case 'end':
      return isCount(seals) && isCount(events) ? { kind, seals, events } : undefined
    default:
      return undefined
  }
}

/** The seals of a file of copies. A line that a crash has torn says nothing; what it should have said was copied again. */
export async function readSealCopies(lines: AsyncIterable<string> | Iterable<string>): Promise<Seal[]> {
  const seals: Seal[] = []
  for await (const text of lines) {
    const line = parseLine(text)
    if (line?.kind === 'seal') seals.push(line.seal)
  }
  return seals
}
