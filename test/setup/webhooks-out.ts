import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics, type Metrics } from '../../src/core/metrics.ts'
import { openLogStore } from '../../src/engines/postgres/log-store.ts'
import { openWebhookStore } from '../../src/engines/postgres/webhook-out-store.ts'
import { collectRound, registerCollector } from '../../src/webhooks/collector.ts'
import { createGuard, type GuardOptions } from '../../src/webhooks/guard.ts'
import type { WebhookStore } from '../../src/webhooks/ports.ts'
import { createPoster } from '../../src/webhooks/post.ts'
import type { DeliveryDocument } from '../../src/webhooks/schemas.ts'
import { createSender, type Sender, type SenderDeps } from '../../src/webhooks/sender.ts'
import { createWebhooks, type Webhooks } from '../../src/webhooks/webhooks.ts'
import { openPaymentBench, type PaymentBench } from './payments.ts'
import type { SqlEngineUnderTest } from './sql.ts'

export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly id: string
}

export interface Receiver {
  readonly url: string
  readonly port: number
  readonly received: Received[]
  /** What it answers from now on. */
  answer(how: (response: ServerResponse, request: Received) => void): void
  close(): Promise<void>
}

/** A receiver on this machine; it answers 204 until told otherwise. */
export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = []
  let respond: (response: ServerResponse, request: Received) => void = (response) => response.writeHead(204).end()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { headers } = request
      const one = { headers, body: Buffer.concat(chunks).toString(), id: String(headers['webhook-id']) }
      received.push(one)
      respond(response, one)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    ...{ port, received, url: `http://127.0.0.1:${port}/hooks` },
    answer(how) {
      respond = how
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Which of the secrets have signed, worked out by the words of the specification and none of our code. */
export function signers({ headers, body, id }: Received, secrets: readonly (string | undefined)[]): boolean[] {
  const given = String(headers['webhook-signature']).split(' ')
  return secrets.map((secret = '') => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
    const expected = createHmac('sha256', key).update(`${id}.${headers['webhook-timestamp']}.${body}`).digest('base64')
    return given.includes(`v1,${expected}`)
  })
}

export interface WebhookBench extends PaymentBench {
  readonly store: WebhookStore
  readonly webhooks: Webhooks
  readonly metrics: Metrics
  /** Webhooks behind another guard. */
  behind(options: Partial<GuardOptions>): { webhooks: Webhooks; sender: Sender }
  /** A sender of its own, as in another process; without chance in its waits. */
  sender(options?: Partial<SenderDeps> & { timeoutMs?: number }): Sender
  /** Turns all events into deliveries; answers how many were made. */
  collect(): Promise<number>
  /** Records so many payments that are not paid yet: one event each. */
  pay(times: number): Promise<string[]>
}

/** Webhooks on a fresh database with payments, at a time that stands still. */
export async function openWebhookBench(engine: SqlEngineUnderTest): Promise<WebhookBench> {
  const bench = await openPaymentBench(engine)
  const { sql, clock } = bench
  const store = openWebhookStore(sql)
  const logs = { orderLog: await openLogStore(sql, 'orders'), paymentLog: await openLogStore(sql, 'payments') }
  const metrics = createMetrics()
  for (const log of Object.values(logs)) await registerCollector({ log })

  function behind(options: Partial<GuardOptions> & { timeoutMs?: number } & Partial<SenderDeps> = {}) {
    const guard = createGuard({ allowHttp: true, allowPrivate: true, ...options })
    const { timeoutMs = 10_000 } = options
    const poster = createPoster({ guard, clock, timeoutMs })
    return {
      webhooks: createWebhooks({ ...logs, store, guard, clock }),
      sender: createSender({ store, poster, clock, logger: silentLogger, metrics, random: () => 0, ...options }),
    }
  }

  return {
    ...bench,
    ...{ store, metrics, behind, webhooks: behind().webhooks },
    sender: (options) => behind(options).sender,
    async collect() {
      let total = 0
      for (const log of Object.values(logs)) {
        for (;;) {
          const { behind: left, made, failures } = await collectRound({ log, store, clock })
          for (const { error } of failures) throw error
          total += made
          if (left === 0) break
        }
      }
      return total
    },
    async pay(times) {
      const made = Array.from({ length: times }, () =>
        bench.payments.create({ amount: 700, currency: 'USD', payment_method: { token: 'tok_ok' } }),
      )
      return (await Promise.all(made)).map(({ payment_intent_id }) => payment_intent_id)
    },
  }
}

export const idsOf = (receiver: Receiver): string[] => receiver.received.map(({ id }) => id)

/** For a suite: a bench of its own; receivers and endpoints are gone after each test. */
export function useWebhooks(engine: SqlEngineUnderTest) {
  const receivers: Receiver[] = []
  let bench: WebhookBench
  beforeAll(async () => {
    bench = await openWebhookBench(engine)
  })
  afterAll(() => bench.close())
  afterEach(async () => {
    for (const { endpoint_id } of (await bench.webhooks.list({ limit: 100 })).items)
      await bench.webhooks.delete(endpoint_id)
    for (const receiver of receivers.splice(0)) await receiver.close()
  })

  async function receiver(): Promise<Receiver> {
    const started = await startReceiver()
    receivers.push(started)
    return started
  }
  async function all(id: string, status?: DeliveryDocument['status']): Promise<DeliveryDocument[]> {
    return (await bench.webhooks.deliveries(id, status === undefined ? {} : { status }, { limit: 100 })).items
  }
  return {
    get bench() {
      return bench
    },
    ...{ receiver, all },
    async registered(more: { event_types?: string[] } = {}) {
      const at = await receiver()
      const { endpoint_id: id, secret } = await bench.webhooks.create({ url: at.url, ...more })
      return { at, id, secret }
    },
    async only(id: string): Promise<DeliveryDocument> {
      const deliveries = await all(id)
      expect(deliveries).toHaveLength(1)
      return deliveries[0]!
    },
  }
}
