import type { Fanfold } from '../app/fanfold.ts'
import { LIMITS } from '../core/limits.ts'
import { ORDER_STATUSES } from '../orders/model/statuses.ts'
import type { OrderDocument } from '../orders/schemas.ts'
import { readersOf } from './fill-social.ts'
import type { Plan } from './marker.ts'
import { SIZES } from './size.ts'
import { makeWorld } from './world.ts'

/** What there is in a world, and where it is worth looking. */
export interface DemoSummary {
  readonly seed: number
  readonly size: string
  /** The present of the world; its past reaches back a year from here. */
  readonly began_at: string
  /** What the demo made; its live mode adds to it. */
  readonly made: Readonly<
    Record<'users' | 'follows' | 'posts' | 'likes' | 'comments' | 'products' | 'customers', number>
  >
  /** As they are now. */
  readonly orders: Readonly<Record<string, number>>
  readonly payments: Readonly<Record<string, number>>
  readonly look_at: Readonly<Record<string, string>>
}

const page = { limit: LIMITS.pageItemsMax }

async function* walk<T>(
  read: (cursor: string | undefined) => Promise<{ readonly items: readonly T[]; readonly next_cursor?: string }>,
): AsyncGenerator<T> {
  for (let cursor: string | undefined; ; ) {
    const { items, next_cursor } = await read(cursor)
    yield* items
    if (next_cursor === undefined) return
    cursor = next_cursor
  }
}

async function countOrders({ orders }: Fanfold) {
  const byStatus: Record<string, number> = Object.fromEntries(ORDER_STATUSES.map((status) => [status, 0]))
  let richest: OrderDocument | undefined
  for await (const order of walk((cursor) => orders.list({}, { ...page, cursor }))) {
    byStatus[order.status] = (byStatus[order.status] ?? 0) + 1
    if (order.version > (richest?.version ?? 0)) richest = order
  }
  return { byStatus, richest }
}

async function countPayments({ payments }: Fanfold) {
  const byStatus: Record<string, number> = {}
  for await (const { status } of walk((cursor) => payments.list({}, { ...page, cursor })))
    byStatus[status] = (byStatus[status] ?? 0) + 1
  const [review] = (await payments.operations({ status: 'review' }, { limit: 1 })).items
  const [dispute] = (await payments.disputes({}, { limit: 1 })).items
  return { byStatus, review, dispute }
}

/** Counts what is there; reads every order and payment once. */
export async function summarize(fanfold: Fanfold, { seed, sizeName, nowMs }: Plan): Promise<DemoSummary> {
  const world = makeWorld(seed, SIZES[sizeName], nowMs)
  const { people, feed, shop } = world
  const { byStatus: orders, richest } = await countOrders(fanfold)
  const { byStatus: payments, review, dispute } = await countPayments(fanfold)
  const [reader = ''] = readersOf({ world }, 1)
  return {
    ...{ seed, size: sizeName, began_at: new Date(nowMs).toISOString() },
    made: {
      ...{ users: people.persons.length, follows: people.follows.length, posts: feed.posts.length },
      ...{ likes: feed.likes.length, comments: feed.comments.length },
      ...{ products: shop.products.length, customers: shop.customers.length },
    },
    orders,
    payments: Object.fromEntries(Object.entries(payments).sort()),
    look_at: {
      user_with_a_rich_timeline: reader,
      user_whom_most_follow: people.persons[0]?.userId ?? '',
      ...(richest === undefined ? {} : { order_with_a_long_history: richest.order_id }),
      ...(review === undefined ? {} : { payment_in_review: review.payment_intent_id }),
      ...(dispute === undefined ? {} : { payment_with_an_open_dispute: dispute.payment_intent_id }),
    },
  }
}
