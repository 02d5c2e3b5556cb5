import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Connection } from 'rabbitmq-client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { doctor } from '../../src/cli/commands/doctor.ts'
import { configFromOptions } from '../../src/core/config.ts'
import { isAppError } from '../../src/core/errors.ts'
import type { Closable } from '../../src/core/lifecycle.ts'
import type { Engine } from '../../src/engines/engine.ts'
import type { RabbitChannel, RabbitClient } from '../../src/engines/rabbitmq/client.ts'
import { checkServer, openRabbitmqEngine } from '../../src/engines/rabbitmq/engine.ts'
import { DELAY_STEPS_MS, namesOf } from '../../src/engines/rabbitmq/names.ts'
import { createPublisher } from '../../src/engines/rabbitmq/publisher.ts'
import { targetOf } from '../../src/engines/rabbitmq/target.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import { GiveUp, type Message, type Queue } from '../../src/queue/port.ts'
import { createGate } from '../../src/testing/gate.ts'
import { until } from '../../src/testing/until.ts'
import { testContext } from '../setup/context.ts'
import { openRabbitTestQueue, ownRabbitUrl, rabbitServer, rawUrl, removeRabbitQueues } from '../setup/rabbitmq.ts'

describe('URLs of RabbitMQ', () => {
  it('say host, user, virtual host and prefix, and are shown without the password', () => {
    expect(targetOf(parseUrl('amqps://me:s%3Acret@a.local:5999,b.local/shop%2Feu?prefix=eu'))).toEqual({
      hosts: [
        { host: 'a.local', port: 5999 },
        { host: 'b.local', port: 5671 },
      ],
      ...{ username: 'me', password: 's:cret', vhost: 'shop/eu', isSafe: true, prefix: 'eu' },
      eventsExchange: 'eu/fanfold.events.v1',
      shown: 'amqps://me:***@a.local:5999,b.local/shop%2Feu?prefix=eu',
    })
    expect(targetOf(parseUrl('amqp://localhost'))).toMatchObject({
      ...{ hosts: [{ host: 'localhost', port: 5672 }], username: 'guest', vhost: '/', isSafe: false },
      ...{ prefix: 'fanfold', eventsExchange: 'fanfold.events.v1' },
    })
  })

  it.each([
    ['amqp://h/?heartbeat=5', /heartbeat= is not known/],
    ['amqp://h/?prefix=no%20spaces', /prefix= must be/],
    ['amqp://h/a/b', /not a virtual host/],
  ])('like %s are refused', (url, words) => {
    expect(() => targetOf(parseUrl(url))).toThrow(words)
  })

  it('lead to servers that are new enough', () => {
    const shown = 'amqp://h'
    expect(() => checkServer({ product: 'RabbitMQ', version: '3.9.29' }, { shown })).toThrow(/3\.10 is needed/)
    expect(() => checkServer({ product: 'Qpid', version: '9.0' }, { shown })).toThrow(/not RabbitMQ/)
    checkServer({ product: 'RabbitMQ', version: '3.10.0' }, { shown })
    checkServer({ product: 'RabbitMQ', version: '4.1.2' }, { shown })
  })
})

describe('the publisher of RabbitMQ', () => {
  it('opens one channel, however many publish after the last one has ended', async () => {
    const channels: { isOpen: boolean }[] = []
    const openChannel = async (): Promise<RabbitChannel> => {
      const channel = { isOpen: true, publish: async () => [], close: async () => undefined }
      channels.push(channel)
      return channel as Partial<RabbitChannel> as RabbitChannel
    }
    const publisher = createPublisher({ openChannel } as Partial<RabbitClient> as RabbitClient)
    const publish = () => publisher.publish([{ routingKey: 'q', messageId: '1', json: '{}' }])
    await Promise.all([publish(), publish()])
    expect(channels).toHaveLength(1)
    channels[0]!.isOpen = false
    await Promise.all([publish(), publish(), publish()])
    expect(channels).toHaveLength(2)
    await publisher.close()
  })
})

