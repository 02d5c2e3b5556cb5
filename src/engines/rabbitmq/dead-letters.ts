import type { Clock } from '../../core/clock.ts'
import { type DeadLetter, LANES, type Lane } from '../../queue/port.ts'
import type { Delivered, RabbitClient } from './client.ts'
import { deadLetterOf, type Place, revived } from './envelope.ts'
import { namesOf, PLAIN_ARGUMENTS } from './names.ts'
import type { Publisher } from './publisher.ts'
import { readQueue } from './reading.ts'
import type { Topology } from './topology.ts'

interface Deps {
  readonly client: RabbitClient
  readonly topology: Topology
  readonly publisher: Publisher
  readonly prefix: string
  readonly clock: Clock
}

const newestFirst = (a: DeadLetter, b: DeadLetter) =>
  b.diedAt.getTime() - a.diedAt.getTime() || b.id.length - a.id.length || (b.id < a.id ? -1 : 1)

export function createDeadLetters({ client, topology, publisher, prefix, clock }: Deps) {
  const placesOf = (topic: string): Place[] => LANES.map((lane) => ({ prefix, topic, lane }))
  const queueOf = ({ topic, lane }: Place) => ({ name: namesOf(prefix, topic, lane).dead, args: PLAIN_ARGUMENTS })

  async function list(place: Place, limit: number): Promise<DeadLetter[]> {
    let newest: DeadLetter[] = []
    await client.withChannel((channel) =>
      readQueue(channel, {
        ...{ queue: queueOf(place), clock },
        async take(batch) {
          const letters = batch.map((delivered) => deadLetterOf(place, delivered))
          newest = [...newest, ...letters].sort(newestFirst).slice(0, limit)
          return []
        },
      }),
    )
    return newest
  }

  /** Published before they are taken away: a crash in between leaves them in both places. */
  async function revive(place: Place, ids: ReadonlySet<string> | undefined): Promise<number> {
    let count = 0
    await client.withChannel((channel) =>
      readQueue(channel, {
        ...{ queue: queueOf(place), clock, takesAll: ids === undefined },
        async take(batch) {
          const chosen = batch.filter(({ messageId }) => ids === undefined || ids.has(String(messageId)))
          const lost = await publisher.publish(chosen.map((delivered) => revived(place, delivered)))
          if (lost.length > 0) throw new Error(`${lost.length} messages found no queue`)
          count += chosen.length
          return chosen satisfies readonly Delivered[]
        },
      }),
    )
    return count
  }

  return {
    async list(topic: string | undefined, limit: number, lane: Lane | undefined): Promise<DeadLetter[]> {
      const topics = topic === undefined ? await topology.topics() : [topic]
      for (const each of topics) await topology.ensure(each)
      return topology.locked(async () => {
        const all: DeadLetter[] = []
        const places = topics.flatMap(placesOf).filter((place) => lane === undefined || place.lane === lane)
        for (const place of places) all.push(...(await list(place, limit)))
        return all.sort(newestFirst).slice(0, limit)
      })
    },
    async redrive(topic: string, ids: readonly string[] | undefined): Promise<number> {
      await topology.ensure(topic)
      return topology.locked(async () => {
        let count = 0
        for (const place of placesOf(topic)) count += await revive(place, ids === undefined ? undefined : new Set(ids))
        return count
      })
    },
  }
}
