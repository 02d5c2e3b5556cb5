import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '../core/canonical-json.ts'
import { LIMITS } from '../core/limits.ts'
import type { ClaimedDelivery, DeliveryKey, Endpoint, NewEndpoint, WebhookStore } from '../webhooks/ports.ts'
import type { StoreHarness } from './social-values.ts'
import { aMessage, anAttempt, anEndpoint, anOutcome, WEBHOOK_NOW_MS as NOW } from './webhook-out-values.ts'

const MINUTE = 60_000
const DAY = 86_400_000

/** The promises of {@link WebhookStore}, for any engine. */
export function testWebhookStore(name: string, create: () => Promise<StoreHarness<WebhookStore>>): void {
  describe(`webhook store on ${name}`, () => {
    let store: WebhookStore
    let close: () => Promise<void>
    const endpointIds: string[] = []
    beforeAll(async () => {
      const harness = await create()
      store = harness.store
      close = () => harness.close()
    })
    afterAll(() => close())
    // A claim takes what is due at every endpoint: each test leaves none behind.
    afterEach(async () => {
      for (const endpointId of endpointIds.splice(0)) await store.remove(endpointId, NOW)
      while ((await store.prune(0, 1_000)) > 0);
    })

    const idOf = ({ endpointId }: Endpoint) => ({ id: endpointId })
    async function endpoint(more: Partial<NewEndpoint> = {}): Promise<string> {
      const { body } = await store.create(anEndpoint(more), undefined, idOf)
      endpointIds.push(body.id)
      return body.id
    }
    const enqueue = (endpointId: string, messageIds: readonly string[], nowMs = NOW) =>
      store.enqueue(
        messageIds.map(aMessage),
        messageIds.map((_, message) => ({ endpointId, message })),
        nowMs,
      )
    const claim = (nowMs = NOW, perEndpoint = 10, busy: ReadonlyMap<string, number> = new Map()) =>
      store.claim(nowMs, nowMs + MINUTE, perEndpoint, busy)
    const namesOf = (claimed: readonly ClaimedDelivery[]) => claimed.map(({ messageId }) => messageId).sort()
    const one = async (endpointId: string) => (await store.deliveries(endpointId, undefined, undefined, 1))[0]
    const disable = (endpointId: string) =>
      store.change(
        endpointId,
        undefined,
        (before) => ({ ...before, disabled: { reason: 'request', atMs: NOW } }),
        NOW,
        idOf,
      )

    it('gives back what was stored, changes it alone, and raises its version', async () => {
      const secrets = { oldSecret: new Uint8Array([1, 2]), oldSecretUntilMs: NOW + 5 }
      const given = anEndpoint({ description: 'audit', ...secrets })
      const { starts } = given
      endpointIds.push(given.endpointId)
      await store.create(given, undefined, idOf)
      const stored = (await store.find(given.endpointId))!
      expect({ ...stored, secret: [...stored.secret], oldSecret: [...stored.oldSecret!] }).toEqual({
        ...{ ...given, version: 1, updatedAtMs: NOW },
        ...{ secret: [...given.secret], oldSecret: [1, 2] },
      })
      const raise = (before: Endpoint) => ({ ...before, description: `${before.description}+` })
      await Promise.all([1, 2, 3].map(() => store.change(given.endpointId, undefined, raise, NOW + 1, idOf)))
      expect(await store.find(given.endpointId)).toMatchObject({
        description: 'audit+++',
        version: 4,
        updatedAtMs: NOW + 1,
      })
      expect(await store.change('whe_none', undefined, raise, NOW, idOf)).toBeUndefined()
      expect((await store.audiences()).find(({ endpointId }) => endpointId === given.endpointId)).toEqual({
        ...{ endpointId: given.endpointId, eventTypes: given.eventTypes, starts },
      })
    })

    it('creates and changes once per key', async () => {
      const key = (text: string, what = 'a') => ({ scope: 'test', key: text, fingerprint: sha256(what) })
      const [first, second] = [anEndpoint(), anEndpoint()]
      endpointIds.push(first.endpointId, second.endpointId)
      const made = await store.create(first, key('create'), idOf)
      expect(await store.create(second, key('create'), idOf)).toEqual({ body: made.body, replayed: true })
      expect(await store.find(second.endpointId)).toBeUndefined()
      await expect(store.create(second, key('create', 'b'), idOf)).rejects.toMatchObject({
        code: 'idempotency_key_reused',
      })
      const change = () => store.change(first.endpointId, key('change'), (before) => before, NOW, idOf)
      expect([(await change())?.replayed, (await change())?.replayed]).toEqual([false, true])
      expect((await store.find(first.endpointId))?.version).toBe(2)
    })

    it('lists in pages by id, and forgets secrets and address of what is removed', async () => {
      const ids = [await endpoint(), await endpoint(), await endpoint()].sort()
      const from = async (after: string | undefined) => (await store.list(after, 2)).map(({ endpointId }) => endpointId)
      expect(await from(undefined)).toEqual(ids.slice(0, 2))
      expect(await from(ids[1])).toEqual(ids.slice(2))
      await enqueue(ids[0]!, ['gone-1'])
      const delivery = (await one(ids[0]!))!
      expect([await store.remove(ids[0]!, NOW), await store.remove(ids[0]!, NOW)]).toEqual([true, false])
      expect(await store.find(ids[0]!)).toBeUndefined()
      expect(await store.findDelivery({ deliveryId: delivery.deliveryId })).toBeUndefined()
      expect(await from(undefined)).toEqual(ids.slice(1))
      expect(namesOf(await claim())).toEqual([])
      expect(await enqueue(ids[0]!, ['gone-2'])).toBe(0)
    })

    it('refuses one endpoint more than there may be, also when many come at once', async () => {
      const there = (await store.list(undefined, 1_000)).length
      for (let count = there; count < LIMITS.webhookEndpointsMax - 2; count++) await endpoint()
      const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => endpoint()))
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'too_many_webhook_endpoints' })
    })

    it('makes a delivery of an event once per endpoint, however often and by however many it is asked to', async () => {
      const [a, b] = [await endpoint(), await endpoint()]
      const names = Array.from({ length: 200 }, (_, n) => `once-${n}`)
      const counts = await Promise.all([
        enqueue(a, names),
        enqueue(a, names),
        enqueue(a, names.toReversed()),
        enqueue(b, names),
      ])
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(400)
      expect(await enqueue(a, names)).toBe(0)
      expect(await store.deliveries(a, undefined, undefined, 1_000)).toHaveLength(200)
    })

    it('claims what is due, of each endpoint as many as it has places, and nothing twice', async () => {
      const [a, b] = [await endpoint(), await endpoint()]
      await enqueue(
        a,
        Array.from({ length: 30 }, (_, n) => `a${n}`),
      )
      await enqueue(b, ['b0', 'b1'])
      await enqueue(b, ['later'], NOW + 1)
      const rounds = await Promise.all([claim(NOW, 4), claim(NOW, 4), claim(NOW, 4)])
      const all = namesOf(rounds.flat())
      expect(new Set(all).size).toBe(all.length)
      for (const round of rounds)
        expect(round.filter(({ endpointId }) => endpointId === a).length).toBeLessThanOrEqual(4)
      expect(all.filter((each) => each.startsWith('b'))).toEqual(['b0', 'b1'])
      expect(await claim(NOW, 4, new Map([[a, 4]]))).toEqual([])
      expect(await claim(NOW, 4, new Map([[a, 3]]))).toHaveLength(1)
    })

    it('hands a claim to somebody else when its lease is over, and then takes no outcome of the first', async () => {
      const id = await endpoint({ oldSecret: new Uint8Array([9]), oldSecretUntilMs: NOW + 7 })
      await enqueue(id, ['lease'])
      const [first] = await claim()
      expect(first).toMatchObject({
        ...aMessage('lease'),
        url: 'https://shop.example/hooks',
        tries: 0,
        oldSecretUntilMs: NOW + 7,
      })
      expect([...first!.secret, ...first!.oldSecret!]).toEqual([...new Uint8Array(32).fill(7), 9])
      expect(await claim(NOW + MINUTE - 1)).toEqual([])
      const [second] = await claim(NOW + MINUTE)
      expect(second?.claim).toBe(first!.claim + 1)
      await store.record([anOutcome(first, { status: 'failed' })], NOW, 0)
      expect(await one(id)).toMatchObject({ status: 'waiting', attemptCount: 0 })
      await store.record([anOutcome(second)], NOW, 0)
      await store.record([anOutcome(second)], NOW, 0)
      expect(await one(id)).toMatchObject({ status: 'delivered', attemptCount: 1, nextAttemptAtMs: undefined })
      expect(await claim(NOW + DAY)).toEqual([])
    })

    it('writes outcomes down with the newest tries', async () => {
      const id = await endpoint()
      await enqueue(id, ['tries'])
      const times = LIMITS.webhookAttemptsKept + 3
      for (let n = 1; n <= times; n++) {
        const [claimed] = await claim(NOW + n * MINUTE)
        const attempt = anAttempt({
          attemptedAtMs: NOW + n,
          statusCode: undefined,
          error: `"no" \\ ${n}`,
          response: undefined,
        })
        const next = NOW + (n + 1) * MINUTE
        await store.record(
          [anOutcome(claimed, { status: 'waiting', tries: n, nextAttemptAtMs: next, attempt })],
          NOW,
          0,
        )
      }
      const delivery = (await one(id))!
      expect(delivery).toMatchObject({
        attemptCount: times,
        status: 'waiting',
        nextAttemptAtMs: NOW + (times + 1) * MINUTE,
      })
      expect(delivery.attempts.map(({ error }) => error)).toEqual(
        Array.from({ length: LIMITS.webhookAttemptsKept }, (_, n) => `"no" \\ ${n + 4}`),
      )
      const [claimed] = await claim(NOW + DAY)
      expect(claimed).toMatchObject({ tries: times, attemptCount: times })
    })

    it('knows since when an endpoint fails, and disables it when that is too long ago', async () => {
      const id = await endpoint()
      const fail = async (message: string, atMs: number, failingBeforeMs: number) => {
        await enqueue(id, [message])
        const [claimed] = await claim(atMs)
        return store.record(
          [anOutcome(claimed, { status: 'failed', attempt: anAttempt({ statusCode: 500 }) })],
          atMs,
          failingBeforeMs,
        )
      }
      expect(await fail('f1', NOW + 1, NOW)).toEqual([])
      expect(await fail('f2', NOW + 2, NOW)).toEqual([])
      expect((await store.find(id))?.failingSinceMs).toBe(NOW + 1)
      await enqueue(id, ['good'])
      await store.record([anOutcome((await claim())[0])], NOW + 3, NOW + 3)
      expect(await store.find(id)).toMatchObject({ failingSinceMs: undefined, disabled: undefined, version: 1 })
      expect(await fail('f3', NOW + 4, NOW + 4)).toEqual([])
      expect(await fail('f4', NOW + 5, NOW + 5)).toEqual([{ endpointId: id, reason: 'failing' }])
      expect(await store.find(id)).toMatchObject({ disabled: { reason: 'failing', atMs: NOW + 5 }, version: 2 })
      expect(await store.audiences()).toEqual([])
    })

    it('disables an endpoint that wants no more, unless it was changed since', async () => {
      const id = await endpoint()
      await enqueue(id, ['g1', 'g2', 'g3'])
      const [first, second] = await claim(NOW, 2)
      const gone = { status: 'failed', gone: true } as const
      await store.change(id, undefined, (before) => ({ ...before, url: 'https://new.example/' }), NOW, idOf)
      expect(await store.record([anOutcome(first, gone)], NOW, 0)).toEqual([])
      const asNow = { ...gone, endpointVersion: 2 }
      expect(await store.record([anOutcome(second, asNow)], NOW, 0)).toEqual([{ endpointId: id, reason: 'gone' }])
      expect(await claim()).toEqual([])
      expect(await enqueue(id, ['g4'])).toBe(0)
      expect([await store.stopWaiting(10), await store.stopWaiting(10)]).toEqual([1, 0])
      expect((await store.deliveries(id, 'stopped', undefined, 9)).map(({ messageId }) => messageId)).toEqual(['g3'])
    })

    it('stops what waits in steps, of one endpoint when told so, and keeps what arrived meanwhile', async () => {
      const [a, b, c] = [await endpoint(), await endpoint(), await endpoint()]
      await enqueue(a, ['s1', 's2', 's3'])
      await enqueue(b, ['s4'])
      await enqueue(c, ['s5', 's6'], NOW + 1)
      const underWay = await claim(NOW, 2)
      await disable(a)
      await disable(c)
      expect([await store.stopWaiting(2, a), await store.stopWaiting(2, a), await store.stopWaiting(2, b)]).toEqual([
        2, 1, 0,
      ])
      const [s1, s2] = ['s1', 's2'].map((each) => underWay.find(({ messageId }) => messageId === each))
      const retried = anOutcome(s2, { status: 'waiting', tries: 1, nextAttemptAtMs: NOW })
      await store.record([anOutcome(s1), retried], NOW, 0)
      const statuses = new Map((await store.deliveries(a, undefined, undefined, 9)).map((d) => [d.messageId, d.status]))
      expect([...statuses].sort()).toEqual([
        ['s1', 'delivered'],
        ['s2', 'stopped'],
        ['s3', 'stopped'],
      ])
      expect((await one(b))?.status).toBe('waiting')
      expect([await store.stopWaiting(9), await store.stopWaiting(9)]).toEqual([2, 0])
    })

    it('lists deliveries newest first in pages, of one status if asked', async () => {
      const id = await endpoint()
      for (const [n, names] of [['l1', 'l2'], ['l3'], ['l4', 'l5']].entries()) await enqueue(id, names, NOW + n)
      const [claimed] = await claim(NOW + 9, 1)
      await store.record([anOutcome(claimed, { status: 'failed' })], NOW, 0)
      const all: string[] = []
      for (let before: DeliveryKey | undefined; ; ) {
        const page = await store.deliveries(id, undefined, before, 2)
        all.push(...page.map(({ messageId }) => messageId))
        before = page.at(-1)
        if (page.length < 2) break
      }
      expect(all).toEqual(['l5', 'l4', 'l3', 'l2', 'l1'])
      const failed = await store.deliveries(id, 'failed', undefined, 9)
      expect(failed.map(({ deliveryId }) => deliveryId)).toEqual([claimed!.deliveryId])
      expect(await store.deliveries(id, 'waiting', undefined, 9)).toHaveLength(4)
    })

    it('sends again from the beginning of the schedule, but not what is being sent', async () => {
      const id = await endpoint()
      await enqueue(id, ['r1'])
      const [first] = await claim()
      await store.replay(first!.deliveryId, NOW)
      expect(await claim()).toEqual([])
      await store.record([anOutcome(first, { status: 'failed', tries: 10 })], NOW, 0)
      await store.replay(first!.deliveryId, NOW + 5)
      expect(await one(id)).toMatchObject({ status: 'waiting', nextAttemptAtMs: NOW + 5, attemptCount: 1 })
      const [again] = await claim(NOW + 5)
      expect(again).toMatchObject({ messageId: 'r1', body: aMessage('r1').body, tries: 0 })
    })

    it('sends a range again, in steps, each delivery once', async () => {
      const id = await endpoint()
      for (let n = 0; n < 6; n++) await enqueue(id, [`m${n}`], NOW + n)
      const claimed = (await claim(NOW + 9)).sort((a, b) => Number(a.deliveryId - b.deliveryId))
      const statuses = ['failed', 'delivered', 'failed', 'failed', 'failed', 'delivered'] as const
      await store.record(
        claimed.map((each, n) => anOutcome(each, { status: statuses[n]! })),
        NOW,
        0,
      )
      const range = { sinceMs: NOW + 1, untilMs: NOW + 5, statuses: ['failed', 'stopped'] as const, after: undefined }
      const first = await store.replayRange(id, range, 2, NOW)
      expect(first).toMatchObject({ replayed: 2, last: { createdAtMs: NOW + 3 } })
      const second = await store.replayRange(id, { ...range, after: first.last }, 2, NOW)
      expect(second).toEqual({ replayed: 1, last: undefined })
      expect(namesOf(await claim())).toEqual(['m2', 'm3', 'm4'])
      const rest = { sinceMs: NOW, untilMs: undefined, statuses: ['delivered'] as const, after: undefined }
      expect(await store.replayRange(id, rest, 9, NOW)).toEqual({ replayed: 2, last: undefined })
    })

    it('forgets what is old, and deleted endpoints with all of theirs, in steps', async () => {
      const [kept, deleted] = [await endpoint(), await endpoint()]
      await enqueue(kept, ['old-1', 'old-2', 'old-3'], NOW)
      await enqueue(kept, ['new'], NOW + DAY)
      await enqueue(deleted, ['d1', 'd2'], NOW + DAY)
      await store.remove(deleted, NOW)
      expect(await store.prune(NOW + 1, 2)).toBe(2)
      expect(await store.prune(NOW + 1, 2)).toBe(1)
      expect(await store.prune(NOW + 1, 2)).toBe(0)
      expect((await store.deliveries(kept, undefined, undefined, 9)).map(({ messageId }) => messageId)).toEqual(['new'])
      expect(await store.deliveries(deleted, undefined, undefined, 9)).toEqual([])
    })

    it('counts what waits at active endpoints, and since when it has been due', async () => {
      expect(await store.backlog(10)).toEqual({ waiting: 0, dueSinceMs: undefined })
      const [a, b] = [await endpoint(), await endpoint()]
      await enqueue(a, ['w1'], NOW)
      await claim()
      await enqueue(a, ['w2', 'w3'], NOW + 3)
      await enqueue(b, ['w4'], NOW - 3)
      await disable(b)
      expect(await store.backlog(10)).toEqual({ waiting: 3, dueSinceMs: NOW + 3 })
      expect((await store.backlog(2)).waiting).toBe(2)
    })
  })
}
