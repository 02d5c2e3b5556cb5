import { expect } from 'vitest'
import { type Reply, send } from './process.ts'
import type { Random } from './random.ts'

/**
 * A seeded load on all three models over HTTP. Every command has a key, so that in the end each is repeated and must be
 * answered as it was: what was acknowledged is there once, and what was not is there once after it is repeated.
 */
const USERS = 12
const PRODUCTS = 5
const STOCK = 100_000

export interface Sent {
  readonly method: string
  readonly path: string
  readonly body: unknown
  readonly key: string
  /** The first acknowledgement; a later one must say the same. */
  answer: Reply | undefined
}

export interface World {
  /** Begins every key. */
  readonly name: string
  readonly commands: Sent[]
  readonly random: Random
  next: number
}

const user = (n: number) => `u${n}`
const product = (n: number) => `p${n}`

/** The commands of one random step; later ones use what the earlier ones answered. */
export async function step(world: World, address: string): Promise<boolean> {
  const { random } = world
  const issue = async (method: string, path: string, body: unknown): Promise<Reply | undefined> => {
    const sent: Sent = { method, path, body, key: `${world.name}-${world.next++}`, answer: undefined }
    world.commands.push(sent)
    sent.answer = await send(address, method, path, body, sent.key)
    return sent.answer
  }
  const kind = random.int(3)
  if (kind === 0) {
    const author = user(random.int(USERS))
    const post = await issue('POST', '/v1/posts', { user_id: author, content: { text: `text ${world.next}` } })
    if (post?.status !== 201) return post !== undefined
    const liker = user(random.int(USERS))
    return (await issue('PUT', `/v1/posts/${post.body.post_id}/likes/${liker}`, undefined)) !== undefined
  }
  const amount = 100 * (1 + random.int(50))
  if (kind === 1) {
    const items = [{ product_id: product(random.int(PRODUCTS)), quantity: 1 + random.int(3) }]
    const address_ = {
      line1: '1 Main St',
      city: random.pick(['New York', 'Oslo']),
      country: 'US',
      postal_code: '10001',
    }
    const order = await issue('POST', '/v1/orders', { customer_id: 'c1', shipping_address: address_, items })
    if (order?.status !== 201) return order !== undefined
    if (random.int(2) === 0)
      return (await issue('POST', `/v1/orders/${order.body.order_id}/cancel`, { reason: 'test' })) !== undefined
    const body = {
      amount: order.body.total_price,
      currency: 'USD',
      order_id: order.body.order_id,
      customer_id: 'c1',
      payment_method: 'tok_ok',
      capture_method: 'automatic',
    }
    const payment = await issue('POST', '/v1/payments', body)
    if (payment?.status !== 201) return payment !== undefined
    return (await issue('POST', `/v1/payments/${payment.body.payment_intent_id}/authorize`, {})) !== undefined
  }
  const method = random.pick(['tok_ok', 'tok_declined', 'tok_timeout_charged', 'tok_timeout_not_charged'])
  const payment = await issue('POST', '/v1/payments', {
    amount,
    currency: 'USD',
    customer_id: 'c1',
    payment_method: method,
    capture_method: 'manual',
  })
  if (payment?.status !== 201) return payment !== undefined
  const path = `/v1/payments/${payment.body.payment_intent_id}`
  const authorized = await issue('POST', `${path}/authorize`, {})
  if (authorized?.body?.status !== 'authorized') return authorized !== undefined
  const captured = await issue('POST', `${path}/capture`, { amount })
  if (captured?.body?.status !== 'captured' || random.int(2) === 0) return captured !== undefined
  return (await issue('POST', `${path}/refund`, { amount: 50 })) !== undefined
}

