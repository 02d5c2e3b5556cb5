import { describe, expect, it } from 'vitest'
import { createBatcher, type ItemResult } from '../../src/core/batcher.ts'

const ok = <T>(value: T): ItemResult<T> => ({ ok: true, value })
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A batch run that waits to be answered, so that a test decides what arrives meanwhile. */
function controlled() {
  const batches: {
    items: readonly number[]
    answer: (results?: readonly ItemResult<number>[]) => void
    fail: (e: Error) => void
  }[] = []
  const run = (items: readonly number[]) =>
    new Promise<readonly ItemResult<number>[]>((resolve, reject) => {
      batches.push({ items, answer: (results) => resolve(results ?? items.map(ok)), fail: reject })
    })
  return { batches, run }
}

describe('createBatcher', () => {
  it('sends a single item in the same turn of the event loop, alone', async () => {
    const { batches, run } = controlled()
    const batcher = createBatcher({ run })
    const result = batcher.add(7)
    expect(batcher.waiting).toBe(1)
    await turn()
    expect(batches.map((batch) => batch.items)).toEqual([[7]])
    expect(batcher.waiting).toBe(0)
    batches[0]?.answer()
    await expect(result).resolves.toBe(7)
  })

  it('collects what arrives while a batch is under way, in order, up to maxItems', async () => {
    const { batches, run } = controlled()
    const batcher = createBatcher({ run, maxItems: 3 })
    const results = [batcher.add(0)]
    await turn()
    for (const item of [1, 2, 3, 4]) results.push(batcher.add(item))
    await turn()
    expect(batches).toHaveLength(1)
    for (let at = 0; at < 3; at++) {
      batches[at]?.answer()
      await turn()
      await turn()
    }
    expect(batches.map((batch) => batch.items)).toEqual([[0], [1, 2, 3], [4]])
    await expect(Promise.all(results)).resolves.toEqual([0, 1, 2, 3, 4])
  })

  it('runs as many batches side by side as it may', async () => {
    const { batches, run } = controlled()
    const batcher = createBatcher({ run, maxItems: 1, concurrency: 2 })
    const results = Promise.all([1, 2, 3].map((item) => batcher.add(item)))
    await turn()
    expect(batches.map((batch) => batch.items)).toEqual([[1], [2]])
    batches[1]?.answer()
    await turn()
    await turn()
    expect(batches[2]?.items).toEqual([3])
    batches[0]?.answer()
    batches[2]?.answer()
    await expect(results).resolves.toEqual([1, 2, 3])
  })

  it('lets each item succeed or fail by itself', async () => {
    const batcher = createBatcher({
      run: async (items: readonly number[]) =>
        items.map(
          (item): ItemResult<number> => (item % 2 === 0 ? ok(item) : { ok: false, error: new Error(`odd ${item}`) }),
        ),
    })
    const settled = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)))
    expect(settled.map((each) => (each.status === 'fulfilled' ? each.value : each.reason.message))).toEqual([
      'odd 1',
      2,
      'odd 3',
    ])
  })

  it('fails every item of a batch that throws, and goes on', async () => {
    let calls = 0
    const batcher = createBatcher({
      run: async (items: readonly number[]) => {
        calls += 1
        if (calls === 1) throw new Error('down')
        return items.map(ok)
      },
    })
    const settled = await Promise.allSettled([batcher.add(1), batcher.add(2)])
    expect(settled).toEqual(Array(2).fill({ status: 'rejected', reason: new Error('down') }))
    await expect(batcher.add(3)).resolves.toBe(3)
  })

  it('fails the items for which a batch has no answer', async () => {
    const batcher = createBatcher({ run: async (items: readonly number[]) => items.slice(1).map(ok) })
    const settled = await Promise.allSettled([batcher.add(1), batcher.add(2)])
    expect(settled.map((each) => each.status)).toEqual(['fulfilled', 'rejected'])
  })

  it('refuses what it can not hold as overloaded, without touching what waits', async () => {
    const { batches, run } = controlled()
    const batcher = createBatcher({ run, maxWaiting: 2 })
    const accepted = [batcher.add(1), batcher.add(2)]
    await expect(batcher.add(3)).rejects.toMatchObject({ code: 'overloaded', retryAfterMs: 1_000 })
    await turn()
    batches[0]?.answer()
    await expect(Promise.all(accepted)).resolves.toEqual([1, 2])
  })

  it('drains: waits for what is under way and for what waits, and at once when there is nothing', async () => {
    const { batches, run } = controlled()
    const batcher = createBatcher({ run, maxItems: 1 })
    await batcher.drain()
    const results = Promise.all([batcher.add(1), batcher.add(2)])
    let drained = false
    const drain = batcher.drain().then(() => {
      drained = true
    })
    await turn()
    batches[0]?.answer()
    await turn()
    await turn()
    expect([drained, batches.length]).toEqual([false, 2])
    batches[1]?.answer()
    await drain
    await expect(results).resolves.toEqual([1, 2])
  })

  it('never has items that share a lock in two batches at the same time, and lets others pass', async () => {
    const { batches, run } = controlled()
    const batcher = createBatcher({ run, concurrency: 2, locks: (item: number) => [String(item % 10)] })
    const results = [batcher.add(1)]
    await turn()
    for (const item of [11, 2, 21, 3]) results.push(batcher.add(item))
    await turn()
    expect(batches.map((batch) => batch.items)).toEqual([[1], [2, 3]])
    expect(batcher.waiting).toBe(2)
    batches[1]?.answer()
    await turn()
    await turn()
    expect(batches).toHaveLength(2)
    batches[0]?.answer()
    await turn()
    await turn()
    expect(batches.map((batch) => batch.items)).toEqual([[1], [2, 3], [11, 21]])
    batches[2]?.answer()
    expect(await Promise.all(results)).toEqual([1, 11, 2, 21, 3])
  })
})
