import { messageOf } from './errors.ts'
import { LIMITS } from './limits.ts'
import { type Logger, silentLogger } from './logger.ts'

/** What owns a resource: closing twice is closing once. */
export interface Closable {
  close(): Promise<void>
}

export interface Lifecycle extends Closable {
  /** Registers something to close, and what it is called; the last one registered is closed first. */
  own<T extends Closable>(name: string, resource: T): T
  /** Aborts when closing begins: loops stop taking new work. */
  readonly signal: AbortSignal
}

/** Closes it, and says so in the log when that takes long: whoever waits for a shutdown wants to know for what. */
export async function closeTold(name: string, resource: Closable, logger: Logger): Promise<void> {
  const tell = () => logger.warn({ resource: name }, `shutting down waits for ${name}`)
  const timer = setTimeout(tell, LIMITS.closeSlowMs)
  try {
    await resource.close()
  } finally {
    clearTimeout(timer)
  }
}

/** Closes in reverse order of opening, each even when another fails, and reports the failures together. */
export function createLifecycle(logger: Logger = silentLogger): Lifecycle {
  const owned: { readonly name: string; readonly resource: Closable }[] = []
  const abort = new AbortController()
  let closing: Promise<void> | undefined

  async function closeAll(): Promise<void> {
    abort.abort()
    const failures: unknown[] = []
    for (const { name, resource } of owned.reverse()) {
      try {
        await closeTold(name, resource, logger)
      } catch (error) {
        logger.error({ err: error, resource: name }, `closing ${name} failed: ${messageOf(error)}`)
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'some resources did not close')
  }

  return {
    own(name, resource) {
      owned.push({ name, resource })
      return resource
    },
    signal: abort.signal,
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}

/**
 * Repeats `step` until the signal aborts. A step tells how long to rest before the next (0: go on at once); a failing
 * step is logged and followed by a rest of `errorRestMs`. `wake()` ends a rest early.
 */
export interface Loop extends Closable {
  wake(): void
}

export function startLoop(options: {
  readonly name: string
  readonly step: (signal: AbortSignal) => Promise<number>
  readonly logger: Logger
  readonly errorRestMs?: number
}): Loop {
  const abort = new AbortController()
  let wakeRest: (() => void) | undefined
  let woken = false

  async function rest(ms: number): Promise<void> {
    if (woken || abort.signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      wakeRest = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    wakeRest = undefined
  }

  async function run(): Promise<void> {
    while (!abort.signal.aborted) {
      woken = false
      try {
        const restMs = await options.step(abort.signal)
        if (restMs > 0) await rest(restMs)
      } catch (error) {
        if (abort.signal.aborted) break
        options.logger.error({ err: error, loop: options.name }, `${options.name}: ${messageOf(error)}`)
        woken = false
        await rest(options.errorRestMs ?? 1_000)
      }
    }
  }

  const done = run()
  return {
    wake() {
      woken = true
      wakeRest?.()
    },
    async close() {
      abort.abort()
      wakeRest?.()
      await done
    },
  }
}
