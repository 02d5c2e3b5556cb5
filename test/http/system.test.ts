import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { GiveUp } from '../../src/queue/port.ts'
import { until } from '../../src/testing/until.ts'
import { ADMIN_KEY, startServer, type TestServer } from '../setup/http.ts'
import { createMysqlDatabase } from '../setup/mysql.ts'
import { hasMariadbProgram, startMariadb } from '../setup/mysql-server.ts'
import type { OwnProgram } from '../setup/own-server.ts'
import { hasRedisProgram, startRedis } from '../setup/redis.ts'

let server: TestServer
let reader: Record<string, string>
let shop: Record<string, string>
beforeAll(async () => {
  server = await startServer()
  const keyOf = async (...scopes: string[]) => {
    const { body } = await server.call('POST', '/v1/keys', { name: scopes.join(' '), scopes })
    return { authorization: `Bearer ${body.secret}` }
  }
  reader = await keyOf('admin:read')
  shop = await keyOf('orders', 'social:read')
})
afterAll(() => server.close())

const get = (url: string, headers: Record<string, string> = reader) => server.call('GET', url, undefined, headers)
const post = (url: string, body: unknown, headers?: Record<string, string>) => server.call('POST', url, body, headers)

it('asks for the scopes of an administrator', async () => {
  for (const url of ['/v1/system', '/v1/system/samples', '/v1/dead-letters', '/v1/jobs', '/v1/jobs/job_1'])
    expect((await get(url, shop)).body, url).toMatchObject({ code: 'forbidden', required_scope: 'admin:read' })
  for (const url of ['/v1/dead-letters/redrive', '/v1/jobs', '/v1/jobs/job_1/cancel'])
    expect((await post(url, {}, reader)).body, url).toMatchObject({ code: 'forbidden', required_scope: 'admin' })
})

describe('the own key', () => {
  it('is told to any key that is good', async () => {
    expect(await get('/v1/keys/self', shop)).toMatchObject({
      status: 200,
      body: { key_id: expect.stringMatching(/^key_/), name: 'orders social:read', scopes: ['orders', 'social:read'] },
    })
    const { body } = await get('/v1/keys/self', { authorization: `Bearer ${ADMIN_KEY}` })
    expect(body).toEqual({
      ...{ key_id: 'bootstrap', name: 'FANFOLD_API_KEY', scopes: ['admin'] },
      created_at: expect.any(String),
    })
  })

  it('is told to nobody without one, nor with one that was revoked', async () => {
    expect((await get('/v1/keys/self', { authorization: '' })).body.code).toBe('unauthenticated')
    const made = (await post('/v1/keys', { name: 'x', scopes: ['social'] })).body
    await server.call('DELETE', `/v1/keys/${made.key_id}`)
    const { status } = await get('/v1/keys/self', { authorization: `Bearer ${made.secret}` })
    expect(status).toBe(401)
  })
})

describe('the state of the system', () => {
  it('has the figures of the process, and no problem while all is well', async () => {
    const before = await get('/v1/system')
    expect(before.status).toBe(200)
    expect(before.body.problems).toEqual([])
    expect(before.body.engines).toMatchObject([{ ok: true }])
    await post('/v1/customers', { customer_id: 'c', name: 'Cyd' })
    await post('/v1/products', {
      product_id: 'p',
      sku: 'P',
      name: 'P',
      category: 'c',
      price: 100,
      currency: 'EUR',
      stock: 9,
    })
    const address = { line1: '1 Way', city: 'Lima', postal_code: '1', country: 'PE' }
    const order = await post(
      '/v1/orders',
      { customer_id: 'c', shipping_address: address, items: [{ product_id: 'p', quantity: 1 }] },
      { 'idempotency-key': 'o1' },
    )
    expect(order.status, JSON.stringify(order.body)).toBe(201)
    await post(`/v1/orders/${order.body.order_id}/cancel`, {}, { 'idempotency-key': 'o2' })
    await until('it is folded', async () => (await get('/v1/system')).body.figures.projected_events >= 2)
    const { figures } = (await get('/v1/system')).body
    expect(figures.appended_events - before.body.figures.appended_events).toBe(2)
    expect(figures.requests - before.body.figures.requests).toBeGreaterThanOrEqual(5)
    expect(figures).toMatchObject({ request_errors: 0, fanout_backlog_posts: 0, timeline_streams: 0 })
    expect(figures.request_p99_ms).toBeGreaterThanOrEqual(figures.request_p50_ms)
  })

  it('has samples of them', async () => {
    const { status, body } = await get('/v1/system/samples')
    expect(status).toBe(200)
    expect(body.interval_ms).toBe(5_000)
    expect(Object.keys(body.items[0])).toEqual(['at', ...Object.keys((await get('/v1/system')).body.figures)])
  })
})

