import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import autocannon, { type Request } from 'autocannon'
import type { Bench, BenchContext, Contender, Measured, Outcome } from './bench.ts'
import { API_KEY, type Server, startBareFastify, startFanfold } from './http-servers.ts'
import { atLeast, compare, ratio } from './measure.ts'
import { PAYMENT } from './payment.ts'
import { openPostgres } from './postgres.ts'

const CONNECTIONS = 64
const WARM_UP_SECONDS = 1
const GOAL = 0.5

/** One route, ours and the bare one with the same answer. */
interface Route {
  readonly name: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body?: object
  /** The route needs an Idempotency-Key, a new one each time. */
  readonly keyed?: true
}

const POST = {
  user_id: 'ada',
  content: { text: 'The same text in every post, about as long as such texts are: one short line.' },
}

async function call(address: string, method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const response = await fetch(address + path, {
    method,
    headers: {
      authorization: `Bearer ${API_KEY}`,
      'idempotency-key': randomUUID(),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
  return JSON.parse(text) as Record<string, unknown>
}

/** A user with a timeline of one page, and a payment. */
async function fill(address: string): Promise<Route[]> {
  await call(address, 'POST', '/v1/users', { user_id: 'ada', handle: 'ada', name: 'Ada' })
  let post: Record<string, unknown> = {}
  for (let i = 0; i < 20; i++) post = await call(address, 'POST', '/v1/posts', POST)
  const payment = await call(address, 'POST', '/v1/payments', PAYMENT)
  return [
    { name: 'GET a post', method: 'GET', path: `/v1/posts/${post['post_id']}` },
    { name: 'GET a timeline of 20', method: 'GET', path: '/v1/users/ada/timeline' },
    { name: 'GET a payment', method: 'GET', path: `/v1/payments/${payment['payment_intent_id']}` },
    { name: 'POST a post', method: 'POST', path: '/v1/posts', body: POST },
    { name: 'POST a payment', method: 'POST', path: '/v1/payments', body: PAYMENT, keyed: true },
  ]
}

async function shoot(url: string, requests: readonly Request[], seconds: number): Promise<Measured> {
  const latencies: number[] = []
  const instance = autocannon({ url, connections: CONNECTIONS, duration: seconds, requests })
  instance.on('response', (_client: unknown, _status: number, _bytes: number, milliseconds: number) =>
    latencies.push(milliseconds),
  )
  const { duration, errors, timeouts, non2xx } = await instance
  if (errors + timeouts + non2xx > 0)
    throw new Error(`${url}: ${non2xx} refused, ${errors} errors, ${timeouts} timeouts`)
  return { seconds: duration, latenciesMs: Float64Array.from(latencies) }
}

const withNewKey = (request: Request): Request => ({
  ...request,
  headers: { ...request.headers, 'idempotency-key': randomUUID() },
})

function contender(name: string, server: Server, { method, body, keyed }: Route, path: string): Contender {
  const request: Request = {
    method,
    path,
    headers: {
      authorization: `Bearer ${API_KEY}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(keyed ? { setupRequest: withNewKey } : {}),
  }
  return {
    name,
    unit: 'requests',
    async run(seconds) {
      await shoot(server.address, [request], WARM_UP_SECONDS)
      return shoot(server.address, [request], seconds)
    },
  }
}

async function run(context: BenchContext): Promise<Outcome> {
  const postgres = await openPostgres(50)
  const servers: Server[] = []
  try {
    const ours = await startFanfold(await postgres.createDatabase('http'))
    servers.push(ours)
    const routes = await fill(ours.address)
    const answers = await Promise.all(routes.map(({ method, path, body }) => call(ours.address, method, path, body)))
    const bare = await startBareFastify(Object.fromEntries(answers.entries()))
    servers.push(bare)
    const pairs = routes.map((route, index) => [
      contender(`fanfold, ${route.name}`, ours, route, route.path),
      contender(`bare Fastify, ${route.name}`, bare, route, `/${index}`),
    ])
    const figures = await compare(pairs.flat(), context, postgres.checkpoint)
    return {
      engines: {
        postgresql: postgres.version,
        fastify: createRequire(import.meta.url)('fastify/package.json').version as string,
      },
      results: figures,
      goals: routes.map(({ name }, index) =>
        atLeast(`${name}, against a bare Fastify route`, GOAL, ratio(figures[2 * index]!, figures[2 * index + 1]!)),
      ),
      notes: [
        `${CONNECTIONS} connections of autocannon; load, servers and PostgreSQL share the processors.`,
        'A route with a new Idempotency-Key each time also costs the load generator; its bare counterpart gets the same requests.',
        'Bare Fastify answers the same bytes from memory: no key, no validation, no database. Our server stores every write durably.',
      ],
    }
  } finally {
    await Promise.all(servers.map((server) => server.close()))
    await postgres.close()
  }
}

export const http: Bench = {
  name: 'http',
  about: 'read and write routes of the server, against a bare Fastify route',
  run,
}
