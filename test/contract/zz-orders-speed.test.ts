import { it, expect } from 'vitest'
import { openOrderBench } from '../setup/orders.ts'
import { sqlEngines } from '../setup/sql.ts'
for (const engine of sqlEngines()) it(`speed ${engine.name}`, async () => {
  const bench = await openOrderBench(engine)
  for (let i = 0; i < 300; i++) await bench.product(`p${i}`, 1_000_000)
  await bench.product('hot', 10_000_000)
  const run = async (clients: number, total: number, items: () => any) => {
    let left = total; const t = performance.now(); const ids: any[] = []
    await Promise.all(Array.from({ length: clients }, async () => { while (left-- > 0) ids.push(await bench.place(items(), {}, `k${Math.random()}`)) }))
    const s = (performance.now() - t) / 1000
    return [Math.round(total / s), ids] as const
  }
  const three = () => [0, 1, 2].map((n) => ({ product_id: `p${n * 100 + Math.floor(Math.random() * 100)}`, quantity: 1 }))
  await run(64, 500, three)
  const [a, ids] = await run(256, engine.name === 'pglite' ? 1500 : 8000, three)
  const [b] = await run(64, engine.name === 'pglite' ? 1000 : 4000, () => [{ product_id: 'hot', quantity: 1 }])
  const [c] = await run(1, 200, three)
  let t = performance.now()
  let q = [...ids]; await Promise.all(Array.from({ length: 128 }, async () => { for (let o; (o = q.pop()); ) await bench.pay(o) }))
  const d = Math.round(ids.length / ((performance.now() - t) / 1000))
  t = performance.now(); await bench.fold(); const f = Math.round(ids.length * 3 / ((performance.now() - t) / 1000))
  t = performance.now(); const v = await bench.orders.verifyOrders(); const vs = (performance.now() - t) / 1000
  console.log(engine.name, { place3_256: a, hot_64: b, one_client: c, pay_128: d, fold_lines_per_s: f, verify_s: vs, ok: v.ok, p: v.problems.slice(0, 3) })
  expect(v.ok).toBe(true)
  await bench.close()
}, 300_000)
