import { readFileSync } from 'node:fs'
import { Connection } from 'rabbitmq-client'
import { Compile } from 'typebox/compile'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFanfold, type Fanfold } from '../../src/app/fanfold.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { openLogStore } from '../../src/engines/postgres/log-store.ts'
import { targetOf } from '../../src/engines/rabbitmq/target.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import type { LogEvent } from '../../src/log/port.ts'
import { deliverNext, registerSubscription, startSubscriber } from '../../src/log/subscriber.ts'
import { EVENT_TYPES } from '../../src/payments/model/events.ts'
import type { EventPublisher, RelayedEvent } from '../../src/relay/port.ts'
import { relayedEvent, relayOf } from '../../src/relay/relay.ts'
import { EventBody } from '../../src/relay/schemas.ts'
import { until } from '../../src/testing/until.ts'
import { ownRabbitUrl, rabbitServer, rawUrl, removeRabbitQueues } from '../setup/rabbitmq.ts'
import { seededRandom } from '../setup/random.ts'
import { buildScript, type Script } from '../setup/script.ts'
import { createPostgresDatabase, postgresServer, sqlEngines, type TestDatabase } from '../setup/sql.ts'

const schemaFile = new URL('../../docs/reference/fanfold.events.v1.schema.json', import.meta.url)
const schema = Compile(EventBody)

interface Body {
  readonly type: string
  readonly data: { readonly version: number; readonly event_id: string; readonly details: Record<string, unknown> }
}

/** What a receiver has of each stream who keeps the highest version that he saw and drops lower ones. */
function versionsKept(events: readonly Pick<RelayedEvent, 'key' | 'body'>[]): Map<string, number[]> {
  const kept = new Map<string, number[]>()
  for (const { key, body } of events) {
    const { version } = (JSON.parse(body) as Body).data
    const versions = kept.get(key) ?? []
    if (version > (versions.at(-1) ?? 0)) kept.set(key, [...versions, version])
  }
  return kept
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1)

async function versionsInLog(database: Pick<TestDatabase, 'sql'>): Promise<Map<string, number[]>> {
  const versions = new Map<string, number[]>()
  for (const log of ['orders', 'payments'] as const) {
    const store = await openLogStore(database.sql, log)
    for (let shard = 0; shard < store.shards; shard++) {
      for (const event of await store.read(shard, 0n, 100_000)) {
        versions.set(event.streamId, [...(versions.get(event.streamId) ?? []), event.version])
      }
    }
  }
  return versions
}

const address = { line1: '1 Main Street', city: 'Oslo', country: 'NO' }
const elsewhere = { line1: '2 Side Street', city: 'Bergen', country: 'NO' }

async function prepareShop({ orders }: Fanfold): Promise<void> {
  await orders.createProduct({
    product_id: 'p',
    sku: 'p',
    name: 'Product',
    category: 'c',
    price: 1_000,
    currency: 'USD',
    stock: 100_000,
  })
  await orders.createCustomer({ customer_id: 'c', name: 'Ada', email: 'ada@example.com' })
}

async function buy({ orders, payments }: Fanfold, token = 'tok_ok'): Promise<{ orderId: string; paymentId: string }> {
  const items = [{ product_id: 'p', quantity: 3 }]
  const order = await orders.place({ customer_id: 'c', shipping_address: address, items })
  const payment = await payments.create({
    ...{ amount: order.total_price, currency: order.currency, customer_id: 'c', order_id: order.order_id },
    payment_method: { token },
  })
  await payments.authorize(payment.payment_intent_id, {})
  return { orderId: order.order_id, paymentId: payment.payment_intent_id }
}

