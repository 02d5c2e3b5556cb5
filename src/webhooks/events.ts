import type { LogEvent, LogName } from '../log/port.ts'
import type { Audience, WebhookMessage } from './ports.ts'

/** What a log is called in the names of events, and what its stream ids are called in their data. */
export const KINDS = {
  orders: { family: 'order', stream: 'order_id' },
  payments: { family: 'payment', stream: 'payment_intent_id' },
} as const satisfies Record<LogName, { family: string; stream: string }>

export const FAMILIES = Object.values(KINDS).map(({ family }) => family)

/** Every event of both logs. */
export const ALL_EVENT_TYPES: readonly string[] = FAMILIES.map((family) => `${family}.*`)

/** The type of the event that an operator sends to try an endpoint out. */
export const TEST_EVENT_TYPE = 'webhook.test'

/**
 * Left out of what is sent: how somebody pays (the token of a card, its last digits) is nobody's business outside, and
 * a next action leads to a page that is meant for the buyer alone. What is personal is encrypted: nobody could read it.
 */
const KEPT_INSIDE = new Set(['payment_method', 'action', 'personal'])

/** `ORDER_PAID` -> `order.paid`, `ITEMS_SHIPPED` -> `order.items_shipped`, `CAPTURED` -> `payment.captured`. */
export function eventTypeOf(log: LogName, type: string): string {
  const { family } = KINDS[log]
  const name = type.toLowerCase()
  return `${family}.${name.startsWith(`${family}_`) ? name.slice(family.length + 1) : name}`
}

/** An event of a log as it is sent. Its id is made of the stream and its version, which no other event has. */
export function messageOf(log: LogName, event: LogEvent): WebhookMessage {
  const eventType = eventTypeOf(log, event.type)
  const details = Object.fromEntries(Object.entries(event.payload).filter(([name]) => !KEPT_INSIDE.has(name)))
  const data = {
    [KINDS[log].stream]: event.streamId,
    version: event.version,
    event_id: String(event.eventId),
    details,
  }
  return {
    messageId: `msg_${event.streamId}_${event.version}`,
    eventType,
    body: JSON.stringify({ type: eventType, timestamp: new Date(event.timestampMs).toISOString(), data }),
  }
}

/** The event of a trial. `id` must be new, unless it is the same trial again. */
export function testMessage(endpointId: string, id: string, nowMs: number): WebhookMessage {
  const timestamp = new Date(nowMs).toISOString()
  return {
    messageId: `msg_test_${id}`,
    eventType: TEST_EVENT_TYPE,
    body: JSON.stringify({ type: TEST_EVENT_TYPE, timestamp, data: { endpoint_id: endpointId } }),
  }
}

/** Brought from elsewhere by the million, and long over: told only to those who ask for it by its name. */
const ONLY_BY_NAME: ReadonlySet<string> = new Set(['order.imported'])

/** Whether an endpoint gets an event: of a type it asked for, and newer than itself. */
export function isFor(audience: Audience, log: LogName, event: LogEvent): boolean {
  const start = audience.starts[log][event.shard]
  if (start !== undefined && event.eventId <= BigInt(start)) return false
  const type = eventTypeOf(log, event.type)
  const family = `${KINDS[log].family}.*`
  const byFamily = !ONLY_BY_NAME.has(type)
  return audience.eventTypes.some((wanted) => wanted === type || (byFamily && wanted === family))
}
