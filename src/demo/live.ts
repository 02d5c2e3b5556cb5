import type { Fanfold } from '../app/fanfold.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { isAppError, messageOf } from '../core/errors.ts'
import { orderOf } from './fill-orders.ts'
import { makeCommentText, makeContent } from './posts.ts'
import { createRandom } from './random.ts'
import { makeBasket } from './sales.ts'
import { ACTOR } from './scene.ts'
import type { World } from './world.ts'

export interface LiveOptions {
  readonly fanfold: Fanfold
  readonly world: World
  readonly signal: AbortSignal
  /** Deeds per second at most; what takes longer makes it fewer. */
  readonly rate: number
  readonly clock?: Clock
  /** Told once for each time that something is away. */
  readonly onTrouble?: (message: string) => void
}

/** How many deeds were done, and refused by the rules, since it began. */
export interface LiveCounts {
  readonly done: number
  readonly refused: number
}

const REST_MS = 2_000
const POSTS_KEPT = 50
const PAGE = 20
const context = { actor: ACTOR }
/** How buyers pay, now and then not at all. */
const TOKENS = ['tok_ok', 'tok_declined', 'tok_async', 'tok_timeout_charged', 'tok_action_succeeds']
const TOKEN_WEIGHTS = [85, 6, 4, 3, 2]

/** The deeds that keep a world moving, each with its weight. */
function deedsOf({ fanfold: { social, orders, payments }, world }: LiveOptions, clock: Clock) {
  const random = createRandom(clock.now())
  const { persons } = world.people
  const posts: { id: string; userId: string }[] = []
  const somebody = () => persons[random.rank(persons.length, 1.4)]!.userId

  async function publish(): Promise<void> {
    const userId = somebody()
    const post = await social.publish({ user_id: userId, content: makeContent(world.people, random) }, context)
    posts.push({ id: post.post_id, userId })
    if (posts.length > POSTS_KEPT) posts.shift()
  }
  const onPost = (work: (post: { id: string; userId: string }) => Promise<unknown>) => async () => {
    if (posts.length === 0) await publish()
    else await work(random.pick(posts))
  }
  const first = async (status: 'PAID' | 'SHIPPED') => {
    const { items } = await orders.list({ status }, { limit: PAGE })
    return items.length === 0 ? undefined : random.pick(items)
  }
  async function buy(): Promise<void> {
    const order = await orders.place(orderOf(makeBasket(world.shop, clock.now(), random)), context)
    const token = random.weighted(TOKENS, TOKEN_WEIGHTS)
    const { order_id, customer_id, amount_due: amount, currency } = order
    const method = { token, brand: 'demo', last4: '4242' }
    const payment = await payments.create({ order_id, customer_id, amount, currency, payment_method: method }, context)
    await payments.authorize(payment.payment_intent_id, {}, context)
  }

  const deeds: readonly (readonly [weight: number, () => Promise<unknown>])[] = [
    [24, publish],
    [34, onPost(({ id }) => social.like(id, somebody()))],
    [9, onPost(({ id }) => social.comment(id, { user_id: somebody(), text: makeCommentText(random) }, context))],
    [8, () => social.follow(somebody(), somebody())],
    [2, () => social.unfollow(somebody(), somebody())],
    [9, buy],
    [
      6,
      async () => {
        const order = await first('PAID')
        if (order !== undefined) await orders.ship(order.order_id, { carrier: 'Parcel One' }, context)
      },
    ],
    [
      6,
      async () => {
        const order = await first('SHIPPED')
        if (order !== undefined) await orders.deliver(order.order_id, {}, context)
      },
    ],
    [
      2,
      async () => {
        const order = await first('PAID')
        if (order !== undefined) await orders.cancel(order.order_id, { reason: 'changed my mind' }, context)
      },
    ],
  ]
  const weights = deeds.map(([weight]) => weight)
  return () => random.weighted(deeds, weights)[1]()
}

/**
 * Keeps a world moving until the signal: posts, likes, follows, orders through their life, payments. What the rules
 * refuse is passed over; when an engine is away it waits and tries again.
 */
export async function liveOn(options: LiveOptions): Promise<LiveCounts> {
  const { signal, rate, clock = systemClock, onTrouble } = options
  const next = deedsOf(options, clock)
  let done = 0
  let refused = 0
  let isAway = false
  while (!signal.aborted) {
    const beganMs = clock.now()
    let restMs = 1_000 / rate
    try {
      await next()
      done += 1
      isAway = false
    } catch (error) {
      if (signal.aborted) break
      if (isAppError(error) && error.status < 500) refused += 1
      else {
        if (!isAway) onTrouble?.(messageOf(error))
        isAway = true
        restMs = REST_MS
      }
    }
    await clock.sleep(Math.max(0, restMs - (clock.now() - beganMs)), signal)
  }
  return { done, refused }
}
