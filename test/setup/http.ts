import type { InjectOptions } from 'fastify'
import { inject } from 'vitest'
import type { FanfoldOptions } from '../../src/app/base.ts'
import { createFanfold, type Fanfold } from '../../src/app/fanfold.ts'
import type { HttpApp } from '../../src/http/route.ts'
import { copyTemplate } from './template.ts'

export const ADMIN_KEY = 'test-admin-key-0123456789'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | number | string[] | undefined>>
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into any document
  readonly body: any
}

export interface TestServer {
  readonly fanfold: Fanfold
  readonly http: HttpApp
  /** Sends a request with the admin key unless `headers.authorization` says otherwise. */
  call(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  close(): Promise<void>
}

/** A whole Fanfold, called without a socket; on an embedded database of its own unless `options` name another. */
export async function startServer(options: FanfoldOptions = {}): Promise<TestServer> {
  const { folder, remove } = await copyTemplate(inject('embeddedTemplate'))
  const fanfold = await createFanfold({ database: `pglite:${folder}`, apiKey: ADMIN_KEY, ...options })
  const http = await fanfold.createHttp()
  return {
    fanfold,
    http,
    async call(method, url, body, headers = {}) {
      const payload = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body)
      const response = await http.inject({
        method: method as NonNullable<InjectOptions['method']>,
        url,
        headers: {
          authorization: `Bearer ${ADMIN_KEY}`,
          ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(payload === undefined ? {} : { payload }),
      })
      const type = String(response.headers['content-type'] ?? '')
      return {
        status: response.statusCode,
        headers: response.headers,
        body: type.includes('json') ? response.json() : response.body,
      }
    },
    async close() {
      await fanfold.close()
      await remove()
    },
  }
}
