import { describe, expect, it } from 'vitest'
import { sqlEngines } from '../setup/sql.ts'
import { idsOf, signers, useWebhooks } from '../setup/webhooks-out.ts'

const DAY = 24 * 3_600_000

for (const engine of sqlEngines()) {
  describe(`webhook endpoints on ${engine.name}`, () => {
    const suite = useWebhooks(engine)
    const { receiver, registered, all, only } = suite

    it('after a rotation both secrets sign for a day, then the new one alone', async () => {
      const { at, id, secret } = await registered()
      const rotated = await suite.bench.webhooks.rotateSecret(id)
      const send = async () => {
        await suite.bench.webhooks.sendTest(id)
        await suite.bench.sender().runDue()
        return signers(at.received.at(-1)!, [secret, rotated.secret])
      }
      expect(rotated.secret).not.toBe(secret)
      expect(await send()).toEqual([true, true])
      await suite.bench.clock.advance(DAY - 1)
      expect(await send()).toEqual([true, true])
      await suite.bench.clock.advance(1)
      expect(await send()).toEqual([false, true])
    })

    it('a secret is told to a repeat of the request that made it, kept with no key, and shown by nothing else', async () => {
      const at = await receiver()
      const create = () => suite.bench.webhooks.create({ url: at.url }, { idempotencyKey: 'one-endpoint' })
      const first = await create()
      expect(await create()).toEqual(first)
      const rotate = () =>
        suite.bench.webhooks.rotateSecret(first.endpoint_id, { idempotencyKey: `rotate-${first.endpoint_id}` })
      await suite.bench.clock.advance(1)
      const second = await rotate()
      expect(await rotate()).toEqual(second)
      expect(await create()).not.toHaveProperty('secret')
      const shown = [await suite.bench.webhooks.list(), await suite.bench.webhooks.get(first.endpoint_id)]
      const kept = await suite.bench.sql.query('select response_body::text from idempotency_keys')
      for (const secret of [first.secret, second.secret])
        expect(JSON.stringify([shown, kept])).not.toContain(secret!.slice('whsec_'.length))
    })

    it('a delivery is sent again with its id, alone or by a range of time', async () => {
      const { at, id } = await registered()
      at.answer((response) => response.writeHead(410).end())
      const since = new Date(suite.bench.clock.now()).toISOString()
      await suite.bench.pay(2)
      await suite.bench.collect()
      await suite.bench.sender().runDue()
      await expect(suite.bench.webhooks.replayRange(id, { since })).rejects.toMatchObject({
        code: 'webhook_endpoint_inactive',
      })
      await suite.bench.webhooks.update(id, { active: true })
      at.answer((response) => response.writeHead(204).end())
      const [last] = await all(id)
      expect(await suite.bench.webhooks.replay(last!.delivery_id)).toMatchObject({
        status: 'waiting',
        webhook_id: last!.webhook_id,
      })
      await suite.bench.sender().runDue()
      expect(await suite.bench.webhooks.replayRange(id, { since })).toEqual({ replayed: 1 })
      await suite.bench.sender().runDue()
      expect(await all(id, 'delivered')).toHaveLength(2)
      expect(await suite.bench.webhooks.replayRange(id, { since, status: 'delivered' })).toEqual({ replayed: 2 })
      expect(await suite.bench.sender().runDue()).toBe(2)
      expect(await suite.bench.webhooks.replayRange(id, { since, until: since })).toEqual({ replayed: 0 })
      const counts = new Map<string, number>()
      for (const each of idsOf(at)) counts.set(each, (counts.get(each) ?? 0) + 1)
      expect([...counts.values()]).toEqual([3, 3])
    })

    it('an endpoint that was switched off gets nothing of that time when it is switched on', async () => {
      const { at, id } = await registered()
      await suite.bench.pay(1)
      await suite.bench.collect()
      expect(await suite.bench.webhooks.update(id, { active: false })).toMatchObject({
        active: false,
        disabled_reason: 'request',
      })
      expect(await only(id)).toMatchObject({ status: 'stopped', next_attempt_at: null })
      // Collected only when it is on again: it is the time of the event that counts.
      await suite.bench.pay(1)
      expect(await suite.bench.webhooks.update(id, { active: true })).toMatchObject({ active: true, disabled_at: null })
      const [payment] = await suite.bench.pay(1)
      await suite.bench.collect()
      await suite.bench.sender().runDue()
      expect(idsOf(at)).toEqual([`msg_${payment}_1`])
    })

    it('what a killed process had not stopped is stopped before an endpoint is switched on', async () => {
      const { at, id } = await registered()
      await suite.bench.pay(1)
      await suite.bench.collect()
      const disabled = { reason: 'failing', atMs: suite.bench.clock.now() } as const
      await suite.bench.store.change(
        id,
        undefined,
        (before) => ({ ...before, disabled }),
        disabled.atMs,
        () => ({}),
      )
      expect((await only(id)).status).toBe('waiting')
      expect(await suite.bench.webhooks.update(id, { active: true })).toMatchObject({ active: true })
      expect(await suite.bench.sender().runDue()).toBe(0)
      expect([(await only(id)).status, at.received.length]).toEqual(['stopped', 0])
    })

    it('refuses a change by somebody who has not seen the last one', async () => {
      const { id } = await registered()
      const seen = { expectedVersion: 1 }
      expect(await suite.bench.webhooks.update(id, { description: 'a' }, seen)).toMatchObject({
        description: 'a',
        version: 2,
      })
      await expect(suite.bench.webhooks.update(id, { description: 'b' }, seen)).rejects.toMatchObject({
        code: 'version_mismatch',
      })
      expect(await suite.bench.webhooks.update(id, { description: null })).toMatchObject({ description: null })
    })

    it('a name that leads inside when it comes to sending is not followed there', async () => {
      const at = await receiver()
      let addresses = ['93.184.215.14']
      const { webhooks, sender } = suite.bench.behind({ allowPrivate: false, resolve: async () => addresses })
      const { endpoint_id: id } = await webhooks.create({ url: `http://shop.example:${at.port}/` })
      addresses = ['127.0.0.1']
      await webhooks.sendTest(id)
      await sender.runDue()
      expect(await only(id)).toMatchObject({ status: 'failed', attempts: [{ status_code: null }] })
      expect((await only(id)).attempts[0]!.error).toContain('not on the public Internet')
      expect(at.received).toEqual([])
      await expect(webhooks.update(id, { url: `http://inner.example:${at.port}/` })).rejects.toMatchObject({
        code: 'webhook_url_refused',
      })
    })

    it('connects to the address that was looked at, not to the name, and tries the next one next time', async () => {
      const at = await receiver()
      let asked = 0
      const resolve = async () => {
        asked += 1
        return ['127.0.0.1', '::1']
      }
      const { webhooks, sender } = suite.bench.behind({ resolve })
      const { endpoint_id: id } = await webhooks.create({ url: `http://shop.invalid:${at.port}/a?b=c` })
      await suite.bench.pay(1)
      await suite.bench.collect()
      at.answer((response) => response.writeHead(500).end())
      await sender.runDue()
      expect(at.received[0]!.headers.host).toBe(`shop.invalid:${at.port}`)
      expect(asked).toBe(2)
      await suite.bench.clock.advance(5_000)
      await sender.runDue()
      expect(at.received).toHaveLength(1)
      expect((await only(id)).attempts[1]).toMatchObject({ status_code: null })
    })
  })
}
