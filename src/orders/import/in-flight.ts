/** Work that goes on while the next is read, up to `max` pieces of it; the first failure ends it all. */
export function createInFlight(max: number) {
  const running = new Set<Promise<void>>()
  let failure: { readonly error: unknown } | undefined

  function check(): void {
    if (failure !== undefined) throw failure.error
  }

  return {
    /** Begins a piece as soon as there is room. Throws what an earlier one threw. */
    async add(work: () => Promise<void>): Promise<void> {
      while (running.size >= max) await Promise.race(running)
      check()
      const piece = work().catch((error: unknown) => {
        failure ??= { error }
      })
      running.add(piece)
      void piece.then(() => running.delete(piece))
    },
    /** Waits for all of it. */
    async end(): Promise<void> {
      await Promise.all(running)
      check()
    },
  }
}
