import { createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFanfold } from 'fanfold'

const TOLERANCE_SECONDS = 300

/** Whether a webhook was signed with the secret (Standard Webhooks 1.0), a moment ago. `body` is what came in, unparsed. */
export function verify(secret: string, headers: IncomingHttpHeaders, body: string): boolean {
  const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures } = headers
  if (Math.abs(Date.now() / 1_000 - Number(seconds)) > TOLERANCE_SECONDS) return false
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const expected = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest()
  // After a rotation there are two; one that matches is enough.
  return String(signatures)
    .split(' ')
    .some((each) => {
      const given = Buffer.from(each.replace(/^v1,/, ''), 'base64')
      return given.length === expected.length && timingSafeEqual(given, expected)
    })
}

/** A server that takes webhooks in: 401 for a wrong signature, 204 otherwise, also for one that it has had before. */
export function startReceiver(secretOf: () => string, handle: (type: string) => void): Server {
  // A real receiver keeps the ids where it keeps what the events change, in the same transaction.
  const seen = new Set<string>()
  return createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    if (!verify(secretOf(), request.headers, body)) return response.writeHead(401).end()
    const id = String(request.headers['webhook-id'])
    if (!seen.has(id)) handle((JSON.parse(body) as { type: string }).type)
    seen.add(id)
    return response.writeHead(204).end()
  }).listen(0, '127.0.0.1')
}

/** A payment is authorized and captured; answers what its webhooks told, and how a forged one was answered. */
export async function main(database = 'pglite:memory'): Promise<{ told: string[]; forged: number }> {
  let secret = ''
  const told: string[] = []
  const receiver = startReceiver(
    () => secret,
    (type) => told.push(type),
  )
  await once(receiver, 'listening')
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhooks`

  // Both settings are for trying things out: what runs in earnest takes https on the public Internet only.
  await using fanfold = await createFanfold({ database, webhookAllowHttp: true, webhookAllowPrivate: true })
  const { payments, webhooks } = fanfold
  const wanted = ['payment.initiated', 'payment.authorized', 'payment.captured']
  const endpoint = await webhooks.create({ url, event_types: wanted })
  secret = endpoint.secret ?? ''

  const payment = await payments.create({ amount: 2_500, currency: 'EUR', payment_method: { token: 'tok_ok' } })
  await payments.authorize(payment.payment_intent_id)
  const deadline = Date.now() + 30_000
  while (told.length < wanted.length && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50))

  const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': `${Math.floor(Date.now() / 1_000)}` }
  const forged = await fetch(url, {
    method: 'POST',
    body: '{}',
    headers: { ...headers, 'webhook-signature': 'v1,AAAA' },
  })
  receiver.closeAllConnections()
  receiver.close()
  return { told: told.sort(), forged: forged.status }
}

if (process.argv[1] === import.meta.filename) console.log(await main())
