import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { createGate } from '../../src/testing/gate.ts'
import { until } from '../../src/testing/until.ts'
import { collectRound } from '../../src/webhooks/collector.ts'
import { RETRY_WAITS_MS } from '../../src/webhooks/schedule.ts'
import { sqlEngines } from '../setup/sql.ts'
import { idsOf, signers, useWebhooks } from '../setup/webhooks-out.ts'

const DAY = 24 * 3_600_000

for (const engine of sqlEngines()) {
  describe(`sending webhooks on ${engine.name}`, () => {
    const suite = useWebhooks(engine)
    const { receiver, registered, all, only } = suite
    it('an event is sent signed, with what happened and nothing that is nobody’s business', async () => {
      const { at, id, secret } = await registered()
      const [payment] = await suite.bench.pay(1)
      expect(await suite.bench.collect()).toBe(1)
      expect(await suite.bench.sender().runDue()).toBe(1)
      const [received] = at.received
      expect(signers(received!, [secret, 'whsec_b3RoZXI='])).toEqual([true, false])
      expect(received!.headers).toMatchObject({
        ...{ 'webhook-id': `msg_${payment}_1`, 'webhook-timestamp': String(suite.bench.clock.now() / 1_000) },
        ...{ 'content-type': 'application/json', host: `127.0.0.1:${at.port}` },
      })
      const event = JSON.parse(received!.body)
      expect(event).toMatchObject({
        type: 'payment.initiated',
        timestamp: new Date(suite.bench.clock.now()).toISOString(),
      })
      expect(event.data).toMatchObject({ payment_intent_id: payment, version: 1, details: { amount: 700 } })
      expect(received!.body).not.toContain('tok_ok')
      const delivery = await only(id)
      expect(delivery).toMatchObject({ status: 'delivered', webhook_id: `msg_${payment}_1`, next_attempt_at: null })
      expect(delivery.attempts).toMatchObject([{ status_code: 204, error: null, response: '' }])
    })

    it('each event becomes one delivery per endpoint, however many collect and whichever dies between two steps', async () => {
      const early = await registered()
      const payments = await suite.bench.pay(40)
      const made = await Promise.all([suite.bench.collect(), suite.bench.collect(), suite.bench.collect()])
      expect(made.reduce((sum, count) => sum + count, 0)).toBe(40)
      const late = await registered()
      await suite.bench.pay(2)
      await suite.bench.collect()
      // As after a crash between the deliveries and the checkpoint, at the worst moment there is.
      await suite.bench.sql.query(
        `update projection_checkpoints set last_event_id = 0 where projection = 'webhooks_payments'`,
      )
      expect(await suite.bench.collect()).toBe(0)
      const names = (await all(early.id)).map((delivery) => delivery.webhook_id)
      expect(names).toHaveLength(42)
      expect(names).toEqual(expect.arrayContaining(payments.map((payment) => `msg_${payment}_1`)))
      expect(await all(late.id)).toHaveLength(2)
    })

    it('nothing is read where nobody listens, and nothing of it is sent to who comes later', async () => {
      const { ports, store, clock } = suite.bench
      await suite.bench.pay(3)
      const log = { ...ports.log, read: () => Promise.reject(new Error('it was read')) }
      expect(await collectRound({ log, store, clock })).toMatchObject({ made: 0, failures: [] })
      const { id } = await registered()
      expect(await suite.bench.collect()).toBe(0)
      await suite.bench.pay(1)
      expect(await suite.bench.collect()).toBe(1)
      expect(await all(id)).toHaveLength(1)
    })

    it('a gap in the log stops its shard loudly, and nothing is passed over', async () => {
      const { log } = suite.bench.ports
      await registered()
      await suite.bench.pay(9)
      const { store, clock } = suite.bench
      const torn = { ...log, read: async (...of: Parameters<typeof log.read>) => (await log.read(...of)).slice(1) }
      const { failures, made } = await collectRound({ log: torn, store, clock })
      expect(failures.length).toBeGreaterThan(0)
      for (const { error } of failures) expect(error).toMatchObject({ code: 'log_gap' })
      expect(made).toBe(0)
      expect(await suite.bench.collect()).toBe(9)
    })

    it('an endpoint gets only what it asked for', async () => {
      const some = await registered({ event_types: ['payment.authorized', 'order.*'] })
      const [payment] = await suite.bench.pay(1)
      await suite.bench.payments.authorize(payment!, {})
      await suite.bench.collect()
      expect((await all(some.id)).map((delivery) => delivery.event_type)).toEqual(['payment.authorized'])
    })

    it('what fails is tried again on the published schedule with one id, and has failed after the tenth try', async () => {
      const { at, id, secret } = await registered()
      at.answer((response) => response.writeHead(500).end('not today'))
      const sender = suite.bench.sender()
      await suite.bench.pay(1)
      await suite.bench.collect()
      expect(await sender.runDue()).toBe(1)
      const times = [suite.bench.clock.now() / 1_000]
      for (const waitMs of RETRY_WAITS_MS) {
        await suite.bench.clock.advance(waitMs - 1)
        expect(await sender.runDue()).toBe(0)
        await suite.bench.clock.advance(1)
        expect(await sender.runDue()).toBe(1)
        times.push(Math.floor(suite.bench.clock.now() / 1_000))
      }
      const delivery = await only(id)
      expect(delivery).toMatchObject({ status: 'failed', attempt_count: 10, next_attempt_at: null })
      expect(delivery.attempts[9]).toMatchObject({ status_code: 500, response: 'not today' })
      expect(new Set(idsOf(at))).toEqual(new Set([delivery.webhook_id]))
      expect(at.received.map(({ headers }) => Number(headers['webhook-timestamp']))).toEqual(times)
      for (const each of at.received) expect(signers(each, [secret])).toEqual([true])
      await suite.bench.clock.advance(30 * DAY)
      expect(await sender.runDue()).toBe(0)
    })

    it('is delivered by the first try that succeeds, and waits as long as the receiver asks', async () => {
      const { at, id } = await registered()
      at.answer((response) => response.writeHead(503, { 'retry-after': '90' }).end())
      const sender = suite.bench.sender()
      await suite.bench.pay(1)
      await suite.bench.collect()
      await sender.runDue()
      at.answer((response) => response.writeHead(200).end())
      await suite.bench.clock.advance(89_999)
      expect(await sender.runDue()).toBe(0)
      await suite.bench.clock.advance(1)
      expect(await sender.runDue()).toBe(1)
      expect((await only(id)).attempts.map((attempt) => attempt.status_code)).toEqual([503, 200])
      expect((await suite.bench.webhooks.get(id)).failing_since).toBeNull()
    })

    it('410 disables the endpoint, and what waits for it stops', async () => {
      const { at, id } = await registered()
      at.answer((response) => response.writeHead(500).end())
      await suite.bench.pay(2)
      await suite.bench.collect()
      await suite.bench.sender().runDue()
      at.answer((response) => response.writeHead(410).end())
      await suite.bench.pay(1)
      await suite.bench.collect()
      expect(await suite.bench.sender().runDue()).toBe(1)
      expect(await suite.bench.webhooks.get(id)).toMatchObject({ active: false, disabled_reason: 'gone' })
      expect((await all(id)).map(({ status }) => status).sort()).toEqual(['failed', 'stopped', 'stopped'])
      const before = at.received.length
      await suite.bench.pay(1)
      expect(await suite.bench.collect()).toBe(0)
      await suite.bench.clock.advance(DAY)
      expect(await suite.bench.sender().runDue()).toBe(0)
      expect(at.received).toHaveLength(before)
      await expect(suite.bench.webhooks.sendTest(id)).rejects.toMatchObject({ code: 'webhook_endpoint_inactive' })
    })

    it('an endpoint at which everything fails for five days is disabled, one with a success between is not', async () => {
      const [dead, weak] = [await registered(), await registered()]
      for (const { at } of [dead, weak]) at.answer((response) => response.writeHead(500).end())
      const trial = async (day: number) => {
        for (const { id } of [dead, weak]) await suite.bench.webhooks.sendTest(id)
        if (day === 3) weak.at.answer((response) => response.writeHead(200).end())
        await suite.bench.sender().runDue()
        weak.at.answer((response) => response.writeHead(500).end())
        await suite.bench.clock.advance(DAY)
      }
      for (const day of [0, 1, 2, 3, 4, 5]) await trial(day)
      expect(await suite.bench.webhooks.get(dead.id)).toMatchObject({ active: true })
      await suite.bench.clock.advance(1)
      for (const { id } of [dead, weak]) await suite.bench.webhooks.sendTest(id)
      await suite.bench.sender().runDue()
      expect(await suite.bench.webhooks.get(dead.id)).toMatchObject({ active: false, disabled_reason: 'failing' })
      expect(await suite.bench.webhooks.get(weak.id)).toMatchObject({ active: true })
    })

    it('no redirect is followed', async () => {
      const [{ at, id }, inner] = [await registered(), await receiver()]
      at.answer((response) => response.writeHead(307, { location: inner.url }).end())
      await suite.bench.webhooks.sendTest(id)
      await suite.bench.sender().runDue()
      expect(await only(id)).toMatchObject({ status: 'failed', attempts: [{ status_code: 307 }] })
      expect(inner.received).toEqual([])
    })

    it('what does not answer in time, or at all, has failed and says why', async () => {
      const { at, id } = await registered()
      at.answer(() => undefined)
      await suite.bench.webhooks.sendTest(id)
      await suite.bench.sender({ timeoutMs: 50 }).runDue()
      at.answer((response) => response.destroy())
      await suite.bench.webhooks.sendTest(id)
      await suite.bench.sender().runDue()
      const errors = (await all(id)).map(({ attempts }) => attempts[0]!)
      expect(errors).toMatchObject([{ status_code: null }, { status_code: null, error: 'no answer within 50 ms' }])
      expect(errors[0]!.error).toBeTruthy()
    })

    it('a receiver that ends idle connections gets everything, each at the first try', async () => {
      const { at, id } = await registered()
      const sender = suite.bench.sender()
      await suite.bench.webhooks.sendTest(id)
      await sender.runDue()
      // It breaks off when the next request comes in over the connection of the last one.
      at.answer((response, { headers }) => {
        at.answer((next) => next.writeHead(204).end())
        expect(headers.connection).toBe('keep-alive')
        response.destroy()
      })
      await suite.bench.webhooks.sendTest(id)
      await sender.runDue()
      expect((await all(id)).map(({ status, attempt_count }) => [status, attempt_count])).toEqual([
        ['delivered', 1],
        ['delivered', 1],
      ])
      expect(at.received).toHaveLength(3)
    })

    it('of an answer only the beginning is read, and it is no failure when the rest never comes', async () => {
      const { at, id } = await registered()
      at.answer((response) => void response.writeHead(200).write(`${'é'.repeat(2_000)}\0`))
      await suite.bench.webhooks.sendTest(id)
      await suite.bench.sender().runDue()
      const { status, attempts } = await only(id)
      expect([status, attempts[0]!.response]).toEqual(['delivered', 'é'.repeat(LIMITS.webhookResponseBytes / 2)])
      at.answer((response) => void response.writeHead(200).write('half\0'))
      await suite.bench.webhooks.sendTest(id)
      await suite.bench.sender({ timeoutMs: 50 }).runDue()
      expect((await all(id))[0]).toMatchObject({ status: 'delivered' })
    })

    it('what a killed process was sending is sent by another when its lease is over, with the same id', async () => {
      const { at, id } = await registered()
      await suite.bench.pay(1)
      await suite.bench.collect()
      const now = suite.bench.clock.now()
      expect(await suite.bench.store.claim(now, now + LIMITS.webhookLeaseMs, 9, new Map())).toHaveLength(1)
      const other = suite.bench.sender()
      await suite.bench.clock.advance(LIMITS.webhookLeaseMs - 1)
      expect(await other.runDue()).toBe(0)
      await suite.bench.clock.advance(1)
      expect(await other.runDue()).toBe(1)
      expect(await only(id)).toMatchObject({ status: 'delivered', webhook_id: idsOf(at)[0] })
    })

    it('several senders at once send each delivery once', async () => {
      const { at, id } = await registered()
      await suite.bench.pay(60)
      await suite.bench.collect()
      const tries = await Promise.all([1, 2, 3].map(() => suite.bench.sender().runDue()))
      expect(tries.reduce((sum, count) => sum + count, 0)).toBe(60)
      expect(new Set(idsOf(at)).size).toBe(60)
      expect(at.received).toHaveLength(60)
      expect(await all(id, 'delivered')).toHaveLength(60)
    })

    it('an endpoint that hangs holds up no other, and never has more than its places', async () => {
      const [slow, fast] = [await registered(), await registered()]
      const gate = createGate()
      slow.at.answer((response) => void gate.opened.then(() => response.writeHead(204).end()))
      const events = LIMITS.webhookSendsPerEndpoint * 3
      await suite.bench.pay(events)
      await suite.bench.collect()
      const running = suite.bench.sender().start()
      try {
        await until('the fast one has everything', async () => (await all(fast.id, 'delivered')).length === events)
        expect(slow.at.received).toHaveLength(LIMITS.webhookSendsPerEndpoint)
        gate.open()
        await until('the slow one has everything', async () => (await all(slow.id, 'delivered')).length === events)
      } finally {
        gate.open()
        await running.close()
      }
      expect(new Set(idsOf(slow.at)).size).toBe(events)
    })

    it('closing waits for what is under way and begins nothing', async () => {
      const { at, id } = await registered()
      const gate = createGate()
      at.answer((response) => void gate.opened.then(() => response.writeHead(204).end()))
      await suite.bench.webhooks.sendTest(id)
      const running = suite.bench.sender().start()
      await until('it is under way', () => at.received.length === 1)
      const closing = running.close()
      await suite.bench.webhooks.sendTest(id)
      gate.open()
      await closing
      expect((await all(id)).map(({ status }) => status)).toEqual(['waiting', 'delivered'])
    })
  })
}
