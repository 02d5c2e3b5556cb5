import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { createLogger } from '../../src/core/logger.ts'
import { toAppError } from '../../src/http/problem.ts'
import { until } from '../../src/testing/until.ts'
import { ADMIN_KEY, startServer, type TestServer } from '../setup/http.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ workers: false })
})
afterAll(() => server.close())

const key = (secret: string) => ({ authorization: `Bearer ${secret}` })
const newKey = async (...scopes: string[]) =>
  (await server.call('POST', '/v1/keys', { name: 'test', scopes })).body as { secret: string; key_id: string }

describe('keys and scopes', () => {
  it('answers without a key only where the design says so', async () => {
    for (const url of ['/livez', '/readyz', '/openapi.json', '/docs/']) {
      expect((await server.call('GET', url, undefined, key(''))).status, url).toBe(200)
    }
    for (const url of ['/v1/system', '/metrics', '/v1/keys']) {
      const answer = await server.call('GET', url, undefined, { authorization: '' })
      expect([answer.status, answer.body.code, answer.headers['www-authenticate']], url).toEqual([
        401,
        'unauthenticated',
        'Bearer',
      ])
    }
  })

  it('refuses a key that it does not know, and one that was revoked', async () => {
    expect((await server.call('GET', '/v1/keys', undefined, key('ff_wrong'))).body.code).toBe('unauthenticated')
    const made = await newKey('admin')
    expect((await server.call('GET', '/v1/keys', undefined, key(made.secret))).status).toBe(200)
    expect((await server.call('DELETE', `/v1/keys/${made.key_id}`)).status).toBe(204)
    expect((await server.call('GET', '/v1/keys', undefined, key(made.secret))).body.code).toBe('unauthenticated')
    expect((await server.call('DELETE', `/v1/keys/${made.key_id}`)).body.code).toBe('api_key_not_found')
  })

  it('names the scope that a key lacks', async () => {
    const reader = await newKey('admin:read')
    expect((await server.call('GET', '/v1/keys', undefined, key(reader.secret))).status).toBe(200)
    const refused = await server.call('POST', '/v1/keys', { name: 'x', scopes: ['admin'] }, key(reader.secret))
    expect(refused.status).toBe(403)
    expect(refused.body).toMatchObject({ code: 'forbidden', required_scope: 'admin' })
  })

  it('stores no secret and never lists one', async () => {
    const made = await newKey('social')
    const list = await server.call('GET', '/v1/keys')
    expect(JSON.stringify(list.body)).not.toContain(made.secret)
  })
})

