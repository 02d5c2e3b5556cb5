import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBatcher } from '../../src/core/batcher.ts'

describe('createBatcher', () => {
  it('answers every item once with its own result, in batches of arrival order that keep the limits', async () => {
    const step = fc.record({ items: fc.nat(12), failing: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { maxLength: 12 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 3 }),
        async (scheduler, steps, maxItems, concurrency) => {
          const sent: number[] = []
          let running = 0
          const batcher = createBatcher<number, number>({
            maxItems,
            concurrency,
            async run(items) {
              running += 1
              expect(running).toBeLessThanOrEqual(concurrency)
              expect(items.length).toBeGreaterThan(0)
              expect(items.length).toBeLessThanOrEqual(maxItems)
              sent.push(...items)
              await scheduler.schedule(Promise.resolve(), 'batch')
              running -= 1
              return items.map((item) => (item % 3 === 0 ? { ok: false, error: item } : { ok: true, value: item }))
            },
          })
          const added: number[] = []
          const outcomes: Promise<void>[] = []
          for (const { items } of steps) {
            for (let i = 0; i < items; i++) {
              const item = added.length
              added.push(item)
              outcomes.push(
                batcher.add(item).then(
                  (value) => expect([item, item % 3 === 0]).toEqual([value, false]),
                  (error) => expect([item, item % 3 === 0]).toEqual([error, true]),
                ),
              )
            }
            await new Promise((resolve) => setImmediate(resolve))
          }
          const drained = batcher.drain()
          while (sent.length < added.length || running > 0) {
            await new Promise((resolve) => setImmediate(resolve))
            await scheduler.waitAll()
          }
          await Promise.all([drained, ...outcomes])
          expect(sent).toEqual(added)
          expect(batcher.waiting).toBe(0)
        },
      ),
      { numRuns: 60 },
    )
  })
})
