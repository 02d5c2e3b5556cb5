import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { until } from '../../src/testing/until.ts'
import { send, startProcess } from '../setup/process.ts'
import { createPostgresDatabase, postgresServer } from '../setup/sql.ts'
import { idsOf, signers, startReceiver } from '../setup/webhooks-out.ts'

const ALLOWED = { FANFOLD_WEBHOOK_ALLOW_HTTP: 'true', FANFOLD_WEBHOOK_ALLOW_PRIVATE: 'true' }
const EVENTS = 8
const payment = { amount: 700, currency: 'USD', payment_method: { token: 'tok_ok' } }

const serverUrl = postgresServer()
describe.skipIf(serverUrl === undefined)('webhooks when their senders are killed', () => {
  it('what was under way arrives by another process, under the same ids, and nothing is lost', async () => {
    const database = await createPostgresDatabase(serverUrl!)
    const client = new pg.Client({ connectionString: database.url })
    const receiver = await startReceiver()
    receiver.answer(() => undefined)
    const senders = [await startProcess(database.url, ALLOWED), await startProcess(database.url, ALLOWED)]
    const { address } = senders[0]!
    try {
      await client.connect()
      const made = await send(address, 'POST', '/v1/webhook-endpoints', { url: receiver.url })
      expect(made?.status).toBe(201)
      const { endpoint_id: id, secret } = made!.body
      for (let n = 0; n < EVENTS; n++) {
        const created = await send(address, 'POST', '/v1/payments', payment, `payment-${n}`)
        expect(created?.status).toBe(201)
      }
      await until('all are under way', () => receiver.received.length === EVENTS)
      const before = new Set(idsOf(receiver))
      for (const sender of senders) await sender.kill()

      receiver.answer((response) => response.writeHead(204).end())
      const other = await startProcess(database.url, ALLOWED)
      try {
        // The lease runs for a minute from the claim; the test does not wait for it.
        await client.query(`update webhook_deliveries set next_attempt_at = now() where status = 'waiting'`)
        const path = `/v1/webhook-endpoints/${id}/deliveries?status=delivered`
        const arrived = async () => (await send(other.address, 'GET', path))?.body.items.length === EVENTS
        await until('all have arrived', arrived)
        expect(before.size).toBe(EVENTS)
        expect(new Set(idsOf(receiver))).toEqual(before)
        expect(receiver.received).toHaveLength(2 * EVENTS)
        for (const each of receiver.received) expect(signers(each, [secret])).toEqual([true])
      } finally {
        await other.stop()
      }
    } finally {
      for (const sender of senders) await sender.kill()
      await receiver.close()
      await client.end()
      await database.drop()
    }
  })
})
