import { AppError } from './errors.ts'
import { LIMITS } from './limits.ts'

/** The outcome of one item of a batch: each succeeds or fails by itself. */
export type ItemResult<Result> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly error: unknown }

export interface BatcherOptions<Item, Result> {
  /** Sends one batch; answers one result per item, in order. A throw fails every item of the batch. */
  readonly run: (items: readonly Item[]) => Promise<readonly ItemResult<Result>[]>
  /** Most items of one batch. */
  readonly maxItems?: number
  /** Batches under way at the same time. One gives the largest batches, two overlap the wire with the database. */
  readonly concurrency?: number
  /** Items that may wait; more are refused with `overloaded`. */
  readonly maxWaiting?: number
}

export interface Batcher<Item, Result> {
  add(item: Item): Promise<Result>
  /** Items waiting, not counting those under way. */
  readonly waiting: number
  /** Resolves when everything that was added has its result. */
  drain(): Promise<void>
}

interface Entry<Item, Result> {
  readonly item: Item
  readonly resolve: (value: Result) => void
  readonly reject: (error: unknown) => void
}

/**
 * Group commit: what arrives while a batch is under way goes out together in the next one. An item that finds nobody
 * under way leaves in the same turn of the event loop, so a single client pays nothing; under load batches grow by
 * themselves and no timer is needed.
 */
export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> {
  const maxItems = options.maxItems ?? LIMITS.batchItemsMax
  const concurrency = options.concurrency ?? 1
  const maxWaiting = options.maxWaiting ?? LIMITS.batchWaitingMax
  let queue: Entry<Item, Result>[] = []
  let running = 0
  let scheduled = false
  let idle: (() => void)[] = []

  function schedule(): void {
    if (scheduled || running >= concurrency || queue.length === 0) return
    scheduled = true
    // One turn later, so that requests read from several sockets in the same turn share the first batch.
    setImmediate(() => {
      scheduled = false
      while (running < concurrency && queue.length > 0) void flush()
    })
  }

  async function flush(): Promise<void> {
    const batch = queue.slice(0, maxItems)
    queue = queue.slice(maxItems)
    running += 1
    try {
      const results = await options.run(batch.map((entry) => entry.item))
      batch.forEach((entry, index) => {
        const result = results[index]
        if (result === undefined) entry.reject(new Error('a batch answered fewer results than items'))
        else if (result.ok) entry.resolve(result.value)
        else entry.reject(result.error)
      })
    } catch (error) {
      for (const entry of batch) entry.reject(error)
    } finally {
      running -= 1
      schedule()
      if (running === 0 && queue.length === 0) {
        const waiters = idle
        idle = []
        for (const wake of waiters) wake()
      }
    }
  }

  return {
    add(item) {
      if (queue.length >= maxWaiting) {
        return Promise.reject(new AppError('overloaded', undefined, { retryAfterMs: 1_000 }))
      }
      return new Promise((resolve, reject) => {
        queue.push({ item, resolve, reject })
        schedule()
      })
    },
    get waiting() {
      return queue.length
    },
    drain() {
      if (running === 0 && queue.length === 0) return Promise.resolve()
      return new Promise((resolve) => idle.push(resolve))
    },
  }
}
