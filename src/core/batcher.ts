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
  /**
   * What an item locks while it is under way. Items that share something are never in two batches at the same time: they
   * wait here, where they join the next batch, instead of in the database, where they would hold it up.
   */
  readonly locks?: (item: Item) => readonly string[]
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

/** How many batches' worth of items that wait for others are passed over in search of some that don't. */
const LOOK_AHEAD = 4

/**
 * Group commit: what arrives while a batch is under way goes out together in the next one. An item that finds nobody
 * under way leaves in the same turn of the event loop, so a single client pays nothing; under load batches grow by
 * themselves and no timer is needed.
 */
export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> {
  const maxItems = options.maxItems ?? LIMITS.batchItemsMax
  const concurrency = options.concurrency ?? 1
  const maxWaiting = options.maxWaiting ?? LIMITS.batchWaitingMax
  const locks = options.locks ?? (() => [])
  const locked = new Set<string>()
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
      while (running < concurrency && queue.length > 0) {
        const batch = take()
        if (batch.length === 0) return
        void flush(batch)
      }
    })
  }

  /** The next batch, in order of arrival, without what waits for a batch under way. */
  function take(): Entry<Item, Result>[] {
    const batch: Entry<Item, Result>[] = []
    const waiting: Entry<Item, Result>[] = []
    let at = 0
    for (; at < queue.length && batch.length < maxItems && waiting.length < LOOK_AHEAD * maxItems; at++) {
      const entry = queue[at]!
      const isFree = locked.size === 0 || !locks(entry.item).some((name) => locked.has(name))
      ;(isFree ? batch : waiting).push(entry)
    }
    if (batch.length > 0) queue = [...waiting, ...queue.slice(at)]
    return batch
  }

  async function flush(batch: readonly Entry<Item, Result>[]): Promise<void> {
    const names = concurrency === 1 ? [] : batch.flatMap((entry) => locks(entry.item))
    for (const name of names) locked.add(name)
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
      for (const name of names) locked.delete(name)
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
