import type { EventPublisher, RelayedEvent } from '../../relay/port.ts'
import type { RabbitClient } from './client.ts'
import { createPublisher } from './publisher.ts'

/**
 * Events in rounds: one is sent when that of the same key before it is confirmed. All at once would be in order too, but
 * for a round that fails in the middle: a later one may have arrived then without an earlier one.
 */
function roundsOf(events: readonly RelayedEvent[]): RelayedEvent[][] {
  const rounds: RelayedEvent[][] = []
  const sent = new Map<string, number>()
  for (const event of events) {
    const round = sent.get(event.key) ?? 0
    sent.set(event.key, round + 1)
    const events = rounds[round]
    if (events === undefined) rounds.push([event])
    else events.push(event)
  }
  return rounds
}

/**
 * Events in a durable topic exchange, the type as the routing key. An event that no queue of a receiver is bound for is
 * gone: whoever wants all binds his queue before they are sent.
 */
export function openEventPublisher(client: RabbitClient, exchange: string): EventPublisher {
  const publisher = createPublisher(client, (channel) => channel.declareExchange(exchange, 'topic'))
  return {
    async publish(events) {
      for (const round of roundsOf(events)) {
        await publisher.publish(
          round.map(({ key, id, type, body }) => ({
            ...{ exchange, routingKey: type, messageId: id, type, json: body },
            headers: { key },
          })),
        )
      }
    },
    close: () => publisher.close(),
  }
}
