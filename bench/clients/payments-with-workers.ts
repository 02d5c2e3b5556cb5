// Creates payments through the library, and keeps the read models up to date as a server does.
import { randomUUID } from 'node:crypto'
import { openPayments } from '../../src/standalone/payments.ts'
import { serveClient } from '../client-process.ts'
import { PAYMENT } from '../payment.ts'

const [database, workers] = process.argv.slice(2)

await serveClient(async () => {
  const fanfold = await openPayments({ database, workers: workers === 'workers' })
  return {
    operation: () => fanfold.payments.create(PAYMENT, { idempotencyKey: randomUUID() }),
    close: () => fanfold.close(),
  }
})
