import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { assign, type GroupMember } from '../../src/engines/kafka/assignor.ts'
import { openKafkaEngine } from '../../src/engines/kafka/engine.ts'
import { openEventPublisher } from '../../src/engines/kafka/event-publisher.ts'
import { createLedger } from '../../src/engines/kafka/ledger.ts'
import { namesOf, retryPartitionOf } from '../../src/engines/kafka/names.ts'
import { batchesOf } from '../../src/engines/kafka/producer.ts'
import { decodeProgress, encodeProgress } from '../../src/engines/kafka/progress.ts'
import { openQueueTransport } from '../../src/engines/kafka/queue-transport.ts'
import type { QueueRecord } from '../../src/engines/kafka/records.ts'
import { recordsOf } from '../../src/engines/kafka/records.ts'
import { targetOf } from '../../src/engines/kafka/target.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import { createQueue } from '../../src/queue/queue.ts'
import { testQueue } from '../../src/testing/queue.ts'
import { kafkaContext, kafkaUnderTest, kafkaUrl, SESSION_MS } from '../setup/kafka.ts'

const url = kafkaUrl()

describe.skipIf(url === undefined)('Kafka', () => {
  testQueue('kafka', async () => {
    const kafka = kafkaUnderTest(url!)
    return {
      capabilities: { countsWorkElsewhere: true },
      async open(options) {
        const cluster = await kafka.connect()
        const context = kafkaContext()
        const transport = openQueueTransport(cluster, kafka.names, context, { sessionMs: SESSION_MS })
        const queue = createQueue(transport, context, options)
        return {
          ...queue,
          async close() {
            await queue.close()
            await cluster.close()
          },
        }
      },
      close: () => kafka.remove(),
    }
  })

  it('publishes events under their stream, with id and type, in order', async () => {
    const kafka = kafkaUnderTest(url!)
    const cluster = await kafka.connect()
    try {
      const publisher = openEventPublisher(cluster, kafka.names)
      await publisher.publish([])
      for (let at = 0; at < 300; at += 100) {
        await publisher.publish(
          Array.from({ length: 100 }, (_, i) => {
            const n = at + i
            return { key: `order-${n % 7}`, id: `event-${n}`, type: 'order.paid', body: JSON.stringify({ n }) }
          }),
        )
      }
      const found = new Map<string, number[]>()
      for (let partition = 0; partition < 3; partition++) {
        const broker = await cluster.leaderOf({ topic: kafka.names.events, partition })
        const asked = { partition, currentLeaderEpoch: -1, fetchOffset: 0n, lastFetchedEpoch: -1 }
        const wanted = [{ topicId: kafka.names.events, partitions: [{ ...asked, partitionMaxBytes: 1_000_000 }] }]
        const { fetchV12 } = cluster.driver
        const to = { role: 'test', broker }
        const answer = await cluster.connections.call(to, fetchV12.api, 100, 1, 1_000_000, 0, 0, -1, wanted, [], '')
        for (const { key, value, headers } of recordsOf(answer.responses[0]?.partitions[0]?.records, 0).records) {
          const { n } = JSON.parse(value!) as { n: number }
          expect(headers.get('id')).toBe(`event-${n}`)
          expect(headers.get('type')).toBe('order.paid')
          found.set(key, [...(found.get(key) ?? []), n])
        }
      }
      expect([...found.values()].flat()).toHaveLength(300)
      for (const numbers of found.values()) expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
      await publisher.close()
    } finally {
      await cluster.close()
      await kafka.remove()
    }
  })

  it('says what is missing, and makes it however many ask at once', async () => {
    const kafka = kafkaUnderTest(url!)
    const engines = await Promise.all([1, 2, 3].map(() => openKafkaEngine(parseUrl(kafka.url), kafkaContext())))
    const [engine] = engines
    expect(await engine!.pendingMigrations()).toBe(1)
    expect(await engine!.migrate({ dryRun: true })).toMatchObject({ applied: false, version: 0 })
    expect(await engine!.pendingMigrations()).toBe(1)
    await Promise.all(engines.map((each) => each.migrate()))
    expect(await engine!.pendingMigrations()).toBe(0)
    expect(await engine!.migrate()).toEqual({ pending: [], applied: true, version: 1 })
    expect(await engine!.version()).toMatch(/^Kafka (3|4)\.\d.* \(\d+ broker/)
    expect(Object.keys(engine!.ports).sort()).toEqual(['events', 'queue'])
    for (const each of engines) await each.close()
    await kafka.remove()
  })

  it('refuses more copies than there are brokers', async () => {
    const wrong = `${kafkaUnderTest(url!).url}&replication=9`
    await expect(openKafkaEngine(parseUrl(wrong), kafkaContext())).rejects.toThrow('?replication=9 needs as many')
  })

  it('leaves no process hanging when it is closed', async () => {
    const { host } = new URL(url!)
    const program = `
      const { openKafkaEngine } = await import('./dist/engines/kafka/engine.js')
      const context = { logger: { warn() {}, error() {} } }
      const engine = await openKafkaEngine(new URL('kafka://${host}/?prefix=never.'), context)
      await engine.version()
      await engine.close()`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'inherit' })
    expect((await once(child, 'exit'))[0]).toBe(0)
  })
})

