import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createLogger } from '../../src/core/logger.ts'
import { openPglite } from '../../src/engines/postgres/client-pglite.ts'
import type { Processor } from '../../src/payments/processing/processor.ts'
import { startServer, type TestServer } from '../setup/http.ts'
import { card, openPaymentBench } from '../setup/payments.ts'
import { sqlEngines } from '../setup/sql.ts'
import { copyTemplate } from '../setup/template.ts'

/**
 * Goal: no card number is taken in, stored, logged or told. Method: card numbers as people and programs write them are
 * sent to every route in every place; then all that was written is searched for their digits.
 */
const PANS = ['4242424242424242', '5555555555554444', '378282246310005', '6011111111111117']
const FORMS: readonly ((pan: string) => string)[] = [
  (pan) => pan,
  (pan) => pan.replace(/(....)(?=.)/g, '$1 '),
  (pan) => pan.replace(/(....)(?=.)/g, '$1-'),
  (pan) => pan.replace(/(....)(?=.)/g, '$1.'),
  (pan) => pan.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
  (pan) => pan.replace(/\d/g, (digit) => String.fromCodePoint(0x0660 + Number(digit))),
  (pan) => `pay with ${pan.replace(/(....)(?=.)/g, '$1\u200b')} please`,
]
let turn = 0
const anyPan = () => {
  turn += 1
  return FORMS[turn % FORMS.length]!(PANS[Math.floor(turn / FORMS.length) % PANS.length]!)
}
/** In the ASCII headers of HTTP. */
const plainPan = () => PANS[turn++ % PANS.length]!

/** Whether the digits of a card stand anywhere in a text, whatever lies between them, and whatever digits they are. */
function tellsCard(text: string): boolean {
  const ascii = text
    .replace(/[\uff10-\uff19]/g, (digit) => String(digit.charCodeAt(0) - 0xff10))
    .replace(/[\u0660-\u0669]/g, (digit) => String(digit.charCodeAt(0) - 0x0660))
    .replace(/[\s.\-\u200b]|%20/g, '')
  return PANS.some((pan) => ascii.includes(pan))
}

interface Operation {
  readonly requestBody?: object
}

