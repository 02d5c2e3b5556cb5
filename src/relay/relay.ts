import { LIMITS } from '../core/limits.ts'
import type { LogEvent, LogName, LogStore } from '../log/port.ts'
import type { BatchSubscription } from '../log/subscriber.ts'
import { messageOf } from '../webhooks/events.ts'
import type { EventPublisher, RelayedEvent } from './port.ts'

/** Under this name the checkpoints of a log are kept. */
export const relayName = (log: LogName): string => `events_${log}`

/** An event as others get it: as a webhook has it, with the same id. */
export function relayedEvent(log: LogName, event: LogEvent): RelayedEvent {
  const { messageId, eventType, body } = messageOf(log, event)
  return { key: event.streamId, id: messageId, type: eventType, body }
}

function* slicesOf(events: readonly RelayedEvent[]): Generator<RelayedEvent[]> {
  let slice: RelayedEvent[] = []
  let bytes = 0
  for (const event of events) {
    const size = Buffer.byteLength(event.body)
    if (slice.length === LIMITS.batchItemsMax || (slice.length > 0 && bytes + size > LIMITS.relayBatchBytesMax)) {
      yield slice
      slice = []
      bytes = 0
    }
    slice.push(event)
    bytes += size
  }
  if (slice.length > 0) yield slice
}

/**
 * Publishes every event of a log, from its beginning, in the order of each shard and so of each stream. The checkpoint
 * moves after the broker has them: what was under way when a process died, or when two did the same work, is published
 * again. Such repeats may come late, but an event never comes for the first time before one of its stream that is older:
 * a batch is begun only after all before it were published. `publisher` is asked before each batch.
 */
export function relayOf<Tx>(log: LogStore<Tx>, publisher: () => Promise<EventPublisher>): BatchSubscription<Tx> {
  return {
    name: relayName(log.log),
    store: log,
    async handleBatch(events) {
      const open = await publisher()
      for (const slice of slicesOf(events.map((event) => relayedEvent(log.log, event)))) await open.publish(slice)
    },
  }
}