describe('dead letters', () => {
  const topic = 'test.dead'
  const handled: unknown[] = []
  let isBroken = true
  beforeAll(async () => {
    const { queue } = server.fanfold
    queue.consume(topic, async ({ payload }) => {
      if (isBroken) throw new GiveUp('it is broken')
      handled.push(payload['n'])
    })
    for (const [n, lane] of (['small', 'small', 'bulk'] as const).entries()) {
      await queue.publish([{ topic, key: `k${n}`, payload: { n }, lane }])
      await until('it is dead', async () => (await queue.deadLetters(topic, 10)).length === n + 1)
    }
  })
  const numbers = (body: { items: { payload: { n: number } }[] }) => body.items.map(({ payload }) => payload.n)

  it('are listed newest first, by topic and lane', async () => {
    const { body } = await get(`/v1/dead-letters?topic=${topic}`)
    expect(numbers(body)).toEqual([2, 1, 0])
    expect(body.items[0]).toEqual({
      ...{ id: expect.any(String), topic, lane: 'bulk', key: 'k2', payload: { n: 2 } },
      ...{ attempts: 1, reason: expect.stringContaining('it is broken'), died_at: expect.any(String) },
    })
    expect(numbers((await get('/v1/dead-letters?lane=small')).body)).toEqual([1, 0])
    expect(numbers((await get(`/v1/dead-letters?topic=${topic}&lane=small&limit=1`)).body)).toEqual([1])
    expect((await get('/v1/dead-letters?topic=no.such')).body).toEqual({ items: [] })
  })

  it('are a problem of the system', async () => {
    const { problems } = (await get('/v1/system')).body
    expect(problems).toMatchObject([{ code: 'dead_letters', message: `3 messages of ${topic} were given up on` }])
  })

  it('refuse what is no topic, lane or number', async () => {
    const fields = async (body: unknown) =>
      (await post('/v1/dead-letters/redrive', body)).body.errors.map((field: { pointer: string }) => field.pointer)
    expect(await fields({})).toEqual(['/topic'])
    expect(await fields({ topic: 'a b' })).toEqual(['/topic'])
    expect(await fields({ topic, lane: 'fast' })).toEqual(['/lane'])
    expect(await fields({ topic, limit: 0 })).toEqual(['/limit'])
    expect(await fields({ topic, limit: LIMITS.deadLettersRedriveMax + 1 })).toEqual(['/limit'])
    expect((await get('/v1/dead-letters?lane=fast')).body.errors).toMatchObject([{ pointer: 'query/lane' }])
  })

  it('go back to work, some or all', async () => {
    isBroken = false
    const redrive = async (body: unknown) => (await post('/v1/dead-letters/redrive', body)).body
    expect(await redrive({ topic: 'no.such' })).toEqual({ redriven: 0 })
    expect(await redrive({ topic, lane: 'small', limit: 1 })).toEqual({ redriven: 1 })
    await until('it is handled', () => handled.length === 1)
    expect(await redrive({ topic, lane: 'bulk' })).toEqual({ redriven: 1 })
    await until('it is handled', () => handled.length === 2)
    expect(await redrive({ topic })).toEqual({ redriven: 1 })
    await until('it is handled', () => handled.length === 3)
    expect(handled).toEqual([1, 2, 0])
    expect(await redrive({ topic })).toEqual({ redriven: 0 })
    expect((await get('/v1/dead-letters')).body).toEqual({ items: [] })
  })
})

describe('jobs', () => {
  const ended = (jobId: string) =>
    until('the job has ended', async () => {
      const { body } = await get(`/v1/jobs/${jobId}`)
      return body.state === 'running' ? undefined : body
    })
  beforeAll(async () => {
    for (const id of ['jo', 'ji']) await post('/v1/users', { user_id: id, handle: id, name: id })
    await server.call('PUT', '/v1/users/jo/follows/ji')
    await post('/v1/posts', { user_id: 'ji', content: { text: 'x' } })
    await server.fanfold.social.rebuildTimelines({ userId: 'jo' })
    await server.fanfold.caughtUp()
  })

  it('verify a model, or all, as the command line does', async () => {
    const started = await post('/v1/jobs', { kind: 'verify', model: 'all' })
    expect(started.status).toBe(202)
    expect(started.body).toMatchObject({ kind: 'verify', model: 'all', state: 'running', result: null, error: null })
    const job = await ended(started.body.job_id)
    expect(job).toMatchObject({ state: 'done', error: null })
    const { social, orders, payments } = job.result
    expect({ social, orders }).toEqual({
      social: await server.fanfold.social.verify(),
      orders: await server.fanfold.orders.verifyOrders(),
    })
    expect(payments).toMatchObject({ ok: true, differences: [] })
    expect((await get('/v1/jobs')).body.items[0]).toEqual(job)
  })

  it('rebuild timelines and read models', async () => {
    const timelines = await post('/v1/jobs', { kind: 'rebuild', target: 'timelines' })
    expect(await ended(timelines.body.job_id)).toMatchObject({ state: 'done', result: { timelines: 1 } })
    const generation = async () =>
      (await get('/v1/system')).body.projections.find((one: { name: string }) => one.name === 'order_search').generation
    const before = await generation()
    const search = await post('/v1/jobs', { kind: 'rebuild', target: 'order_search' })
    expect(await ended(search.body.job_id)).toMatchObject({
      ...{ kind: 'rebuild', target: 'order_search', state: 'done' },
      result: { projection: 'order_search', events: expect.any(Number) },
    })
    expect(await generation()).toBe(before + 1)
    expect((await post(`/v1/jobs/${search.body.job_id}/cancel`, undefined)).body.code).toBe('job_ended')
  })

  it('are those that there are', async () => {
    expect((await get('/v1/jobs/job_none')).body.code).toBe('job_not_found')
    expect((await post('/v1/jobs/job_none/cancel', undefined)).body.code).toBe('job_not_found')
  })

  it.each([
    [{}, '/kind'],
    [{ kind: 'archive' }, '/kind'],
    [{ kind: 'verify' }, '/model'],
    [{ kind: 'verify', model: 'webhooks' }, '/model'],
    [{ kind: 'verify', model: 'all', target: 'timelines' }, '/target'],
    [{ kind: 'rebuild' }, '/target'],
    [{ kind: 'rebuild', target: 'nothing' }, '/target'],
    [{ kind: 'rebuild', target: 'timelines', model: 'social' }, '/model'],
  ])('%j is refused with the field', async (body, pointer) => {
    expect((await post('/v1/jobs', body)).body).toMatchObject({ code: 'invalid_input', errors: [{ pointer }] })
  })
})

