import { describe, expect, it, vi } from 'vitest'
import { createLifecycle, startLoop } from '../../src/core/lifecycle.ts'
import { type Logger, silentLogger } from '../../src/core/logger.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('createLifecycle', () => {
  it('closes in reverse order of opening, one after the other, once', async () => {
    const closed: string[] = []
    const lifecycle = createLifecycle()
    for (const name of ['database', 'queue', 'server']) {
      lifecycle.own(name, {
        async close() {
          await turn()
          closed.push(name)
        },
      })
    }
    await Promise.all([lifecycle.close(), lifecycle.close()])
    expect(closed).toEqual(['server', 'queue', 'database'])
  })

  it('aborts its signal before it closes anything', async () => {
    const lifecycle = createLifecycle()
    expect(lifecycle.signal.aborted).toBe(false)
    let abortedBefore = false
    lifecycle.own('x', {
      async close() {
        abortedBefore = lifecycle.signal.aborted
      },
    })
    await lifecycle.close()
    expect(abortedBefore).toBe(true)
  })

  it('closes the others when one fails, and reports all failures together', async () => {
    const first = vi.fn(async () => undefined)
    const lifecycle = createLifecycle()
    lifecycle.own('first', { close: first })
    lifecycle.own('stuck', { close: () => Promise.reject(new Error('stuck')) })
    lifecycle.own('gone', { close: () => Promise.reject(new Error('gone')) })
    const error = await lifecycle.close().catch((failure: AggregateError) => failure)
    expect((error as AggregateError).errors.map((each: Error) => each.message)).toEqual(['gone', 'stuck'])
    expect(first).toHaveBeenCalledOnce()
  })

  it('names in the log what takes long to close', async () => {
    vi.useFakeTimers()
    try {
      const warned: string[] = []
      const logger = { ...silentLogger, warn: (_fields: object, message: string) => warned.push(message) } as Logger
      const lifecycle = createLifecycle(logger)
      lifecycle.own('the quick one', { close: async () => undefined })
      lifecycle.own('the slow one', { close: () => new Promise((resolve) => setTimeout(resolve, 60_000)) })
      const closed = lifecycle.close()
      await vi.advanceTimersByTimeAsync(60_000)
      await closed
      expect(warned).toEqual(['shutting down waits for the slow one'])
    } finally {
      vi.useRealTimers()
    }
  })

  it('hands the resource through, so that opening and owning is one expression', () => {
    const resource = { close: async () => undefined, name: 'x' }
    expect(createLifecycle().own('x', resource)).toBe(resource)
  })
})

describe('startLoop', () => {
  it('goes on at once while a step answers 0, and rests otherwise', async () => {
    const answers = [0, 0, 1_000_000]
    const step = vi.fn(async () => answers.shift() ?? 1_000_000)
    const loop = startLoop({ name: 'test', step, logger: silentLogger })
    await turn()
    expect(step).toHaveBeenCalledTimes(3)
    await loop.close()
    expect(step).toHaveBeenCalledTimes(3)
  })

  it('is woken from its rest', async () => {
    const step = vi.fn(async () => 1_000_000)
    const loop = startLoop({ name: 'test', step, logger: silentLogger })
    await turn()
    loop.wake()
    await turn()
    expect(step).toHaveBeenCalledTimes(2)
    await loop.close()
  })

  it('does not rest when it was woken during a step: the step may have missed what was new', async () => {
    let finish = () => {}
    const step = vi.fn(() => new Promise<number>((resolve) => (finish = () => resolve(1_000_000))))
    const loop = startLoop({ name: 'test', step, logger: silentLogger })
    loop.wake()
    finish()
    await turn()
    expect(step).toHaveBeenCalledTimes(2)
    finish()
    await turn()
    expect(step).toHaveBeenCalledTimes(2)
    await loop.close()
  })

  it('logs a failing step, rests even if it was woken meanwhile, and goes on', async () => {
    const error = vi.fn()
    let fail = (_error: Error) => {}
    const step = vi.fn(() => new Promise<number>((_resolve, reject) => (fail = reject)))
    const loop = startLoop({ name: 'sweeper', step, logger: { ...silentLogger, error }, errorRestMs: 1_000_000 })
    loop.wake()
    fail(new Error('no database'))
    await turn()
    expect(error).toHaveBeenCalledWith(expect.objectContaining({ loop: 'sweeper' }), 'sweeper: no database')
    expect(step).toHaveBeenCalledTimes(1)
    loop.wake()
    await turn()
    expect(step).toHaveBeenCalledTimes(2)
    const closing = loop.close()
    fail(new Error('aborted'))
    await closing
    expect(error).toHaveBeenCalledOnce()
  })

  it('closes after the step under way, which is told through its signal', async () => {
    let signal: AbortSignal | undefined
    let finish = () => {}
    const loop = startLoop({
      name: 'test',
      logger: silentLogger,
      step: (given) => {
        signal = given
        return new Promise((resolve) => (finish = () => resolve(0)))
      },
    })
    let closed = false
    const closing = loop.close().then(() => {
      closed = true
    })
    await turn()
    expect([signal?.aborted, closed]).toEqual([true, false])
    finish()
    await closing
  })
})
