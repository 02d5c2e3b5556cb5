import { afterEach, describe, expect, it } from 'vitest'
import type { Cluster } from '../../src/engines/kafka/cluster.ts'
import { committedOf } from '../../src/engines/kafka/offsets.ts'
import { createProducer, type OutgoingRecord } from '../../src/engines/kafka/producer.ts'
import { encodeProgress, type Progress } from '../../src/engines/kafka/progress.ts'
import { openQueueTransport } from '../../src/engines/kafka/queue-transport.ts'
import { subscribe } from '../../src/engines/kafka/subscription.ts'
import type { Message, Queue } from '../../src/queue/port.ts'
import { createQueue } from '../../src/queue/queue.ts'
import type { Subscription } from '../../src/queue/transport.ts'
import { createGate } from '../../src/testing/gate.ts'
import { until } from '../../src/testing/until.ts'
import { type KafkaUnderTest, kafkaContext, kafkaUnderTest, kafkaUrl, SESSION_MS } from '../setup/kafka.ts'

const url = kafkaUrl()

describe.skipIf(url === undefined)('a partition of the queue on Kafka', () => {
  const cleanups: (() => Promise<unknown>)[] = []
  const never = new AbortController().signal
  const topic = 'work'
  const id = (name: string) => ({ topic: name, partition: 0 })
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean()
  })

  async function createWorld() {
    const kafka = kafkaUnderTest(url!, 'partitions=1')
    cleanups.push(() => kafka.remove())
    const cluster = await connect(kafka)
    return { kafka, cluster, data: kafka.names.lane(topic, 'small').data, queue: await openQueue(kafka) }
  }

  async function connect(kafka: KafkaUnderTest): Promise<Cluster> {
    const cluster = await kafka.connect()
    cleanups.push(() => cluster.close())
    return cluster
  }

  async function openQueue(kafka: KafkaUnderTest): Promise<Queue> {
    const context = kafkaContext()
    const transport = openQueueTransport(await connect(kafka), kafka.names, context, { sessionMs: SESSION_MS })
    const queue = createQueue(transport, context)
    cleanups.push(() => queue.close())
    return queue
  }

  const publish = (queue: Queue, ...numbers: number[]) =>
    queue.publish(numbers.map((n) => ({ topic, key: `key-${n}`, payload: { n } })))
  const numberOf = ({ payload }: Message) => payload['n'] as number
  const depthOf = async (queue: Queue) => (await queue.depths()).reduce((sum, { depth }) => sum + depth, 0)

  /** As a holder that has given everything back. */
  async function commit(cluster: Cluster, group: string, progress: Partial<Progress>): Promise<void> {
    const whole = { offset: 0, done: [], crashes: 0, isHeld: false, ...progress }
    const partition = { partitionIndex: 0, committedOffset: BigInt(whole.offset), committedLeaderEpoch: -1 }
    const topics = [{ name: group, partitions: [{ ...partition, committedMetadata: encodeProgress(whole) }] }]
    const { offsetCommitV8 } = cluster.driver
    await cluster.askCoordinator(group, {}, offsetCommitV8.api, group, -1, '', null, topics)
  }

  it('that is made anew is handed out from its start, also by who had read beyond its end', async () => {
    const { kafka, cluster, data, queue } = await createWorld()
    const seen: number[] = []
    await publish(queue, 0, 1, 2, 3, 4)
    queue.consume(topic, async (message) => void seen.push(numberOf(message)))
    await until('the first are handled', () => seen.length === 5)
    await cluster.ask(cluster.driver.deleteTopicsV6.api, [{ name: data }], 5_000)
    await until('the topic is gone', async () => !(await cluster.partitionCounts([data])).has(data))
    // Another process, which has not seen the old one; it makes the topic.
    await publish(await openQueue(kafka), 10, 11, 12)
    await until('the new ones are handled', () => seen.length === 8)
    expect(seen.slice(5)).toEqual([10, 11, 12])
    await until('they are done', async () => (await depthOf(queue)) === 0)
    expect((await committedOf(cluster, data, [id(data)]))[0]?.offset).toBe(3)
  })

  it.each([
    ['the first that is not done', { offset: 100 }],
    ['one that is done', { offset: 1, done: Array.from({ length: 49 }, (_, n) => 2 + n) }],
  ])('is handed out from its start when %s lies beyond its end', async (_, progress) => {
    const { cluster, data, queue } = await createWorld()
    await publish(queue, 0, 1, 2)
    await commit(cluster, data, progress)
    if (progress.offset > 3) expect(await depthOf(queue)).toBe(3)
    const seen: number[] = []
    queue.consume(topic, async (message) => void seen.push(numberOf(message)))
    await until('all are handled', () => seen.length === 3)
    await publish(queue, 3, 4)
    await until('the next are handled too', () => seen.length === 5)
    expect(seen).toEqual([0, 1, 2, 3, 4])
  })

  it.each([
    ['are copied', undefined],
    ['could not be copied', new Error('no broker answers')],
  ])('that is given away at a shutdown moves when its messages %s, and none comes twice', async (_, failure) => {
    const { kafka, cluster, data, queue } = await createWorld()
    await publish(queue, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    const [sent, gate] = [createGate(), createGate()]
    const producer = createProducer(cluster, 'copies')
    const gated = {
      ...producer,
      async send(records: readonly OutgoingRecord[]) {
        sent.open()
        await gate.opened
        if (failure !== undefined) throw failure
        await producer.send(records)
      },
    }
    const deps = { cluster, names: kafka.names, ...kafkaContext(), sessionMs: SESSION_MS }
    const leaving = subscribe({ ...deps, producer: gated }, topic, 'small')
    const [first, second] = await leaving.receive(2, never)
    expect([first, second].map((message) => numberOf(message!))).toEqual([0, 1])
    const givingBack = leaving.giveBack([second!])
    await sent.opened
    await leaving.ack([first!])
    // What the end of the last handler brought about is asked of the broker before these.
    for (let n = 0; n < 2; n++) await committedOf(cluster, data, [id(data)])
    gate.open()
    await givingBack
    await leaving.close()

    const next = subscribe({ ...deps, producer }, topic, 'small')
    cleanups.push(() => next.close())
    const seen: number[] = []
    const { stop, done } = handling(next, (message) => seen.push(numberOf(message)))
    await until('the topic is empty', async () => (await depthOf(queue)) === 0)
    stop()
    await done
    expect(seen.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('that was lost is told of once to each message, and then forgotten', async () => {
    const { kafka, cluster, data, queue } = await createWorld()
    await publish(queue, 0)
    const producer = createProducer(cluster, 'none')
    const deps = { cluster, names: kafka.names, ...kafkaContext(), sessionMs: SESSION_MS }
    const holder = subscribe({ ...deps, producer }, topic, 'small')
    cleanups.push(() => holder.close())
    const held = await holder.receive(1, never)
    expect(await holder.extend(held)).toEqual([])
    const { describeGroupsV5, leaveGroupV5 } = cluster.driver
    const { groups } = await cluster.askCoordinator(data, {}, describeGroupsV5.api, [data], false)
    const members = groups[0]!.members.map(({ memberId }) => ({ memberId }))
    await cluster.askCoordinator(data, {}, leaveGroupV5.api, data, members)
    const lost = await until('it is lost', async () => {
      const found = await holder.extend(held)
      return found.length > 0 ? found : undefined
    })
    expect(lost).toEqual(held)
    expect(await holder.extend(held)).toEqual([])
  })

  function handling(subscription: Subscription, onMessage: (message: Message) => void) {
    const stop = new AbortController()
    const done = (async () => {
      while (!stop.signal.aborted) {
        const messages = await subscription.receive(10, stop.signal)
        for (const message of messages) onMessage(message)
        await subscription.ack(messages)
      }
    })()
    return { stop: () => stop.abort(), done }
  }
})
