import { LIMITS } from '../../core/limits.ts'
import type { DeadLetter, Lane, Message } from '../../queue/port.ts'
import type { StoredMessage } from '../../queue/transport.ts'
import type { Delivered, Outgoing } from './client.ts'
import { DELAY_STEPS_MS, namesOf } from './names.ts'

/** What of a message is not its payload. Dead letters have a reason and the time of their end. */
interface Headers {
  readonly key: string
  readonly attempt: number
  /** Milliseconds since 1970; only where the wait is longer than the longest queue of waits. */
  readonly notBefore?: number
  readonly reason?: string
  readonly diedAt?: number
}

const LONGEST_MS = DELAY_STEPS_MS.at(-1)!

/** Where it is from, and what it is, whichever broker it came from. */
export interface Place {
  readonly prefix: string
  readonly topic: string
  readonly lane: Lane
}

const envelope = (routingKey: string, messageId: string, headers: Headers, json: string): Outgoing => ({
  ...{ routingKey, messageId, json, mandatory: true },
  headers: Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
})

const fieldsOf = ({ messageId, headers, body }: Delivered) => {
  const { key, attempt, notBefore, reason, diedAt } = (headers ?? {}) as Partial<Headers>
  return {
    ...{ id: messageId ?? '', key: key ?? '', attempt: attempt ?? 1, notBefore, reason: reason ?? '' },
    diedAt: diedAt ?? 0,
    payload: (typeof body === 'object' && body !== null ? body : { body }) as Readonly<Record<string, unknown>>,
  }
}

/** To the queue of its lane, or first to the one where it waits. */
function toWork(place: Place, id: string, headers: Headers, json: string, delayMs: number, nowMs: number): Outgoing {
  const { work, delays } = namesOf(place.prefix, place.topic, place.lane)
  if (delayMs <= 0) return envelope(work, id, headers, json)
  const waitMs = Math.min(Math.ceil(delayMs), LONGEST_MS)
  const { name } = delays.find(({ maxMs }) => waitMs <= maxMs)!
  const rest = delayMs > LONGEST_MS ? { notBefore: Math.ceil(nowMs + delayMs) } : {}
  return { ...envelope(name, id, { ...headers, ...rest }, json), expiration: String(waitMs) }
}

export function published(prefix: string, message: StoredMessage, nowMs: number): Outgoing {
  const { id, topic, lane, key, payloadJson, delayMs } = message
  return toWork({ prefix, topic, lane }, id, { key, attempt: 1 }, payloadJson, delayMs, nowMs)
}

/** Every time that a message came back to the queue without an outcome counts as a try. */
export function messageOf({ topic, lane }: Place, delivered: Delivered): Message {
  const { id, key, attempt, payload } = fieldsOf(delivered)
  const lost = Number((delivered.headers as Record<string, unknown> | undefined)?.['x-delivery-count'] ?? 0)
  return { id, topic, lane, key, payload, attempt: attempt + lost }
}

/** How long it has to wait still. */
export const waitMsOf = (delivered: Delivered, nowMs: number): number => (fieldsOf(delivered).notBefore ?? 0) - nowMs

/** The same message once more, at the given attempt. */
export function again(place: Place, message: Message, attempt: number, delayMs: number, nowMs: number): Outgoing {
  const { id, key, payload } = message
  return toWork(place, id, { key, attempt }, JSON.stringify(payload), delayMs, nowMs)
}

export function buried(place: Place, message: Message, reason: string, nowMs: number): Outgoing {
  const { dead } = namesOf(place.prefix, place.topic, place.lane)
  const { id, key, attempt, payload } = message
  const words = reason.slice(0, LIMITS.reasonCharsMax)
  return envelope(dead, id, { key, attempt, reason: words, diedAt: nowMs }, JSON.stringify(payload))
}

export function deadLetterOf({ topic, lane }: Place, delivered: Delivered): DeadLetter {
  const { id, key, attempt, payload, reason, diedAt } = fieldsOf(delivered)
  return { id, topic, lane, key, payload, attempts: attempt, reason, diedAt: new Date(diedAt) }
}

/** A dead letter as a fresh message. */
export function revived(place: Place, delivered: Delivered): Outgoing {
  const { id, key, payload } = fieldsOf(delivered)
  return toWork(place, id, { key, attempt: 1 }, JSON.stringify(payload), 0, 0)
}
