// Creates payments through the library: the full command path.
import { randomUUID } from 'node:crypto'
import { openPayments } from '../../src/standalone/payments.ts'
import { serveClient } from '../client-process.ts'
import { PAYMENT } from '../payment.ts'

const [database] = process.argv.slice(2)

await serveClient(async () => {
  const fanfold = await openPayments({ database, workers: false })
  return {
    operation: () => fanfold.payments.create(PAYMENT, { idempotencyKey: randomUUID() }),
    close: () => fanfold.close(),
  }
})
