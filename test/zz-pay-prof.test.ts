import { it } from 'vitest'
import { card } from './setup/payments.ts'
import { silentLogger } from '../src/core/logger.ts'
import { createMetrics } from '../src/core/metrics.ts'
import { createPayments } from '../src/payments/payments.ts'
import { createPaymentAppender } from '../src/engines/postgres/payment-append.ts'
import { encodeParam } from '../src/engines/sql/sql.ts'
import { systemClock } from '../src/core/clock.ts'
import { createSandbox } from '../src/processors/sandbox/sandbox.ts'
it('times', async () => {
  const sandbox = createSandbox({ ledger: {} as any, clock: systemClock, webhookSecret: 'x' })
  const sql = { query: async (_t: string, params: any[]) => { params.map(encodeParam); return params[1].map((id: string) => ({ payment_intent_id: id, id })) } } as any
  const rawParams = { query: async (_t: string, params: any[]) => params[1].map((id: string) => ({ payment_intent_id: id, id })) } as any
  for (const [name, s] of [['encode', sql], ['no-encode', rawParams], ['encode', sql]] as const) {
    const appender = createPaymentAppender(s, systemClock, 4)
    const store = { shards: 4, ...appender } as any
    const payments = createPayments({ ports: { store, views: {} as any, inbox: {} as any }, processors: new Map([['sandbox', sandbox]]), defaultProcessor: 'sandbox', clock: systemClock, logger: silentLogger, metrics: createMetrics() })
    let k = 0
    for (let r = 0; r < 3; r++) {
      const c0 = process.cpuUsage()
      for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 1000 }, async () => payments.create({ amount: 100, currency: 'USD', payment_method: card('tok_ok'), capture_method: 'manual' }, { idempotencyKey: `${k++}` })))
      const c = process.cpuUsage(c0)
      console.log(name, 'us cpu per create', (c.user + c.system) / 20000)
    }
  }
}, 120000)
