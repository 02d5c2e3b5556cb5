import type { EventPublisher } from '../../relay/port.ts'
import type { Cluster } from './cluster.ts'
import type { Names } from './names.ts'
import { createProducer } from './producer.ts'

/**
 * Events for other teams: a topic whose keys are the streams, placed by the hash that Kafka's own clients use. A batch
 * is sent until it is stored before the next one goes, so those of a key keep their order whatever fails.
 */
export function openEventPublisher(cluster: Cluster, names: Names): EventPublisher {
  const producer = createProducer(cluster, `events ${Math.random()}`)
  const { murmur2 } = cluster.driver
  return {
    async publish(events) {
      if (events.length === 0) return
      await cluster.ensureTopics([names.eventsSpec])
      const count = await cluster.partitionsOf(names.events)
      await producer.send(
        events.map(({ key, id, type, body }) => ({
          topic: names.events,
          partition: (Number(murmur2(Buffer.from(key))) & 0x7fffffff) % count,
          key,
          value: body,
          headers: { id, type, 'content-type': 'application/json' },
        })),
      )
    },
    close: () => producer.close(),
  }
}