describe('malformed requests are precise problems', () => {
  const cases: [what: string, body: unknown, headers: Record<string, string>, status: number, code: string][] = [
    ['malformed JSON', '{"name": ', {}, 400, 'malformed_json'],
    ['an empty body', '', { 'content-type': 'application/json' }, 400, 'invalid_input'],
    ['a forbidden name', '{"__proto__": {"a": 1}}', {}, 400, 'malformed_json'],
    [
      'another media type',
      'a=b',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    ['a body over the limit', { name: 'x'.repeat(LIMITS.bodyBytesMax) }, {}, 413, 'body_too_large'],
    ['a card number', { name: 'card 4242 4242 4242 4242', scopes: ['social'] }, {}, 422, 'card_number_refused'],
  ]
  it.each(cases)('%s', async (_what, body, headers, status, code) => {
    const answer = await server.call('POST', '/v1/keys', body, headers)
    expect([answer.status, answer.body.code]).toEqual([status, code])
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.body).toMatchObject({
      status,
      type: `urn:fanfold:error:${code}`,
      instance: answer.headers['x-request-id'],
    })
  })

  it('names every wrong field and its reason', async () => {
    const answer = await server.call('POST', '/v1/keys', { name: 5, scopes: ['root'], extra: true })
    expect(answer.status).toBe(400)
    const pointers = answer.body.errors.map((problem: { pointer: string }) => problem.pointer)
    expect(pointers).toEqual(expect.arrayContaining(['/name', '/scopes/0', '/extra']))
  })

  it('does not repeat a card number in its answer', async () => {
    const answer = await server.call('POST', '/v1/keys', { name: '4111-1111-1111-1111', scopes: ['social'] })
    expect(JSON.stringify(answer.body)).not.toMatch(/4111/)
  })

  it('takes a request that was broken off for what it is, and blames no database', async () => {
    const lines: string[] = []
    const logger = createLogger('error', { write: (line) => void lines.push(line) })
    const logged = await startServer({ workers: false, logger })
    try {
      const address = await logged.http.listen({ host: '127.0.0.1', port: 0 })
      const isReceived = once(logged.http.server, 'request') as Promise<[IncomingMessage]>
      const headers = { ...key(ADMIN_KEY), 'content-type': 'application/json', 'content-length': 100 }
      const client = request(`${address}/v1/keys`, { method: 'POST', headers })
      client.on('error', () => undefined)
      client.write('{"name":')
      const [received] = await isReceived
      await until('its body is read', () => received.listenerCount('data') > 0)
      const isOver = new Promise((resolve) => received.once('close', resolve))
      client.destroy()
      await isOver
    } finally {
      await logged.close()
    }
    expect(lines).toEqual([])
    const aborted = Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
    expect(toAppError(aborted)).toMatchObject({ code: 'unavailable', status: 503 })
    expect(toAppError(Object.assign(aborted, { statusCode: 400 }))).toMatchObject({
      code: 'invalid_input',
      status: 400,
    })
  })

  it('tells of failures with a status only what may be told', () => {
    const failure = (more: object) => toAppError(Object.assign(new Error('secret'), { statusCode: 404, ...more }))
    expect(failure({})).toMatchObject({ code: 'internal', status: 500 })
    expect(failure({ expose: true, statusCode: 503 })).toMatchObject({ code: 'internal', status: 500 })
    expect(failure({ expose: true })).toMatchObject({ code: 'route_not_found' })
  })

  it('knows an unknown route', async () => {
    expect((await server.call('GET', '/v2/nothing')).body.code).toBe('route_not_found')
  })
})

describe('the rest of the frame', () => {
  it('answers a path that can not be decoded as any other wrong input', async () => {
    const { status, headers, body } = await server.call('GET', '/v1/users/%zz', undefined, { 'x-request-id': 'mine' })
    expect([status, headers['content-type'], body.instance]).toEqual([400, 'application/problem+json', 'mine'])
    expect(body.code).toBe('invalid_input')
  })

  it('keeps a request id that the caller gave, and makes one otherwise', async () => {
    expect((await server.call('GET', '/livez', undefined, { 'x-request-id': 'abc-1' })).headers['x-request-id']).toBe(
      'abc-1',
    )
    expect((await server.call('GET', '/livez')).headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('tells Prometheus about requests and nothing about ids', async () => {
    await server.call('GET', '/v1/keys')
    const text = (await server.call('GET', '/metrics')).body as string
    expect(text).toContain('fanfold_http_request_seconds_count{method="GET",route="/v1/keys",status="200"}')
  })

  it('serves documentation that asks no other server', async () => {
    const page = (await server.call('GET', '/docs/')).body as string
    expect(page).not.toMatch(/(src|href)="https?:/)
    expect((await server.call('GET', '/docs/static/swagger-ui-bundle.js')).status).toBe(200)
  })

  it('tells which engines it runs on', async () => {
    const { body } = await server.call('GET', '/v1/system')
    expect(body.engines).toMatchObject([{ name: 'pglite', ok: true }])
    expect(body.engines[0].stores).toContain('payments')
  })

  it('refuses more requests than a key may send', async () => {
    const limited = await startServer({ workers: false, rateLimit: 3 })
    try {
      for (let i = 0; i < 3; i++) expect((await limited.call('GET', '/v1/keys')).status).toBe(200)
      const refused = await limited.call('GET', '/v1/keys')
      expect([refused.status, refused.body.code]).toEqual([429, 'rate_limited'])
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    } finally {
      await limited.close()
    }
  })
})