export async function prepare(address: string): Promise<void> {
  for (let n = 0; n < USERS; n++)
    await send(address, 'POST', '/v1/users', { user_id: user(n), handle: user(n), name: user(n) })
  for (let n = 0; n < USERS * 3; n++)
    await send(address, 'PUT', `/v1/users/${user(n % USERS)}/follows/${user((n * 7 + 1) % USERS)}`)
  await send(address, 'POST', '/v1/customers', { customer_id: 'c1', name: 'Carl' })
  for (let n = 0; n < PRODUCTS; n++) {
    const body = {
      product_id: product(n),
      sku: product(n),
      name: product(n),
      category: 'Toys',
      price: 250 + n,
      currency: 'USD',
      stock: STOCK,
    }
    expect((await send(address, 'POST', '/v1/products', body))?.status).toBe(201)
  }
}

/** Repeats a command until it is answered for good: a lease of a killed process may have to run out first. */
async function settle(address: string, sent: Sent): Promise<Reply> {
  const deadline = Date.now() + 120_000
  for (;;) {
    const reply = await send(address, sent.method, sent.path, sent.body, sent.key)
    const unfinished = reply === undefined || reply.status === 503 || reply.body?.code === 'idempotency_key_in_use'
    if (!unfinished) return reply
    if (Date.now() > deadline)
      throw new Error(`${sent.method} ${sent.path} is not answered: ${JSON.stringify(reply?.body)}`)
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

async function allItems(address: string, path: string): Promise<{ [name: string]: unknown }[]> {
  const items: { [name: string]: unknown }[] = []
  let cursor: string | undefined
  do {
    const query = `${path.includes('?') ? '&' : '?'}limit=100${cursor === undefined ? '' : `&cursor=${cursor}`}`
    const page = await send(address, 'GET', `${path}${query}`)
    expect(page?.status, path).toBe(200)
    items.push(...page!.body.items)
    cursor = page!.body.next_cursor
  } while (cursor !== undefined)
  return items
}

export const acknowledgements = (world: World) =>
  world.commands.filter((sent) => sent.answer !== undefined && sent.answer.status < 300).length

export async function acknowledged(world: World, more: number, withinMs = 30_000): Promise<void> {
  const wanted = acknowledgements(world) + more
  const deadline = Date.now() + withinMs
  while (acknowledgements(world) < wanted) {
    if (Date.now() > deadline) throw new Error('the server acknowledges nothing')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** Waits until nothing is under way: queues empty, projections caught up. */
export async function quiet(address: string): Promise<void> {
  const deadline = Date.now() + 150_000
  for (;;) {
    const { body } = (await send(address, 'GET', '/v1/system'))!
    const depth = body.queue.reduce((sum: number, topic: { depth: number }) => sum + topic.depth, 0)
    const lag = body.projections.reduce((sum: number, projection: { lag: number }) => sum + projection.lag, 0)
    if (depth === 0 && lag === 0) return
    if (Date.now() > deadline)
      throw new Error(`still busy: ${JSON.stringify(body.queue)} ${JSON.stringify(body.projections)}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Repeats every command, and compares what there is with what was answered. */
export async function expectNothingLost(address: string, world: World): Promise<void> {
  const settled: { sent: Sent; reply: Reply }[] = []
  for (const sent of world.commands) settled.push({ sent, reply: await settle(address, sent) })
  for (const { sent, reply } of settled) {
    if (sent.answer === undefined || sent.answer.status >= 300 || sent.answer.status === 202) continue
    expect(reply.status, `${sent.path} repeated`).toBe(sent.answer.status)
    if (sent.answer.status === 201) expect(reply.body, `${sent.path} repeated`).toEqual(sent.answer.body)
  }

  const created = (path: string, id: string) =>
    settled
      .filter(({ sent, reply }) => sent.path === path && reply.status === 201)
      .map(({ reply }) => String(reply.body[id]))
      .sort()
  const posts: string[] = []
  for (let n = 0; n < USERS; n++)
    posts.push(...(await allItems(address, `/v1/users/${user(n)}/posts`)).map((post) => String(post['post_id'])))
  expect(posts.sort()).toEqual(created('/v1/posts', 'post_id'))
  const orders = (await allItems(address, '/v1/orders?customer_id=c1')).map((order) => String(order['order_id']))
  expect(orders.sort()).toEqual(created('/v1/orders', 'order_id'))
  const payments = created('/v1/payments', 'payment_intent_id')
  expect(new Set(payments).size).toBe(payments.length)
}
