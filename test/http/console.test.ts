import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServer, type TestServer } from '../setup/http.ts'

const ASSETS = '/console/assets'

describe('files of the console', () => {
  let server: TestServer
  let script: string
  beforeAll(async () => {
    server = await startServer({ workers: false })
    script = readdirSync('dist-console/assets').find((name) => name.endsWith('.js'))!
  })
  afterAll(() => server.close())

  const get = (url: string, headers: Record<string, string> = {}) =>
    server.call('GET', url, undefined, { authorization: '', ...headers })

  it('may be kept for a year when they are there, and for no time when they are not', async () => {
    for (const encoding of ['br', 'identity']) {
      const { status, headers } = await get(`${ASSETS}/${script}`, { 'accept-encoding': encoding })
      expect([status, headers['cache-control']]).toEqual([200, expect.stringContaining('max-age=31536000, immutable')])
      const none = await get(`${ASSETS}/none.js`, { 'accept-encoding': encoding })
      expect([none.status, none.headers['cache-control']]).toEqual([404, 'no-cache'])
    }
    expect((await get('/console/orders')).headers['cache-control']).toBe('no-cache')
  })

  it('are all that is there: anything else is refused as a wrong request', async () => {
    const cases = [
      ['/console/..%2f..%2fpackage.json', {}, 404, 'route_not_found'],
      [`${ASSETS}/..%2f..%2f..%2fpackage.json`, {}, 404, 'route_not_found'],
      ['/console/a%00.js', {}, 400, 'invalid_input'],
      [`${ASSETS}/${script}`, { range: 'bytes=99999999-' }, 400, 'invalid_input'],
      [`${ASSETS}/${script}`, { 'if-match': '"another"' }, 400, 'invalid_input'],
    ] as const
    for (const [url, headers, status, code] of cases) {
      const answer = await get(url, headers)
      expect([answer.status, answer.body.code], url).toEqual([status, code])
      expect(answer.headers['cache-control'], url).toBe('no-cache')
    }
  })
})