describe('opening Kafka', () => {
  const open = (text: string) => openKafkaEngine(parseUrl(text), kafkaContext())

  it('says that nobody listens, and what to look at', async () => {
    const opening = open('kafka://user:secret@127.0.0.1:1,127.0.0.1:2/')
    await expect(opening).rejects.toSatisfy((error) => isAppError(error, 'engine_unreachable'))
    await expect(opening).rejects.toThrow(/user:\*\*\*@.*ECONNREFUSED.*is it running/)
    await expect(opening).rejects.not.toThrow('secret')
  })

  it('says that who listens does not speak Kafka', async () => {
    const server = createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as { port: number }
    const opening = open(`kafka://127.0.0.1:${port}/`)
    await expect(opening).rejects.toThrow('does this port speak Kafka')
    server.close()
  })

  it.each([
    ['kafka://h/?nothing=1', '?nothing= is not known'],
    ['kafka://h/db', 'has no databases'],
    ['kafka://h/?partitions=0', '?partitions= must be a number'],
    ['kafka://h/?prefix=a_b', '?prefix= may have'],
    ['kafka://u:p@h/?sasl=magic', '?sasl= must be one of plain'],
    ['kafka://h/?sasl=plain', 'needs a user'],
    ['kafka://h:1,h:x/', 'is not host:port'],
  ])('refuses %s', async (text, reason) => {
    await expect(open(text)).rejects.toSatisfy((error) => isAppError(error, 'invalid_config'))
    await expect(open(text)).rejects.toThrow(reason)
  })

  it('reads several brokers, TLS and passwords from the URL', () => {
    const target = targetOf(parseUrl('kafkas://me:a%40b@one,two:9093/?prefix=shop.&partitions=6&sasl=plain'))
    expect(target).toEqual({
      bootstrap: [
        { host: 'one', port: 9092 },
        { host: 'two', port: 9093 },
      ],
      shown: 'kafkas://me:***@one,two:9093/?prefix=shop.&partitions=6&sasl=plain',
      isSafe: true,
      sasl: { mechanism: 'PLAIN', username: 'me', password: 'a@b' },
      prefix: 'shop.',
      partitions: 6,
      replication: undefined,
    })
  })
})

