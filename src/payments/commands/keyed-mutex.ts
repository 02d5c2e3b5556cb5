/** Runs the work of one key one after the other, in order of arrival; different keys don't wait for each other. */
export function createKeyedMutex() {
  const tails = new Map<string, Promise<unknown>>()
  return {
    run<T>(key: string, work: () => Promise<T>): Promise<T> {
      const result = (tails.get(key) ?? Promise.resolve()).then(work, work)
      // The tail never rejects: a failure is the business of its own caller.
      const tail = result.then(
        () => undefined,
        () => undefined,
      )
      tails.set(key, tail)
      void tail.then(() => {
        if (tails.get(key) === tail) tails.delete(key)
      })
      return result
    },
    /** Keys with work under way. */
    get size() {
      return tails.size
    },
  }
}
