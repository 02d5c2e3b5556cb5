import { isAppError } from '../core/errors.ts'
import type { Payment } from '../payments/schemas.ts'
import { createTeller, type PayOptions } from './fill-orders.ts'
import type { Random } from './random.ts'
import { makeBasket } from './sales.ts'
import { keyed, type Scene } from './scene.ts'

const SECOND_MS = 1_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** The processor needs some seconds for what it does by itself. */
const SETTLES_MS = 5 * SECOND_MS
const PUMPS_MAX = 10

/** A payment that ends, or waits, in its own way. */
interface Outcome {
  readonly name: string
  /** How many there are for each unit of {@link WorldSize.outcomes}. */
  readonly times: number
  /** Between how many hours ago it begins. */
  readonly hoursAgo: readonly [from: number, to: number]
  play(stage: Stage): Promise<unknown>
}

interface Stage {
  readonly agoMs: number
  readonly teller: ReturnType<typeof createTeller>
  readonly scene: Scene
  readonly key: string
  /** An order and its payment. */
  pay(options: PayOptions): Promise<Payment>
  /** A payment of its own, captured unless `manual`. */
  alone(token: string, manual?: boolean): Promise<Payment>
  /** Lets the processor and the recovery do what is due so long after the beginning; then the payment as it is. */
  after(ms: number, payment: Payment): Promise<Payment>
}

const refund = async ({ scene, key, agoMs }: Stage, { payment_intent_id: id }: Payment, amount?: number) => {
  const input = { ...(amount === undefined ? {} : { amount }), reason: 'goodwill' }
  return scene.act(agoMs - HOUR_MS, () => scene.fanfold.payments.refund(id, input, keyed(`${key}-refund`)))
}

async function disputed(stage: Stage, token: string): Promise<Payment> {
  return stage.after(SETTLES_MS, await stage.pay({ token }))
}

async function answered(stage: Stage, token: string): Promise<void> {
  const { scene, key, agoMs } = stage
  const payment = await disputed(stage, token)
  const [dispute] = payment.disputes
  if (dispute === undefined) return
  const evidence = { product_description: 'As ordered', shipping_tracking_number: 'P100' }
  await scene.act(agoMs - 2 * DAY_MS, () =>
    scene.fanfold.payments.submitEvidence(
      payment.payment_intent_id,
      dispute.dispute_id,
      { evidence },
      keyed(`${key}-evidence`),
    ),
  )
  await stage.after(2 * DAY_MS + SETTLES_MS, payment)
}

/** A request that was lost, and looked for only after the processor had forgotten its keys: a person has to decide. */
async function decided(stage: Stage): Promise<void> {
  const { scene, agoMs } = stage
  const lost = await stage.alone('tok_timeout_not_charged', true)
  const { pending_operation: operation } = await stage.after(30 * HOUR_MS, lost)
  if (operation === undefined) return
  const decision = { decision: 'failed' as const, note: 'The processor’s dashboard shows nothing was taken' }
  try {
    await scene.act(agoMs - 2 * DAY_MS, () =>
      scene.fanfold.payments.resolveOperation(operation.op_id, decision, { actor: 'demo' }),
    )
  } catch (error) {
    if (!isAppError(error, 'operation_not_in_review')) throw error
  }
}

const recent = [1, 40] as const
const month = [60, 700] as const

