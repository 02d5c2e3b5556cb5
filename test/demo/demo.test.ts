import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createFanfold, type Fanfold } from '../../src/app/fanfold.ts'
import { createDemoClock } from '../../src/demo/clock.ts'
import { playDemo } from '../../src/demo/demo.ts'
import { liveOn } from '../../src/demo/live.ts'
import { planDemo } from '../../src/demo/marker.ts'
import { SIZES } from '../../src/demo/size.ts'
import { type DemoSummary, summarize } from '../../src/demo/summary.ts'
import { makeWorld } from '../../src/demo/world.ts'
import { copyTemplate } from '../setup/template.ts'

const SEED = 5
const PATIENCE_MS = 300_000

let template: Awaited<ReturnType<typeof copyTemplate>>
let fanfold: Fanfold
let summary: DemoSummary
const clock = createDemoClock()

const planned = () => planDemo(fanfold, SEED, 'tiny')
const total = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, count) => sum + count, 0)

beforeAll(async () => {
  template = await copyTemplate(inject('embeddedTemplate'))
  fanfold = await createFanfold({
    ...{ database: `pglite:${template.folder}`, clock, workers: false, pullFollowers: 15 },
    ...{ webhookAllowHttp: true, webhookAllowPrivate: true },
  })
  const plan = await planned()
  expect([plan.state, (await fanfold.status()).workers]).toEqual(['new', false])
  await playDemo({ fanfold, clock, plan })
  expect((await fanfold.status()).workers).toBe(true)
  summary = await summarize(fanfold, await planned())
}, PATIENCE_MS)
afterAll(async () => {
  await fanfold?.close()
  await template?.remove()
})

describe('a demo in an empty database', () => {
  it('holds what the world says: people, posts, orders, each with its time', async () => {
    const { nowMs } = await planned()
    const world = makeWorld(SEED, SIZES.tiny, nowMs)
    const [person] = world.people.persons
    expect(await fanfold.social.user(person!.userId)).toEqual({
      ...{ user_id: person!.userId, handle: person!.handle, name: person!.name },
      created_at: new Date(nowMs - person!.joinedAgoMs).toISOString(),
    })
    const published = await fanfold.social.hashtag('cooking', { limit: 100 })
    const tagged = world.feed.posts.filter((post) => /#cooking/.test(post.content.text) && !post.followersOnly)
    expect(published.items.map(({ timestamp }) => timestamp).sort()).toEqual(
      tagged.map(({ agoMs }) => new Date(nowMs - agoMs).toISOString()).sort(),
    )
    const [oldest] = world.sales.living
    const found = await fanfold.orders.list({ customer_id: oldest!.customer.customerId }, { limit: 100 })
    const order = found.items.find(({ order_date }) => Date.parse(order_date) === nowMs - oldest!.agoMs)
    expect(order?.items.map((item) => [item.product_id, item.quantity]).sort()).toEqual(
      oldest!.items.map(({ product, quantity }) => [product.productId, quantity]).sort(),
    )
    expect(total(summary.orders)).toBeGreaterThanOrEqual(world.sales.imported.length + world.sales.living.length)
  })

  it('has payments of every outcome, and something for a person to do', async () => {
    const statuses = ['authorized', 'captured', 'declined', 'partially_captured', 'partially_refunded', 'refunded']
    expect(Object.keys(summary.payments)).toEqual(expect.arrayContaining([...statuses, 'requires_action', 'voided']))
    expect(summary.look_at).toMatchObject({
      payment_in_review: expect.stringMatching(/^pi_/),
      payment_with_an_open_dispute: expect.stringMatching(/^pi_/),
    })
    const disputes = await fanfold.payments.disputes({ status: 'won,lost' }, { limit: 100 })
    expect(new Set(disputes.items.map(({ status }) => status))).toEqual(new Set(['won', 'lost']))
    const [settlement] = (await fanfold.settlements.list()).items
    const items = await fanfold.settlements.items(settlement!.settlement_id, undefined, { limit: 100 })
    expect(new Set(items.items.map(({ result }) => result)).size).toBeGreaterThan(1)
    expect((await fanfold.queue.deadLetters(undefined, 10)).length).toBe(1)
    expect((await fanfold.webhooks.list()).items.length).toBe(1)
  })

  it('passes verify of all three models', async () => {
    expect(await fanfold.social.verify()).toMatchObject({ ok: true })
    expect(await fanfold.orders.verifyOrders({})).toMatchObject({ ok: true })
    expect(await fanfold.verifyPayments()).toMatchObject({ ok: true })
  })

  it('gets nothing more from a second run, and refuses another seed or size', async () => {
    const plan = await planned()
    expect(plan.state).toBe('complete')
    await playDemo({ fanfold, clock, plan })
    expect(await summarize(fanfold, plan)).toEqual(summary)
    await expect(planDemo(fanfold, SEED + 1, undefined)).rejects.toMatchObject({ code: 'demo_refused' })
    await expect(planDemo(fanfold, undefined, 'small')).rejects.toMatchObject({ code: 'demo_refused' })
  })

  it(
    'is kept moving until it is told to stop, and is sound afterwards',
    async () => {
      const controller = new AbortController()
      const world = makeWorld(SEED, SIZES.tiny, Date.now())
      const trouble: string[] = []
      const before = total((await summarize(fanfold, await planned())).orders)
      const moving = liveOn({
        ...{ fanfold, world, rate: 100, signal: controller.signal },
        onTrouble: (message) => trouble.push(message),
      })
      const deadline = Date.now() + PATIENCE_MS / 2
      while (total((await summarize(fanfold, await planned())).orders) < before + 2 && Date.now() < deadline) {
        await clock.sleep(200)
      }
      controller.abort()
      const { done } = await moving
      expect(done).toBeGreaterThan(5)
      expect(trouble).toEqual([])
      await fanfold.caughtUp()
      expect(await fanfold.orders.verifyOrders({})).toMatchObject({ ok: true })
    },
    PATIENCE_MS,
  )
})

describe('a demo in a database of somebody else', () => {
  it('is refused, whatever little is there, and says what', async () => {
    const other = await copyTemplate(inject('embeddedTemplate'))
    const theirs = await createFanfold({ database: `pglite:${other.folder}`, workers: false })
    try {
      expect((await planDemo(theirs, undefined, undefined)).state).toBe('new')
      await theirs.social.createUser({ user_id: 'ada', handle: 'ada', name: 'Ada' })
      await expect(planDemo(theirs, undefined, undefined)).rejects.toMatchObject({
        code: 'demo_refused',
        message: expect.stringMatching(/holds users .* --database-url/),
      })
    } finally {
      await theirs.close()
      await other.remove()
    }
  })

  it('is refused where payments are no play', async () => {
    const other = await copyTemplate(inject('embeddedTemplate'))
    const theirs = await createFanfold({
      ...{ database: `pglite:${other.folder}`, workers: false, processor: 'sandbox_basic', sandboxBasic: true },
    })
    try {
      await expect(planDemo(theirs, undefined, undefined)).rejects.toMatchObject({ code: 'demo_refused' })
    } finally {
      await theirs.close()
      await other.remove()
    }
  })
})
