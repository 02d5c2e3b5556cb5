import { LIMITS } from '../../core/limits.ts'

/** Does something with each, many at a time. When one fails no more are begun, and it throws once all begun are done. */
export async function eachOf<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  let next = 0
  let failure: { readonly error: unknown } | undefined
  async function worker(): Promise<void> {
    while (next < items.length && failure === undefined) {
      const item = items[next]!
      next += 1
      try {
        await work(item)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  const workers = Math.min(items.length, LIMITS.cassandraRequestsMax)
  await Promise.all(Array.from({ length: workers }, worker))
  if (failure !== undefined) throw failure.error
}