describe('rules of the queue on Kafka', () => {
  const record = (offset: number, more: Partial<QueueRecord> = {}): QueueRecord => {
    return {
      offset,
      id: `${offset}`,
      key: `${offset}`,
      payloadJson: '{}',
      attempt: 1,
      notBefore: 0,
      bytes: 10,
      ...more,
    }
  }
  const fresh = (isOrdered = true, start = { offset: 0, done: [] as number[], crashes: 0, isHeld: false }) =>
    createLedger('t', 0, start, isOrdered)

  it('commits the first message that is not done and remembers those done behind it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.array(fc.nat(59)), fc.array(fc.nat(59)), (count, first, then) => {
        const all = Array.from({ length: count }, (_, n) => record(100 + n))
        const one = fresh(true, { offset: 100, done: [], crashes: 0, isHeld: false })
        one.add(all, 100 + count)
        one.take(count, 0)
        for (const n of first) one.finish(100 + n)
        one.release()
        const { offset, metadata } = one.toCommit()!
        const two = createLedger('t', 0, decodeProgress(offset, metadata), true)
        two.add(
          all.filter((each) => each.offset >= offset),
          100 + count,
        )
        const left = two.take(count, 0).map((each) => each.offset)
        const doneAtFirst = new Set(first.filter((n) => n < count).map((n) => 100 + n))
        expect(left).toEqual(all.map((each) => each.offset).filter((each) => !doneAtFirst.has(each)))
        for (const n of then) two.finish(100 + n)
        for (const each of left) two.finish(each)
        expect(two.toCommit()).toMatchObject({ offset: 100 + count })
      }),
    )
  })

  it('keeps progress as text that fits beside an offset', () => {
    const done = Array.from({ length: LIMITS.kafkaWindowRecords - 1 }, (_, n) => 8 + n)
    const progress = { offset: 7, done, crashes: 3, isHeld: true }
    expect(encodeProgress(progress).length).toBeLessThan(4_096)
    expect(decodeProgress(7, encodeProgress(progress))).toEqual(progress)
    expect(decodeProgress(7, 'of somebody else')).toEqual({ offset: 7, done: [], crashes: 0, isHeld: false })
  })

  it('hands out one message of a key at a time, and passes over those that are not due', () => {
    const ledger = fresh()
    const records = [
      record(0, { key: 'a' }),
      record(1, { key: 'a' }),
      record(2, { key: 'b' }),
      record(3, { notBefore: 50 }),
    ]
    ledger.add(records, 4)
    expect(ledger.take(9, 10).map(({ offset }) => offset)).toEqual([0, 2])
    expect(ledger.take(9, 10)).toEqual([])
    ledger.finish(0)
    expect(ledger.take(9, 10).map(({ offset }) => offset)).toEqual([1])
    expect(ledger.nextDueAt()).toBe(50)
    expect(ledger.take(9, 50).map(({ offset }) => offset)).toEqual([3])
  })

  it('fetches no more than the window and the room allow', () => {
    const ledger = fresh()
    ledger.add([record(0)], LIMITS.kafkaWindowRecords)
    expect(ledger.hasRoom).toBe(false)
    ledger.take(1, 0)
    ledger.finish(0)
    expect(ledger.hasRoom).toBe(true)
    ledger.add(
      [record(LIMITS.kafkaWindowRecords, { bytes: LIMITS.kafkaBufferBytesMax })],
      LIMITS.kafkaWindowRecords + 1,
    )
    expect(ledger.hasRoom).toBe(false)
  })

  it('leaves what has no room in the window to be fetched again', () => {
    const ledger = fresh()
    const count = 2 * LIMITS.kafkaWindowRecords
    const all = Array.from({ length: count }, (_, n) => record(n))
    ledger.add(all, count)
    expect(ledger.position).toBe(LIMITS.kafkaWindowRecords)
    const begun = ledger.take(count, 0)
    expect(begun).toHaveLength(LIMITS.kafkaWindowRecords)
    for (const { offset } of begun.slice(1)) ledger.finish(offset)
    expect(ledger.toCommit()!.metadata.length).toBeLessThan(1_024)
    ledger.finish(0)
    ledger.add(all, count)
    expect(ledger.take(count, 0).map(({ offset }) => offset)).toEqual(
      all.slice(LIMITS.kafkaWindowRecords).map(({ offset }) => offset),
    )
  })

  it('fetches nothing that its last holder has done', () => {
    const ledger = fresh(true, { offset: 5, done: [6, 7], crashes: 0, isHeld: false })
    expect(ledger.end).toBe(8)
    ledger.add([record(5)], 6)
    ledger.take(1, 0)
    ledger.finish(5)
    expect(ledger.toCommit()).toMatchObject({ offset: 8 })
    ledger.add([record(6), record(7), record(8)], 9)
    expect(ledger.take(9, 0).map(({ offset }) => offset)).toEqual([8])
  })

  it('counts holders that ended without giving back, until the offset moves', () => {
    const start = { offset: 5, done: [], crashes: 1, isHeld: true }
    const ledger = createLedger('t', 0, start, true)
    ledger.add([record(5), record(6)], 7)
    expect(ledger.take(2, 0).map(({ attempt }) => attempt)).toEqual([3, 3])
    expect(decodeProgress(5, ledger.toCommit()!.metadata)).toMatchObject({ crashes: 2, isHeld: true })
    ledger.finish(5)
    expect(decodeProgress(6, ledger.toCommit()!.metadata)).toMatchObject({ crashes: 0, isHeld: true })
    ledger.release()
    expect(decodeProgress(6, ledger.toCommit()!.metadata)).toMatchObject({ isHeld: false })
  })

  it('divides partitions evenly, never gives away what another holds, and comes to rest', () => {
    const topics = new Map([
      ['data', 12],
      ['data.retry', 16],
    ])
    const settle = (members: GroupMember[]): GroupMember[] => {
      let now = members
      for (let round = 1; ; round++) {
        expect(round).toBeLessThan(4)
        const shares = assign(now, topics)
        const holder = new Map(now.flatMap(({ id, owned }) => namesIn(owned).map((name) => [name, id] as const)))
        for (const [id, share] of shares) {
          for (const name of namesIn(share)) expect(holder.get(name) ?? id).toBe(id)
        }
        const next = now.map((member) => ({ ...member, owned: shares.get(member.id)!, generation: round }))
        if (JSON.stringify(next.map(({ owned }) => owned)) === JSON.stringify(now.map(({ owned }) => owned)))
          return next
        now = next
      }
    }
    const namesIn = (owned: GroupMember['owned']) =>
      Object.entries(owned).flatMap(([topic, partitions]) => partitions.map((partition) => `${topic}/${partition}`))
    const newcomer = (n: number): GroupMember => ({ id: `m${n}`, owned: {}, generation: -1, isLeaving: false })
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(4), fc.boolean()), { maxLength: 6 }), (changes) => {
        let members: GroupMember[] = [newcomer(9)]
        for (const [n, isLeaving] of changes) {
          const known = members.some(({ id }) => id === `m${n}`)
          if (!known) members.push(newcomer(n))
          else if (isLeaving) {
            members = settle(members.map((each) => (each.id === `m${n}` ? { ...each, isLeaving } : each)))
            expect(namesIn(members.find(({ id }) => id === `m${n}`)!.owned)).toEqual([])
            members = members.filter(({ id }) => id !== `m${n}`)
          } else members = members.filter(({ id }) => id !== `m${n}`)
          members = settle(members)
          for (const [topic, count] of topics) {
            const sizes = members.map(({ owned }) => owned[topic]?.length ?? 0)
            expect(sizes.reduce((a, b) => a + b, 0)).toBe(members.length === 0 ? 0 : count)
            if (members.length > 0) expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
          }
        }
      }),
    )
  })

  it('takes the later of two claims to a partition', () => {
    const claims = { owned: { data: [0] }, isLeaving: false }
    const members = [
      { id: 'old', generation: 3, ...claims },
      { id: 'new', generation: 4, ...claims },
    ]
    expect(assign(members, new Map([['data', 1]])).get('old')).toEqual({})
  })

  it('splits what is for a partition into batches that a broker takes, in order', () => {
    const value = 'x'.repeat(60_000)
    const records = Array.from({ length: 40 }, (_, n) => ({
      topic: 't',
      partition: n % 2,
      key: `${n}`,
      value,
      headers: {},
    }))
    const queues = batchesOf(records)
    expect(queues).toHaveLength(2)
    for (const batches of queues) {
      expect(batches.length).toBe(2)
      for (const batch of batches) expect(batch.records.length * 60_000).toBeLessThan(LIMITS.kafkaBatchBytesMax)
      const keys = batches.flatMap((batch) => batch.records.map(({ key }) => Number(key)))
      expect(keys).toEqual([...keys].sort((a, b) => a - b))
    }
  })

  it('names a topic of Kafka for every topic of the queue, and back', () => {
    const names = namesOf(targetOf(parseUrl('kafka://h/')))
    const topic = fc.stringMatching(/^[A-Za-z0-9_.:-]{1,100}$/)
    fc.assert(
      fc.property(topic, fc.constantFrom('small' as const, 'bulk' as const), (of, lane) => {
        const { data, retry } = names.lane(of, lane)
        for (const name of [data, retry]) expect(name).toMatch(/^[A-Za-z0-9._-]{1,249}$/)
        expect(names.queueOf(data)).toEqual({ topic: of, lane })
        expect(names.queueOf(retry)).toBe(undefined)
      }),
    )
    expect(names.events).toBe('fanfold.events.v1')
  })

  it('puts waits of one length into partitions of their own', () => {
    for (const count of [16, 8, 4]) {
      const steps = [500, 5_000, 30_000, 3_600_000].map((ms) =>
        Array.from({ length: 50 }, (_, hash) => retryPartitionOf(ms, hash, count)),
      )
      const sets = steps.map((partitions) => new Set(partitions))
      expect(new Set(sets.flatMap((each) => [...each])).size).toBe(count)
      expect(sets.reduce((sum, each) => sum + each.size, 0)).toBe(count)
    }
    expect(retryPartitionOf(3_600_000, 5, 1)).toBe(0)
  })
})
