// Appends the event of a new payment to a stream of its own, as the readme of emmett does it, with its defaults.

import { randomUUID } from 'node:crypto'
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import { serveClient } from '../../../dist-tools/bench/client-process.js'

const [url, payload] = process.argv.slice(2)

await serveClient(async () => {
  const store = getPostgreSQLEventStore(url)
  await store.schema.migrate()
  const data = JSON.parse(payload)
  return {
    operation: () =>
      store.appendToStream(`payment-${randomUUID()}`, [{ type: 'INITIATED', data }], {
        expectedStreamVersion: 'STREAM_DOES_NOT_EXIST',
      }),
    close: () => store.close(),
  }
})
