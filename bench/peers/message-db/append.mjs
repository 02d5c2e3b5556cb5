// Appends the event of a new payment to a stream of its own, as the guide of Message DB does it. Connections: as many as
// Fanfold has.
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { serveClient } from '../../../dist-tools/bench/client-process.js'
import { connectionTo, install, WRITE } from './store.mjs'

const [url, payload] = process.argv.slice(2)

await serveClient(async () => {
  await install(url)
  const pool = new pg.Pool({ ...connectionTo(url), max: 10 })
  return {
    operation: () =>
      pool.query({ ...WRITE, values: [randomUUID(), `payment-${randomUUID()}`, 'INITIATED', payload, -1] }),
    close: () => pool.end(),
  }
})
