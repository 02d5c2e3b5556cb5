// Stores payments the plain way through node-postgres: only the event, or all that a command writes, in one transaction
// each. Connections: as many as Fanfold has.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { serveClient } from '../client-process.ts'
import { PAYMENT } from '../payment.ts'
import { PLAIN_INSERT, type PlainRow } from '../plain.ts'

const [url, mode, row] = process.argv.slice(2)
const { payload, filler } = JSON.parse(row ?? '') as PlainRow
const pool = new pg.Pool({ connectionString: url, max: 10 })

const INSERT = { name: 'event', text: PLAIN_INSERT }
const KEY = {
  name: 'key',
  text: `insert into plain_keys (scope, key, fingerprint, response, created_at) values ('bench', $1, $2, $3, now())`,
}
const INTENT = {
  name: 'intent',
  text: `insert into plain_intents (payment_intent_id, version, status, currency, amount, authorized, captured, refunded, customer_id, updated_at)
    values ($1, 1, 'initiated', $2, $3, 0, 0, 0, $4, now())`,
}

const newId = () => `pi_${randomUUID().replaceAll('-', '').slice(0, 24)}`

async function insertEvent(): Promise<void> {
  await pool.query({ ...INSERT, values: [newId(), payload, filler] })
}

async function wholeCommand(): Promise<void> {
  const id = newId()
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query({
      ...KEY,
      values: [randomUUID(), randomUUID(), JSON.stringify({ ...PAYMENT, payment_intent_id: id })],
    })
    await client.query({ ...INTENT, values: [id, PAYMENT.currency, PAYMENT.amount, PAYMENT.customer_id] })
    await client.query({ ...INSERT, values: [id, payload, filler] })
    await client.query('commit')
  } finally {
    client.release()
  }
}

await serveClient(async () => ({ operation: mode === 'command' ? wholeCommand : insertEvent, close: () => pool.end() }))
