import { canonicalJson, NO_HASH, sha256 } from '../../core/canonical-json.ts'
import type { SealedEvent, StoredEvent } from '../ports/store.ts'
import { EVENT_VERSIONS, operationOf, type PaymentEvent, type RecordedEvent } from './events.ts'

interface Hashed {
  readonly paymentIntentId: string
  readonly version: number
  readonly type: string
  readonly schemaVersion: number
  readonly timestampMs: number
  readonly actor: string
  readonly opId: string | undefined
  readonly payload: object
  readonly prevHash: Uint8Array
}

/**
 * SHA-256 over the canonical JSON (RFC 8785) of everything an event says and the hash of the event before, so that
 * none can be changed, left out or moved without changing all that follow.
 */
export function eventHash(event: Hashed): Uint8Array {
  const text = canonicalJson([
    Buffer.from(event.prevHash).toString('hex'),
    event.paymentIntentId,
    event.version,
    event.type,
    event.schemaVersion,
    new Date(event.timestampMs).toISOString(),
    event.actor,
    event.opId ?? null,
    event.payload,
  ])
  return sha256(text)
}

/** Numbers, stamps and chains the events of one command behind those a payment has. */
export function seal(
  events: readonly PaymentEvent[],
  after: { readonly paymentIntentId: string; readonly version: number; readonly hash: Uint8Array },
  by: { readonly actor: string; readonly timestampMs: number },
): SealedEvent[] {
  let { version, hash: prevHash } = after
  return events.map((event) => {
    version += 1
    const schemaVersion = EVENT_VERSIONS[event.type]
    const opId = operationOf(event)
    const recorded: RecordedEvent = { ...event, timestampMs: by.timestampMs }
    const { paymentIntentId } = after
    const { type, payload } = event
    const hash = eventHash({ paymentIntentId, version, type, schemaVersion, ...by, opId, payload, prevHash })
    const sealed = { version, schemaVersion, event: recorded, opId, actor: by.actor, prevHash, hash }
    prevHash = hash
    return sealed
  })
}

/** What is wrong with an event behind the one before it (`undefined`: it is the first there is), in words. */
export function eventBreaks(
  before: { readonly version: number; readonly hash: Uint8Array } | undefined,
  event: StoredEvent,
): string[] {
  const breaks: string[] = []
  const expected = (before?.version ?? 0) + 1
  const name = `version ${event.version} (${event.type}, event ${event.eventId} of shard ${event.shard})`
  if (event.version !== expected) {
    breaks.push(
      event.version > expected
        ? `version ${expected} is missing${event.version > expected + 1 ? `, and all up to ${event.version - 1}` : ''}`
        : `${name} comes after version ${expected - 1}`,
    )
  } else if (Buffer.compare(event.prevHash, before?.hash ?? NO_HASH) !== 0) {
    breaks.push(`${name} does not follow the event before it`)
  }
  if (!isAsWritten(event)) breaks.push(`${name} is not as it was written`)
  return breaks
}

function isAsWritten(event: StoredEvent): boolean {
  try {
    return Buffer.compare(eventHash(event), event.hash) === 0
  } catch {
    // What was never written (a fraction, a time that is none) has no hash.
    return false
  }
}

/** Each break in the chain of a payment's stored events, in words; none when they are as they were written. */
export function chainBreaks(events: readonly StoredEvent[]): string[] {
  return events.flatMap((event, index) => eventBreaks(events[index - 1], event))
}