it('the state of the system is told, as far as it is known, when the database is gone', async () => {
  const gone = await startServer()
  await gone.close()
  const { engines, projections, queue, webhooks, problems } = await gone.fanfold.status()
  expect({ projections, queue, webhooks }).toEqual({ projections: [], queue: [], webhooks: null })
  expect(engines).toMatchObject([{ ok: false, version: null, error: expect.any(String) }])
  expect(problems[0]!.code).toBe('engine_down')
  const unknown = problems.filter(({ code }) => code === 'state_unknown').map(({ message }) => message)
  for (const what of ['the queue', 'the lag of order_search', 'webhooks', 'payment operations in review'])
    expect(unknown.join()).toContain(what)
  await expect(gone.fanfold.caughtUp()).rejects.toThrow()
})

describe.runIf(hasRedisProgram())('with an engine that is away', () => {
  let redis: OwnProgram
  let away: TestServer
  beforeAll(async () => {
    redis = await startRedis([])
    away = await startServer({ timelines: redis.url })
  })
  afterAll(async () => {
    redis.signal('SIGCONT')
    await away.close()
    await redis.remove()
  })
  const system = async () => (await away.call('GET', '/v1/system')).body
  const redisOf = (body: { engines: { name: string }[] }) => body.engines.find(({ name }) => name === 'redis')

  it('the rest of the system is told, and what is wrong', { timeout: 60_000 }, async () => {
    expect(redisOf(await system())).toMatchObject({ ok: true })
    redis.signal('SIGSTOP')
    const frozen = await system()
    expect(redisOf(frozen)).toMatchObject({ ok: false, version: null, error: 'no answer within 3 s' })
    expect(frozen.problems[0]).toMatchObject({ code: 'engine_down', message: expect.stringContaining('timelines') })
    expect(frozen.projections.length).toBeGreaterThan(3)
    // Requests are served without timelines.
    expect(await away.call('GET', '/readyz')).toMatchObject({ status: 200, body: { ready: true } })
    redis.signal('SIGCONT')
    await until('it is back', async () => (await system()).problems.length === 0)
    await redis.kill()
    const killed = await system()
    expect(redisOf(killed)).toMatchObject({ ok: false, error: expect.any(String) })
    expect(killed.problems.map(({ code }: { code: string }) => code)).toEqual(['engine_down'])
  })
})

describe.runIf(hasMariadbProgram())('with an engine that hangs and that requests need', () => {
  let mariadb: OwnProgram
  let hanging: TestServer
  beforeAll(async () => {
    mariadb = await startMariadb()
    hanging = await startServer({ follows: (await createMysqlDatabase(mariadb.url)).url })
  })
  afterAll(async () => {
    mariadb.signal('SIGCONT')
    await hanging.close()
    await mariadb.remove()
  })

  it('requests are not taken, and whoever asks is told within the time', { timeout: 60_000 }, async () => {
    const readiness = () => hanging.call('GET', '/readyz')
    expect(await readiness()).toMatchObject({ status: 200, body: { ready: true, problems: [] } })
    mariadb.signal('SIGSTOP')
    expect(await readiness()).toMatchObject({
      ...{
        status: 503,
        body: { ready: false, problems: [expect.stringMatching(/^(mysql|mariadb) is not reachable$/)] },
      },
    })
    mariadb.signal('SIGCONT')
    await until('it is back', async () => (await readiness()).body.ready)
  })
})