/** Leads orders and payments through what can happen to them. */
async function live(fanfold: Fanfold): Promise<void> {
  const { orders, payments } = fanfold
  const isPaid = async (orderId: string) => (await orders.get(orderId)).payment_status === 'paid'
  const first = await buy(fanfold)
  await until('it is paid', () => isPaid(first.orderId))
  await orders.changeShippingAddress(first.orderId, { shipping_address: elsewhere })
  await orders.ship(first.orderId, { items: [{ line_no: 1, quantity: 1 }] })
  await orders.ship(first.orderId, { items: [{ line_no: 1, quantity: 2 }], carrier: 'Post' })
  await payments.refund(first.paymentId, { amount: 1_000 })
  const second = await buy(fanfold)
  await until('it is paid', () => isPaid(second.orderId))
  await orders.cancel(second.orderId, {})
  await buy(fanfold, 'tok_declined')
}

/** Orders and payments of which not every version has arrived. */
async function missingOf({ orders, payments }: Fanfold, arrived: readonly RelayedEvent[]): Promise<string[]> {
  const kept = versionsKept(arrived)
  const isOrder = new Map(arrived.map(({ key, type }) => [key, type.startsWith('order.')]))
  const missing: string[] = []
  for (const [id, versions] of kept) {
    const { version } = isOrder.get(id) ? await orders.get(id) : await payments.get(id)
    if (versions.length < version) missing.push(id)
  }
  return missing
}

describe('the events for others', () => {
  const fileSchema = JSON.parse(readFileSync(schemaFile, 'utf8'))

  it('have a schema in the docs, which is the one of the program', () => {
    expect(fileSchema).toMatchObject({ $id: 'fanfold.events.v1', ...JSON.parse(JSON.stringify(EventBody)) })
    const inFile = Compile(fileSchema)
    const body = { type: 'order.paid', timestamp: '2026-01-01T00:00:00.000Z' }
    const data = { order_id: '1', version: 1, event_id: '1', details: {} }
    expect(inFile.Check({ ...body, data })).toBe(true)
    for (const wrong of [
      { ...body, data: { ...data, version: 0 } },
      { ...body, data: { ...data, order_id: undefined } },
      { ...body, type: 'user.born', data },
      { ...body, type: 'payment.captured', data },
      { ...body, timestamp: 'yesterday', data },
    ]) {
      expect(inFile.Check(JSON.parse(JSON.stringify(wrong)))).toBe(false)
    }
  })

  it('are like this of every type of payments, without how somebody pays', () => {
    for (const type of EVENT_TYPES) {
      const payload = { amount: 5, payment_method: { type: 'card', token: 'tok_secret' }, personal: { data: 'sealed' } }
      const common = { shard: 0, eventId: 9n, streamId: 'pi_1', version: 3, schemaVersion: 1, timestampMs: 1 }
      const { body, ...rest } = relayedEvent('payments', { ...common, type, payload })
      expect(schema.Check(JSON.parse(body)), type).toBe(true)
      expect(rest).toEqual({ key: 'pi_1', id: 'msg_pi_1_3', type: `payment.${type.toLowerCase()}` })
      expect(body).not.toMatch(/tok_secret|sealed/)
    }
  })
})