describe('card numbers sent to the server', () => {
  let server: TestServer
  let template: Awaited<ReturnType<typeof copyTemplate>>
  const lines: string[] = []
  const answers: string[] = []
  let sent = 0
  beforeAll(async () => {
    const logger = createLogger('trace', { write: (line) => void lines.push(line) })
    template = await copyTemplate(inject('embeddedTemplate'))
    server = await startServer({ logger, workers: false, database: `pglite:${template.folder}` })
    await server.http.ready()
  })
  afterAll(() => template.remove())

  async function refused(method: string, url: string, body?: unknown, headers: Record<string, string> = {}) {
    const key = { 'idempotency-key': randomUUID() }
    const answer = await server.call(method, url, body, { ...key, ...headers })
    sent += 1
    answers.push(JSON.stringify(answer.body), JSON.stringify(answer.headers))
    return `${answer.status} ${answer.body.code}`
  }

  it('are refused in every place of every route', async () => {
    const { paths } = (
      server.http as unknown as { swagger(): { paths: Record<string, Record<string, Operation>> } }
    ).swagger()
    const taken: string[] = []
    const expectRefused = (what: string, answer: string) => {
      if (answer !== '422 card_number_refused') taken.push(`${what}: ${answer}`)
    }
    for (const [path, operations] of Object.entries(paths)) {
      const url = path.replaceAll(/\{\w+\}/g, '1')
      if (path.startsWith('/v1/webhooks/{')) continue
      for (const [verb, { requestBody }] of Object.entries(operations)) {
        const method = verb.toUpperCase()
        expectRefused(`${method} ${path} query`, await refused(method, `${url}?q=${encodeURIComponent(anyPan())}`))
        expectRefused(`${method} ${path} query name`, await refused(method, `${url}?${plainPan()}=1`))
        if (path !== url) {
          const withPan = path.replaceAll(/\{\w+\}/g, encodeURIComponent(anyPan()))
          expectRefused(`${method} ${path} path`, await refused(method, withPan))
        }
        if (requestBody === undefined) continue
        for (const body of [
          { note: anyPan() },
          { metadata: { a: anyPan() } },
          { a: [{ b: { c: [anyPan()] } }] },
          { [anyPan()]: 'x' },
          { amount: Number(plainPan()) },
          { payment_method: { token: anyPan() } },
          { payment_method: { cvc: '123' } },
          { card: { number: '1' } },
        ]) {
          expectRefused(`${method} ${path} ${JSON.stringify(body)}`, await refused(method, url, body))
        }
      }
    }
    expect(taken).toEqual([])
    expect(sent).toBeGreaterThan(500)
  })

  const payment = { amount: 2_500, currency: 'USD', payment_method: { token: 'tok_ok' } }
  it.each([
    ['a token', { payment_method: { token: '4242424242424242' } }],
    ['a token of another processor', { payment_method: { token: 'tok_ok', tokens: { stripe: '4242424242424242' } } }],
    ['the name of a processor', { payment_method: { token: 'tok_ok', tokens: { '4242424242424242': 'x' } } }],
    ['a brand', { payment_method: { token: 'tok_ok', brand: 'visa 4242 4242 4242 4242' } }],
    ['billing details', { billing_details: { line2: '5555-5555-5555-4444' } }],
    ['metadata', { metadata: { note: '3782 822463 10005' } }],
    ['a name in metadata', { metadata: { '4242424242424242': 'x' } }],
    ['the id of an order', { order_id: '4242424242424242' }],
    ['a security code', { payment_method: { token: 'tok_ok', cvc: '123' } }],
    ['a security code in metadata', { metadata: { Security_Code: '123' } }],
    ['data of the stripe', { metadata: { track2: ';x=y?' } }],
    ['a number beside an expiry', { payment_method: { token: 'tok_ok', card: { number: '', exp: '12/30' } } }],
  ])('are refused in %s of a payment', async (_place, more) => {
    expect(await refused('POST', '/v1/payments', { ...payment, ...more })).toBe('422 card_number_refused')
  })

  it('are refused as an Idempotency-Key, and no id of a request', async () => {
    const headers = { 'idempotency-key': plainPan() }
    expect(await refused('POST', '/v1/payments', payment, headers)).toBe('422 card_number_refused')
    const answer = await server.call('GET', '/livez', undefined, { 'x-request-id': plainPan() })
    expect(tellsCard(JSON.stringify(answer))).toBe(false)
  })

  it('are refused in signed webhooks, also behind the escapes of JSON', async () => {
    for (const pan of ['4242 4242 4242 4242', '\\u0034242424242424242', '4242\\n4242\\n4242\\n4242']) {
      const body = `{"id":"evt_${randomUUID()}","type":"note.told","data":{"note":"${pan}"}}`
      const seconds = String(Math.floor(Date.now() / 1_000))
      const mac = createHmac('sha256', server.fanfold.config.sandboxSecret).update(`${seconds}.${body}`).digest('hex')
      const headers = { 'sandbox-signature': `t=${seconds},v1=${mac}` }
      expect(await refused('POST', '/v1/webhooks/sandbox', body, headers)).toMatch(/^4\d\d /)
    }
  })

  it('are not repeated to whoever sends them in what is no JSON, or to a route that is not there', async () => {
    expect(await refused('POST', '/v1/payments', `{"a": 4242424242424242 "b"}`)).toBe('400 malformed_json')
    expect(await refused('GET', '/nowhere/4242424242424242')).toBe('422 card_number_refused')
  })

  it('stand in no answer, in no line of the log, and in no table', async () => {
    expect(answers.filter(tellsCard)).toEqual([])
    expect(lines.length).toBeGreaterThan(500)
    expect(lines.filter(tellsCard)).toEqual([])
    const made = await server.call(
      'POST',
      '/v1/payments',
      { ...payment, metadata: { note: 'kept' } },
      { 'idempotency-key': 'k' },
    )
    expect(made.status).toBe(201)
    await server.close()
    const sql = await openPglite(template.folder)
    try {
      const tables = await sql.query<{ name: string }>(
        `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind = 'r' and n.nspname = 'public' order by 1`,
      )
      const rows = await Promise.all(
        tables.map(({ name }) => sql.query<{ text: string }>(`select t::text as text from "${name}" as t`)),
      )
      const texts = rows.flat().map(({ text }) => text)
      expect(texts.filter((text) => text.includes('kept'))).not.toEqual([])
      expect(texts.filter(tellsCard)).toEqual([])
    } finally {
      await sql.close()
    }
  })
})

for (const engine of sqlEngines()) {
  describe(`card numbers in what processors say on ${engine.name}`, () => {
    it('are masked before anything is stored or logged', async () => {
      const bench = await openPaymentBench(engine)
      try {
        const lines: string[] = []
        const logger = createLogger('trace', { write: (line) => void lines.push(line) })
        const said = 'Card 4242 4242 4242 4242 is not known'
        const refusing: Processor = {
          ...bench.sandbox,
          authorize: async ({ token }) => {
            if (token === 'tok_throws') throw new Error(said, { cause: { pan: 4242424242424242 } })
            return { kind: 'failed', code: 'unknown_card', message: said }
          },
        }
        const payments = bench.process({ logger, processors: new Map([['sandbox', refusing]]) })
        for (const token of ['tok_ok', 'tok_throws']) {
          const input = { amount: 100, currency: 'USD', payment_method: card(token) }
          const { payment_intent_id: id } = await payments.create(input, { idempotencyKey: `c-${token}` })
          const answer = await payments.authorize(id, {}, { idempotencyKey: `a-${token}` })
          if (token === 'tok_ok') expect(answer.last_error?.message).toBe('Card **** **** **** 4242 is not known')
          else expect(answer.pending_operation?.status).toBe('unknown')
        }
        expect(lines.join()).toContain('**** **** **** 4242')
        expect(lines.filter(tellsCard)).toEqual([])
        const events = await bench.sql.query<{ text: string }>('select payload::text as text from payment_events')
        expect(events.filter(({ text }) => text.includes('****'))).toHaveLength(2)
        expect(events.filter(({ text }) => tellsCard(text))).toEqual([])
      } finally {
        await bench.close()
      }
    })
  })
}
