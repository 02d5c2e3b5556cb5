import { describe, expectTypeOf, it } from 'vitest'
import {
  createClient,
  type FanfoldClient,
  isProblem,
  type Order,
  type Payment,
  type Post,
  type ProblemError,
  type TimelinePage,
} from '../../src/client/index.ts'

/** Never called: the compiler is the test, which `npm run types` runs. */
async function wrongCalls(fanfold: FanfoldClient) {
  // @ts-expect-error: no such path
  await fanfold.get('/v1/ordres')
  // @ts-expect-error: a path has its parameters
  await fanfold.get('/v1/orders/{order_id}')
  // @ts-expect-error: not a method of this path
  await fanfold.delete('/v1/orders')
  // @ts-expect-error: the body is required
  await fanfold.post('/v1/orders')
  // @ts-expect-error: an amount is a number
  await fanfold.post('/v1/payments', { body: { amount: '1', currency: 'EUR', payment_method: { token: 'tok_ok' } } })
  // @ts-expect-error: nothing makes repeats of this one safe
  await fanfold.post('/v1/keys', { body: { name: 'a', scopes: ['social'] }, idempotencyKey: 'k' })
  const params = { path: { user_id: 'a', followee_id: 'b' } }
  // @ts-expect-error: the server does not look at If-Match here
  await fanfold.put('/v1/users/{user_id}/follows/{followee_id}', { params, ifMatch: 'W/"1"' })
  // @ts-expect-error: one order is no list
  fanfold.list('/v1/orders/{order_id}', { params: { path: { order_id: '1' } } })
  // @ts-expect-error: suggestions have no pages
  fanfold.list('/v1/users/{user_id}/suggestions', { params: { path: { user_id: 'ada' } } })
  // @ts-expect-error: no such status
  fanfold.list('/v1/orders', { params: { query: { status: 'LOST' } } })
  // @ts-expect-error: no such code
  isProblem(new Error('x'), 'insufficient_stocks')
}

describe('the types of the client', () => {
  it('refuse what the server would refuse', () => {
    expectTypeOf(wrongCalls).toBeCallableWith(createClient({ baseUrl: 'http://localhost' }))
  })

  it('say what each path takes and answers', () => {
    const fanfold = createClient({ baseUrl: 'http://localhost' })
    const read = () => fanfold.get('/v1/posts/{post_id}', { params: { path: { post_id: '1' } } })
    expectTypeOf<Awaited<ReturnType<typeof read>>>().toEqualTypeOf<Post>()
    const ship = () => fanfold.post('/v1/orders/{order_id}/ship', { params: { path: { order_id: '1' } } })
    expectTypeOf<Awaited<ReturnType<typeof ship>>>().toEqualTypeOf<Order>()
    const authorize = () =>
      fanfold.request('post', '/v1/payments/{payment_intent_id}/authorize', {
        params: { path: { payment_intent_id: '1' } },
        idempotencyKey: 'k',
      })
    expectTypeOf<Awaited<ReturnType<typeof authorize>>['body']>().toEqualTypeOf<Payment>()
    expectTypeOf<Awaited<ReturnType<typeof authorize>>['etag']>().toEqualTypeOf<string | undefined>()
    const like = () =>
      fanfold.put('/v1/posts/{post_id}/likes/{user_id}', { params: { path: { post_id: '1', user_id: 'ada' } } })
    expectTypeOf<Awaited<ReturnType<typeof like>>>().toEqualTypeOf<undefined>()
    const metrics = () => fanfold.get('/metrics')
    expectTypeOf<Awaited<ReturnType<typeof metrics>>>().toEqualTypeOf<string>()
  })

  it('say what a list holds, and what stands beside its items', () => {
    const fanfold = createClient({ baseUrl: 'http://localhost' })
    const orders = () => fanfold.list('/v1/orders', { params: { query: { status: 'PAID' } }, max: 10 })
    expectTypeOf<ReturnType<typeof orders>>().toEqualTypeOf<AsyncGenerator<Order, void, undefined>>()
    const timeline = () => fanfold.pages('/v1/users/{user_id}/timeline', { params: { path: { user_id: 'ada' } } })
    expectTypeOf<ReturnType<typeof timeline>>().toEqualTypeOf<AsyncGenerator<TimelinePage, void, undefined>>()
  })

  it('narrow an error to the codes that were asked for', () => {
    const error: unknown = new Error('x')
    if (isProblem(error, 'insufficient_stock', 'price_changed')) {
      expectTypeOf(error).toExtend<ProblemError>()
      expectTypeOf(error.code).toEqualTypeOf<'insufficient_stock' | 'price_changed'>()
    }
  })
})