const server = rabbitServer()
describe.skipIf(server === undefined)('RabbitMQ', () => {
  const opened: Closable[] = []
  let url: string
  let topics = 0
  const newTopic = () => `t-${++topics}`
  const namesOfTopic = (topic: string) => namesOf(targetOf(parseUrl(url)).prefix, topic, 'small')
  beforeAll(() => {
    url = ownRabbitUrl(server!)
  })
  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close()
  })
  afterAll(() => removeRabbitQueues(url))

  const own = <T extends Closable>(resource: T): T => {
    opened.push(resource)
    return resource
  }
  const open = async (): Promise<Queue> =>
    own(await openRabbitTestQueue(url, { triesMax: 3, backoff: { firstMs: 1, maxMs: 5 } }))
  const openEngine = async (at = url): Promise<Engine> => own(await openRabbitmqEngine(parseUrl(at), testContext()))
  const openRaw = async (): Promise<Connection> => own(new Connection(rawUrl(server!)))

  async function findings(queueUrl: string) {
    const out: string[] = []
    const run = {
      ...{ config: configFromOptions({ queue: queueUrl, database: 'pglite:memory' }), json: true },
      ...{ positionals: [], options: {}, lists: {} },
      terminal: { out: (text: string) => void out.push(text), say: () => undefined, progress: () => ({}) as never },
    }
    const code = await doctor.run(run)
    const all = JSON.parse(out.join('')) as {
      stores: string[]
      ok: boolean
      problem: string
      version: string
      url: string
    }[]
    return { code, ...all.find(({ stores }) => stores.includes('queue'))! }
  }

  describe('what doctor says', () => {
    it('of a wrong port says what to do', async () => {
      const found = await findings('amqp://guest:hidden-one@127.0.0.1:1/')
      expect(found).toMatchObject({ code: 1, ok: false, problem: expect.stringMatching(/is the broker started/) })
      expect(JSON.stringify(found)).not.toContain('hidden-one')
    })

    it.each([
      ['a wrong password', { password: 'hidden-one' }, /refuses the user "guest": check user and password/],
      ['a wrong user', { username: 'nobody' }, /refuses the user "nobody": check user and password/],
      ['a virtual host that is not there', { pathname: '/none' }, /rabbitmqctl add_vhost none/],
      ['a host that is not known', { hostname: 'host.invalid' }, /is not a known host: check the name/],
    ])('of %s says what to do', async (_, change, words) => {
      const opening = openEngine(Object.assign(new URL(url), change).href)
      await expect(opening).rejects.toThrow(words)
      await expect(opening).rejects.not.toThrow('hidden-one')
      await expect(opening).rejects.toMatchObject({ code: 'engine_unreachable' })
    })

    it('of something else at the port says so', async () => {
      const other = createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
      await once(other.listen(0, '127.0.0.1'), 'listening')
      const { port } = other.address() as AddressInfo
      const opening = openEngine(`amqp://127.0.0.1:${port}`)
      await expect(opening).rejects.toThrow(/may not be RabbitMQ|does not speak AMQP/)
      other.close()
    })

    it('of a broker without the queues asks to migrate, and is content afterwards', async () => {
      const fresh = ownRabbitUrl(server!)
      expect(await findings(fresh)).toMatchObject({ ok: false, problem: expect.stringMatching(/run: fanfold migrate/) })
      const engine = await openEngine(fresh)
      expect(await engine.migrate({ dryRun: true })).toMatchObject({ applied: false, version: 0 })
      expect(await engine.pendingMigrations()).toBe(1)
      const others = [await openEngine(fresh), await openEngine(fresh)]
      await Promise.all([engine, ...others].map((each) => each.migrate()))
      expect(await engine.migrate()).toEqual({ pending: [], applied: true, version: 1 })
      const found = await findings(fresh)
      expect(found).toMatchObject({ ok: true, problem: null, version: expect.stringMatching(/^RabbitMQ \d+\.\d+/) })
      expect(found.url).toContain('amqp://guest:***@')
      await removeRabbitQueues(fresh)
    })
  })

  it('is opened while the first of its hosts is down', async () => {
    const { host } = new URL(url)
    const engine = await openEngine(url.replace(host, `127.0.0.1:1,${host}`))
    expect(await engine.version()).toMatch(/^RabbitMQ /)
    const wrong = url.replace(/guest@.*?\//, `hidden-one@127.0.0.1:1,${host}/`)
    await expect(openEngine(wrong)).rejects.toThrow(/refuses the user "guest"/)
  })

  it('makes queues again that somebody deleted, and loses nothing that is published then', async () => {
    const [topic, queue, raw] = [newTopic(), await open(), await openRaw()]
    const seen: Message[] = []
    await queue.publish([{ topic, key: 'k', payload: { n: 1 } }])
    const consumer = queue.consume(topic, async (message) => void seen.push(message))
    await until('the first is handled', () => seen.length === 1)
    await consumer.close()
    await raw.queueDelete({ queue: namesOfTopic(topic).work })
    await queue.publish([{ topic, key: 'k', payload: { n: 2 } }])
    queue.consume(topic, async (message) => void seen.push(message))
    await until('the second is handled', () => seen.length === 2)
    await raw.queueDelete({ queue: namesOfTopic(topic).work })
    await queue.publish([{ topic, key: 'k', payload: { n: 3 } }])
    await until('the consumer is there again', () => seen.length === 3)
    expect(seen.map(({ payload }) => payload['n'])).toEqual([1, 2, 3])
  })

  it('counts a try of a worker whose connection broke', async () => {
    const topic = newTopic()
    const dying = await openRabbitTestQueue(url)
    const gate = createGate()
    let begun = 0
    dying.consume(topic, async () => {
      begun += 1
      await gate.opened
    })
    await dying.publish([{ topic, key: 'k', payload: {} }])
    await until('it is under way', () => begun)
    const other = await open()
    const seen: Message[] = []
    other.consume(topic, async (message) => void seen.push(message))
    await dying.sever()
    await until('another has it', () => seen.length)
    expect(seen[0]?.attempt).toBe(2)
    gate.open()
    await dying.close()
  })

  it('holds back what must wait for longer than any queue holds it', async () => {
    const [topic, queue, raw] = [newTopic(), await open(), await openRaw()]
    await queue.publish([{ topic, key: 'far', payload: {}, delayMs: 2 * DELAY_STEPS_MS.at(-1)! }])
    const { work, delays } = namesOfTopic(topic)
    const longest = delays.at(-1)!.name
    const waiting = await raw.basicGet({ queue: longest })
    expect(waiting).toMatchObject({ expiration: String(DELAY_STEPS_MS.at(-1)), headers: { key: 'far' } })
    const seen: Message[] = []
    queue.consume(topic, async (message) => void seen.push(message))
    // As when its time in the queue is over, though it has to wait a little longer.
    const notBefore = Date.now() + 700
    const { messageId, body } = waiting!
    await raw.queuePurge({ queue: longest })
    const sender = own(raw.createPublisher({ confirm: true }))
    await sender.send(
      { routingKey: work, messageId: messageId!, durable: true, headers: { ...waiting!.headers, notBefore } },
      body,
    )
    await until('it came', () => seen.length)
    expect(Date.now()).toBeGreaterThanOrEqual(notBefore)
    expect(seen[0]).toMatchObject({ id: messageId, key: 'far', attempt: 1 })
  })

  it('finds every dead letter from several processes at once, and revives each once', async () => {
    const [topic, queue] = [newTopic(), await open()]
    const others = [await open(), await open()]
    let isBroken = true
    const seen: Message[] = []
    queue.consume(topic, async (message) => {
      if (isBroken) throw new GiveUp('broken')
      seen.push(message)
    })
    await queue.publish(Array.from({ length: 600 }, (_, n) => ({ topic, key: 'k', payload: { n } })))
    await until('all are dead', async () => (await queue.deadLetters(topic, 1_000)).length === 600)
    const lists = await Promise.all([queue, ...others, queue].map((each) => each.deadLetters(topic, 1_000)))
    expect(lists.map((list) => list.length)).toEqual([600, 600, 600, 600])
    const ids = lists[0]!.filter(({ payload }) => Number(payload['n']) % 3 === 0).map(({ id }) => id)
    isBroken = false
    const revived = await Promise.all([queue, ...others].map((each) => each.redrive(topic, ids)))
    expect(revived.reduce((sum, count) => sum + count, 0)).toBe(200)
    await until('those are handled', () => seen.length === 200)
    expect(new Set(seen.map(({ id }) => id))).toEqual(new Set(ids))
    const rest = await Promise.all([queue, ...others].map((each) => each.redrive(topic)))
    expect(rest.reduce((sum, count) => sum + count, 0)).toBe(400)
    await until('all are handled', () => seen.length === 600)
    expect(new Set(seen.map(({ id }) => id)).size).toBe(600)
    expect(await queue.deadLetters(topic, 10)).toEqual([])
  })

  it('lets a process that neither publishes nor consumes see the topics of the others', async () => {
    const [topic, queue] = [newTopic(), await open()]
    await queue.publish([{ topic, key: 'k', payload: {}, delayMs: 60_000 }])
    const onlooker = await open()
    const row = (await onlooker.depths()).find((each) => each.topic === topic && each.lane === 'small')
    expect(row).toEqual({ topic, lane: 'small', depth: 1, deadLetters: 0 })
  })

  it('leaves no connection behind when it is closed', async () => {
    const engine = await openEngine()
    await engine.close()
    await engine.close()
    const publishing = engine.ports.events!(testContext()).then((events) =>
      events.publish([{ key: 'k', id: 'i', type: 'order.paid', body: '{}' }]),
    )
    await expect(publishing).rejects.toSatisfy((error) => isAppError(error, 'unavailable'))
  })

  describe('as publisher of events', () => {
    it('sends them to whoever is bound, under their type, in order per key', async () => {
      const engine = await openEngine()
      await engine.migrate()
      const events = own(await engine.ports.events!(testContext()))
      const raw = await openRaw()
      const { eventsExchange } = targetOf(parseUrl(url))
      const { queue } = await raw.queueDeclare({ exclusive: true })
      await raw.queueBind({ queue, exchange: eventsExchange, routingKey: 'order.#' })
      const all = Array.from({ length: 300 }, (_, n) => ({
        ...{ key: `order-${n % 7}`, id: `msg_${n}`, body: JSON.stringify({ n }) },
        type: n % 3 === 0 ? 'payment.captured' : 'order.paid',
      }))
      await events.publish(all)
      const got: { messageId?: string; routingKey: string; body: { n: number }; headers: { key: string } }[] = []
      for (
        let next = await raw.basicGet({ queue, noAck: true });
        next;
        next = await raw.basicGet({ queue, noAck: true })
      ) {
        got.push(next as never)
      }
      const wanted = all.filter(({ type }) => type === 'order.paid')
      expect(got).toHaveLength(wanted.length)
      for (const key of new Set(all.map((event) => event.key))) {
        const ofKey = wanted.filter((event) => event.key === key)
        expect(got.filter(({ headers }) => headers.key === key).map(({ messageId }) => messageId)).toEqual(
          ofKey.map(({ id }) => id),
        )
      }
      expect(got[0]).toMatchObject({ routingKey: 'order.paid', type: 'order.paid', durable: true, body: { n: 1 } })
    })

    it('makes the exchange again that somebody deleted', async () => {
      const events = own(await (await openEngine()).ports.events!(testContext()))
      const raw = await openRaw()
      const { eventsExchange: exchange } = targetOf(parseUrl(url))
      const event = { key: 'k', id: 'i', type: 'order.paid', body: '{}' }
      await events.publish([event])
      await raw.exchangeDelete({ exchange })
      await expect(events.publish([event])).rejects.toSatisfy((error) => isAppError(error, 'unavailable'))
      await events.publish([event])
      await raw.exchangeDeclare({ exchange, passive: true })
    })
  })
})
