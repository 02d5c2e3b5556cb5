import { it } from 'vitest'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { systemClock } from '../src/core/clock.ts'
import { openPaymentBench, card } from './setup/payments.ts'
import { sqlEngines } from './setup/sql.ts'
it('creates', async () => {
  const bench = await openPaymentBench(sqlEngines()[1]!)
  const payments = bench.process({ clock: systemClock })
  await bench.sql.query(`create table one_insert (id bigint generated always as identity primary key, stream text, version int, type text, payload jsonb, at timestamptz default now())`)
  writeFileSync('/tmp/pay-insert.sql', `insert into one_insert (stream, version, type, payload) values ('pi_001kdxwvxdg6yqte1g2pe89k', 1, 'INITIATED', '{"amount":100,"currency":"USD","payment_method":{"type":"card","token":"tok_ok"},"capture_method":"manual","processor":"sandbox"}');\n`)
  let k = 0
  for (let round = 0; round < 3; round++) {
    for (const clients of [1, 256]) {
      let n = 0
      const t0 = Date.now(), end = t0 + 5000
      const c0 = process.cpuUsage()
      await Promise.all(Array.from({ length: clients }, async () => {
        while (Date.now() < end) { await payments.create({ amount: 100, currency: 'USD', payment_method: card('tok_ok'), capture_method: 'manual' }, { idempotencyKey: `k${k++}` }); n++ }
      }))
      const c = process.cpuUsage(c0)
      const ours = n / ((Date.now() - t0) / 1000)
      const out = execFileSync('pgbench', ['-n', '-M', 'prepared', '-f', '/tmp/pay-insert.sql', '-c', String(Math.min(clients, 80)), '-j', '2', '-T', '5', bench.database.url!], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      const tps = Number(/tps = ([\d.]+)/.exec(out)![1])
      console.log(clients, 'clients: ours', Math.round(ours), 'pgbench', Math.round(tps), 'ratio', (ours / tps).toFixed(2), 'node us/create', Math.round((c.user + c.system) / n))
    }
  }
  await bench.close()
}, 200000)