for (const engine of sqlEngines()) {
  describe(`the relay from ${engine.name}`, () => {
    let database: TestDatabase
    beforeAll(async () => {
      database = await engine.create()
      if (engine.name === 'pglite') await database.sql.close()
      const fanfold = await createFanfold({ database: database.url })
      await prepareShop(fanfold)
      await live(fanfold)
      for (let n = 0; n < 10; n++) await buy(fanfold)
      await fanfold.caughtUp()
      await fanfold.close()
      if (engine.name === 'pglite') {
        const { openPglite } = await import('../../src/engines/postgres/client-pglite.ts')
        database = { ...database, sql: await openPglite(database.url.slice('pglite:'.length)) }
      }
    }, 120_000)
    afterAll(async () => {
      if (engine.name === 'pglite') await database.sql.close()
      await database.drop()
    })

    it('publishes what happened, as the schema says', async () => {
      const types = new Set<string>()
      for (const log of ['orders', 'payments'] as const) {
        const store = await openLogStore(database.sql, log)
        for (let shard = 0; shard < store.shards; shard++) {
          for (const event of await store.read(shard, 0n, 10_000)) {
            const { type, body } = relayedEvent(log, event)
            types.add(type)
            const parsed = JSON.parse(body) as Body
            expect([...schema.Errors(parsed)], body).toEqual([])
            expect(body).not.toMatch(/Main Street|ada@example|tok_/)
          }
        }
      }
      for (const type of ['order.created', 'order.paid', 'order.shipped', 'order.cancelled', 'payment.captured']) {
        expect(types).toContain(type)
      }
      expect(types.size).toBeGreaterThan(12)
    })

    it('loses nothing and brings nothing new out of order, whatever fails and however many run', async () => {
      const random = seededRandom(7)
      const arrived: RelayedEvent[] = []
      /** Stores a part of a batch before it fails, those of one key in order, as the port says. */
      const broker = (): EventPublisher => ({
        async publish(events) {
          const fails = random.int(3) === 0
          const stuck = new Set<string>()
          for (const event of events) {
            if (random.int(4) === 0) await new Promise((resolve) => setImmediate(resolve))
            if (fails && random.int(3) === 0) stuck.add(event.key)
            if (!stuck.has(event.key)) arrived.push(event)
          }
          if (fails) throw new Error('the broker is away')
        },
        close: async () => undefined,
      })
      for (const log of ['orders', 'payments'] as const) {
        const store = await openLogStore(database.sql, log)
        const small = {
          ...store,
          read: (shard: number, after: bigint, _limit: number): Promise<LogEvent[]> => store.read(shard, after, 7),
        }
        await registerSubscription({ name: `events_${log}`, store })
        const relays = [1, 2, 3].map(() => {
          const own = broker()
          return relayOf(small, async () => own)
        })
        const heads = await store.heads()
        await Promise.all(
          relays.map(async (relay) => {
            for (let shard = 0; shard < store.shards; ) {
              const [at] = (await store.checkpoints(relay.name, 1)).filter((each) => each.shard === shard)
              if (at!.lastEventId >= heads[shard]!) shard += 1
              else await deliverNext(relay, shard, at!.lastEventId).catch(() => 0)
            }
          }),
        )
      }
      const wanted = await versionsInLog(database)
      expect(versionsKept(arrived)).toEqual(wanted)
      expect(wanted.size).toBeGreaterThan(20)
      for (const versions of wanted.values()) expect(versions).toEqual(upTo(versions.length))
      expect(arrived.length).toBeGreaterThan([...wanted.values()].flat().length)
    })

    it('waits at a batch that is refused, and goes on from it', async () => {
      const store = await openLogStore(database.sql, 'orders')
      const fresh = { ...store, log: 'orders' as const }
      const arrived: RelayedEvent[] = []
      let isAway = true
      const relay = relayOf(fresh, async () => {
        if (isAway) throw new Error('away')
        return { publish: async (events) => void arrived.push(...events), close: async () => undefined }
      })
      const renamed = { ...relay, name: 'events_again' }
      const running = startSubscriber({ subscription: renamed, logger: silentLogger, pollMs: 5 })
      await until('it is registered', () => store.projection('events_again').catch(() => undefined))
      expect((await store.checkpoints('events_again', 1)).every(({ lastEventId }) => lastEventId === 0n)).toBe(true)
      isAway = false
      const heads = await store.heads()
      const total = Number(heads.reduce((sum, head) => sum + head, 0n))
      await until('all have arrived', () => arrived.length >= total)
      await running.close()
      expect(new Set(arrived.map(({ id }) => id)).size).toBe(total)
    })
  })
}