const OUTCOMES: readonly Outcome[] = [
  { name: 'authorized', times: 2, hoursAgo: recent, play: ({ pay }) => pay({ manual: true }) },
  {
    ...{ name: 'partially captured', times: 1, hoursAgo: recent },
    async play({ pay, teller, agoMs }) {
      const payment = await pay({ manual: true })
      await teller.capture(payment, agoMs - 10 * SECOND_MS, Math.ceil(payment.amount / 2))
    },
  },
  {
    ...{ name: 'voided', times: 2, hoursAgo: month },
    play: async ({ alone, teller, agoMs }) => teller.voidRest(await alone('tok_ok', true), agoMs - HOUR_MS),
  },
  {
    ...{ name: 'declined, then paid', times: 4, hoursAgo: month },
    async play({ pay, teller, scene, key, agoMs }) {
      const { payment_intent_id: id } = await pay({ token: 'tok_declined' })
      const other = { payment_method: { token: 'tok_ok', brand: 'demo', last4: '1881' } }
      const { payments } = scene.fanfold
      const again = await scene.act(agoMs - 60 * SECOND_MS, () => payments.authorize(id, other, keyed(`${key}-again`)))
      await teller.settle(again, agoMs - 61 * SECOND_MS)
    },
  },
  { name: 'declined', times: 2, hoursAgo: recent, play: ({ pay }) => pay({ token: 'tok_expired_card' }) },
  { name: 'declined for good', times: 1, hoursAgo: month, play: ({ alone }) => alone('tok_stolen_card') },
  { name: 'partly authorized', times: 1, hoursAgo: month, play: ({ alone }) => alone('tok_partial', true) },
  { name: 'requires action', times: 1, hoursAgo: [2, 18], play: ({ pay }) => pay({ token: 'tok_requires_action' }) },
  {
    ...{ name: 'action done', times: 2, hoursAgo: month },
    play: async ({ pay, after }) => after(SETTLES_MS, await pay({ token: 'tok_action_succeeds' })),
  },
  {
    ...{ name: 'action failed', times: 1, hoursAgo: month },
    play: async ({ alone, after }) => after(SETTLES_MS, await alone('tok_action_fails')),
  },
  {
    ...{ name: 'decided later', times: 2, hoursAgo: month },
    play: async ({ pay, after }) => after(SETTLES_MS, await pay({ token: 'tok_async' })),
  },
  {
    ...{ name: 'answer lost', times: 2, hoursAgo: month },
    play: async ({ pay, after }) => after(2 * SETTLES_MS, await pay({ token: 'tok_timeout_charged' })),
  },
  {
    ...{ name: 'request lost', times: 1, hoursAgo: month },
    play: async ({ alone, after }) => after(2 * SETTLES_MS, await alone('tok_timeout_not_charged')),
  },
  { name: 'in review', times: 1, hoursAgo: recent, play: ({ pay }) => pay({ token: 'tok_wrong_currency' }) },
  { name: 'reviewed', times: 1, hoursAgo: month, play: decided },
  { name: 'dispute open', times: 2, hoursAgo: [10, 130], play: (stage) => disputed(stage, 'tok_dispute') },
  { name: 'dispute won', times: 1, hoursAgo: [200, 700], play: (stage) => answered(stage, 'tok_dispute') },
  { name: 'dispute lost', times: 1, hoursAgo: [200, 700], play: (stage) => answered(stage, 'tok_dispute_lost') },
  {
    ...{ name: 'refunded', times: 2, hoursAgo: month },
    play: async (stage) => refund(stage, await stage.alone('tok_ok')),
  },
  {
    ...{ name: 'partially refunded', times: 2, hoursAgo: month },
    async play(stage) {
      const payment = await stage.alone('tok_ok')
      await refund(stage, payment, Math.ceil(payment.amount / 3))
    },
  },
  {
    ...{ name: 'refund failed', times: 1, hoursAgo: month },
    play: async (stage) => refund(stage, await stage.alone('tok_refund_fails')),
  },
  {
    ...{ name: 'refund came back', times: 1, hoursAgo: month },
    async play(stage) {
      const payment = await stage.alone('tok_refund_fails_late')
      await refund(stage, payment)
      await stage.after(HOUR_MS + SETTLES_MS, payment)
    },
  },
]

function stageOf(scene: Scene, key: string, agoMs: number, random: Random): Stage {
  const { payments, sandbox } = scene.fanfold
  const teller = createTeller(scene, key)
  const basket = makeBasket(scene.world.shop, scene.nowMs - agoMs, random)

  async function pump(atAgoMs: number): Promise<void> {
    for (let pumps = 0; pumps < PUMPS_MAX; pumps++) {
      const done = await scene.act(atAgoMs, async () => {
        const delivered = await sandbox.deliverDue(({ headers, body }) =>
          payments.receiveWebhook(sandbox.name, { headers, body: Buffer.from(body) }),
        )
        return delivered + (await payments.recovery.runDue())
      })
      if (done === 0) return
    }
  }

  return {
    ...{ agoMs, teller, scene, key },
    pay: async (options) => teller.pay(await teller.place(basket, agoMs + 30 * SECOND_MS), agoMs, options),
    async alone(token, manual = false) {
      const amount = basket.items.reduce((sum, { product, quantity }) => sum + product.price * quantity, 0)
      const { customerId: customer_id } = basket.customer
      const billing_details = { name: basket.customer.name, city: basket.customer.address.city }
      const input = {
        amount,
        currency: 'USD',
        customer_id,
        billing_details,
        payment_method: { token, brand: 'demo', last4: '4242' },
      }
      const capture_method = manual ? ('manual' as const) : ('automatic' as const)
      const { payment_intent_id: id } = await scene.act(agoMs, () =>
        payments.create({ ...input, capture_method }, keyed(`${key}-create`)),
      )
      return scene.act(agoMs - 2 * SECOND_MS, () => payments.authorize(id, {}, keyed(`${key}-authorize`)))
    },
    async after(ms, { payment_intent_id: id }) {
      // What is found out leads to the next call, whose outcome is to be found out too.
      for (const laterMs of [0, SETTLES_MS, 3 * SETTLES_MS]) await pump(agoMs - ms - laterMs)
      return teller.settle(await payments.get(id), agoMs - ms - 4 * SETTLES_MS)
    },
  }
}

/** Plays every outcome that a payment can have, one after the other as they came: the processor acts in between. */
export async function fillOutcomes(scene: Scene, times: number, random: Random): Promise<void> {
  const plays = OUTCOMES.flatMap((outcome) =>
    Array.from({ length: outcome.times * times }, (_, index) => {
      const [from, to] = outcome.hoursAgo
      const key = `${outcome.name.replace(/\W+/g, '-')}-${index + 1}`
      return { outcome, key, agoMs: random.int(from * 60, to * 60) * 60_000, random: random.fork(key) }
    }),
  ).sort((a, b) => b.agoMs - a.agoMs)
  await scene.each('outcomes of payments', plays, 1, (one) =>
    one.outcome.play(stageOf(scene, one.key, one.agoMs, one.random)),
  )
}
