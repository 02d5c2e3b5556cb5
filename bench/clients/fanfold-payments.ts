// Creates payments through the library: the full command path.
import { randomUUID } from 'node:crypto'
import { createFanfold } from '../../src/app/fanfold.ts'
import { serveClient } from '../client-process.ts'
import { PAYMENT } from '../payment.ts'

const [database] = process.argv.slice(2)

await serveClient(async () => {
  const fanfold = await createFanfold({ database, workers: false })
  return {
    operation: () => fanfold.payments.create(PAYMENT, { idempotencyKey: randomUUID() }),
    close: () => fanfold.close(),
  }
})