const rabbitUrl = rabbitServer()
const serverUrl = postgresServer()
describe.skipIf(rabbitUrl === undefined || serverUrl === undefined)('the relay to RabbitMQ', () => {
  const cleanups: (() => Promise<unknown>)[] = []
  let script: Script
  beforeAll(async () => {
    script = await buildScript(new URL('./relay-worker.ts', import.meta.url))
  }, 60_000)
  afterEach(async () => {
    for (const clean of cleanups.splice(0).reverse()) await clean()
  })
  afterAll(() => script?.remove())

  it('misses nothing when its process is killed again and again, and tells how far it is', {
    timeout: 180_000,
  }, async () => {
    const events = ownRabbitUrl(rabbitUrl!)
    cleanups.push(() => removeRabbitQueues(events))
    const database = await createPostgresDatabase(serverUrl!)
    cleanups.push(() => database.drop())
    // A process without background work publishes nothing; it shows how far the others are.
    const fanfold = await createFanfold({ database: database.url, events, workers: false })
    cleanups.push(() => fanfold.close())
    await prepareShop(fanfold)

    const raw = new Connection(rawUrl(events))
    cleanups.push(() => raw.close())
    const { eventsExchange: exchange } = targetOf(parseUrl(events))
    await raw.exchangeDeclare({ exchange, type: 'topic', durable: true })
    const queue = `${exchange}/receiver`
    await raw.queueDeclare({ queue, exclusive: true })
    await raw.queueBind({ queue, exchange, routingKey: '#' })
    const arrived: RelayedEvent[] = []
    const consumer = raw.createConsumer(
      { queue, queueOptions: { exclusive: true }, noAck: true },
      async ({ messageId, type, headers, body }) => {
        arrived.push({ id: messageId!, type: type!, key: headers?.['key'], body: JSON.stringify(body) })
      },
    )
    cleanups.push(() => consumer.close())

    let isOpen = true
    const bought: string[] = []
    const shopping = (async () => {
      for (let n = 0; isOpen; n++) {
        const { orderId, paymentId } = await buy(fanfold, n % 5 === 0 ? 'tok_declined' : 'tok_ok')
        bought.push(orderId, paymentId)
      }
    })()
    for (let life = 0; life < 3; life++) {
      const before = arrived.length
      const worker = script.start([database.url, events])
      await until('it publishes', () => arrived.length > before + 20, 40_000)
      await worker.kill()
      expect(await worker.ended, worker.stderr()).toBe('SIGKILL')
    }
    isOpen = false
    await shopping
    const last = script.start([database.url, events])
    cleanups.push(() => last.kill())
    await until(
      'it has caught up',
      async () => {
        const { projections } = await fanfold.status()
        const lags = projections.filter(({ name }) => name.startsWith('events_'))
        return lags.length === 2 && lags.every(({ lag }) => lag === 0)
      },
      40_000,
    )
    // What the last process does besides, and what is still on its way from the broker, arrives too.
    await until('every version has arrived', async () => (await missingOf(fanfold, arrived)).length === 0, 40_000)
    const kept = versionsKept(arrived)
    for (const versions of kept.values()) expect(versions).toEqual(upTo(versions.length))
    expect([...kept.keys()].sort()).toEqual(bought.sort())
    for (const { body } of arrived) expect(schema.Check(JSON.parse(body)), body).toBe(true)
  })

  it('begins when its broker is there, and holds up nothing before', { timeout: 60_000 }, async () => {
    const database = await createPostgresDatabase(serverUrl!)
    cleanups.push(() => database.drop())
    const fanfold = await createFanfold({ database: database.url, events: 'amqp://guest:guest@127.0.0.1:1/' })
    cleanups.push(() => fanfold.close())
    expect(await fanfold.readiness()).toEqual({ ready: true, problems: [] })
    await prepareShop(fanfold)
    await buy(fanfold)
    const { projections } = await fanfold.status()
    expect(projections.find(({ name }) => name === 'events_orders')?.lag).toBeGreaterThan(0)
    await expect(createFanfold({ database: database.url, events: 'carrier-pigeon://loft' })).rejects.toThrow(
      /No engine/,
    )
  })
})
