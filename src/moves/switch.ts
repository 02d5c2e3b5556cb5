import { AppError } from '../core/errors.ts'

/** A store whose place can change while it is used. */
export interface Switch<Store> {
  /** Stands for the store wherever it is; to be held for good. */
  readonly store: Store
  /** From here on calls go to `next`; resolves when those that went elsewhere have ended. */
  to(next: Store): Promise<void>
}

/**
 * Every member of a store is a method that answers a promise: that is what a port is. `refusal` may stop calls: when it is
 * not known where the store is.
 */
export function createSwitch<Store extends object>(first: Store, refusal: () => string | undefined): Switch<Store> {
  let current = first
  const underWay = new Set<Promise<unknown>>()

  const store = new Proxy(first, {
    get(_, name) {
      if (!(name in current)) return undefined
      return (...args: unknown[]): Promise<unknown> => {
        const reason = refusal()
        if (reason !== undefined) return Promise.reject(new AppError('unavailable', reason))
        const method = current[name as keyof Store] as (...args: unknown[]) => Promise<unknown>
        const work = method.apply(current, args)
        underWay.add(work)
        const ended = () => void underWay.delete(work)
        work.then(ended, ended)
        return work
      }
    },
  })
  return {
    store,
    async to(next) {
      current = next
      await Promise.allSettled([...underWay])
    },
  }
}
