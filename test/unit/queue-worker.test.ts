import { afterEach, describe, expect, it } from 'vitest'
import { type FakeClock, fakeClock } from '../../src/core/clock.ts'
import type { Closable } from '../../src/core/lifecycle.ts'
import { LIMITS } from '../../src/core/limits.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { GiveUp, type Handler, type Message } from '../../src/queue/port.ts'
import type { Subscription } from '../../src/queue/transport.ts'
import { startWorker } from '../../src/queue/worker.ts'
import { createGate } from '../../src/testing/gate.ts'

const LEASE_MS = 30_000

/** A subscription that hands out what it is given and writes down every answer. */
function fakeSubscription() {
  const waiting: Message[] = []
  const answers: string[] = []
  const asked: number[] = []
  let wake: () => void = () => undefined
  const fail: Partial<Record<'ack' | 'receive' | 'extend', unknown[]>> = {}
  const lost = new Set<string>()
  const failing = (call: 'ack' | 'receive' | 'extend') => {
    const error = fail[call]?.shift()
    if (error !== undefined) throw error
  }
  const ids = (messages: readonly Message[]) => messages.map((message) => message.id).join()
  const subscription: Subscription = {
    leaseMs: LEASE_MS,
    async receive(max, signal) {
      asked.push(max)
      failing('receive')
      while (waiting.length === 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
      }
      return signal.aborted ? [] : waiting.splice(0, max)
    },
    async ack(messages) {
      failing('ack')
      answers.push(`ack ${ids(messages)}`)
    },
    async retry(message, delayMs, reason) {
      answers.push(`retry ${message.id} after ${delayMs > 0 ? 'a while' : 'nothing'}: ${reason}`)
      delays.push(delayMs)
    },
    async bury(message, reason) {
      answers.push(`bury ${message.id}: ${reason}`)
    },
    async giveBack(messages) {
      answers.push(`give back ${ids(messages)}`)
    },
    async extend(messages) {
      failing('extend')
      answers.push(`extend ${ids(messages)}`)
      return messages.filter((message) => lost.has(message.id))
    },
    close: async () => undefined,
  }
  const delays: number[] = []
  return {
    subscription,
    answers,
    asked,
    delays,
    fail,
    lost,
    offer(...messages: Message[]) {
      waiting.push(...messages)
      wake()
    },
  }
}

const message = (id: string, attempt = 1): Message => ({
  id,
  topic: 't',
  lane: 'small',
  key: 'k',
  payload: {},
  attempt,
})
/** Lets everything that is due in this moment happen. */
async function settle(): Promise<void> {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
}

describe('the queue worker', () => {
  const workers: Closable[] = []
  afterEach(async () => {
    for (const worker of workers.splice(0)) await worker.close()
  })

  function start(handler: Handler, options: { concurrency?: number; prefetch?: number } = {}) {
    const fake = fakeSubscription()
    const clock: FakeClock = fakeClock()
    const worker = startWorker({
      subscription: fake.subscription,
      topic: 't',
      handler,
      policy: { triesMax: 4, backoff: { firstMs: 100, maxMs: 250 } },
      concurrency: options.concurrency ?? 2,
      prefetch: options.prefetch ?? 4,
      clock,
      logger: silentLogger,
      metrics: createMetrics(),
    })
    workers.push(worker)
    return { ...fake, clock, worker }
  }

  it('acknowledges together what was handled together', async () => {
    const { offer, answers } = start(async () => undefined, { concurrency: 3 })
    offer(message('1'), message('2'), message('3'))
    await settle()
    expect(answers).toEqual(['ack 1,2,3'])
  })

  it('waits longer after each failed try, and buries after the last', async () => {
    const { offer, answers, delays } = start(async () => {
      throw new Error('broken')
    })
    for (const attempt of [1, 2, 3, 4]) {
      offer(message('1', attempt))
      await settle()
    }
    expect(answers.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => 'retry 1 after a while: broken'))
    expect(answers[3]).toBe('bury 1: broken')
    const ceilings = [100, 200, 250]
    for (const [n, delay] of delays.entries()) {
      expect(delay).toBeGreaterThanOrEqual(ceilings[n]! / 2)
      expect(delay).toBeLessThanOrEqual(ceilings[n]!)
    }
  })

  it('takes a handler that throws before it returns a promise as failed', async () => {
    const { offer, answers } = start(() => {
      throw new Error('at once')
    })
    offer(message('1'))
    await settle()
    expect(answers).toEqual(['retry 1 after a while: at once'])
  })

  it('buries a message that ended its workers again and again, without trying it once more', async () => {
    let tried = 0
    const { offer, answers } = start(async () => {
      tried += 1
    })
    offer(message('1', 13))
    await settle()
    expect([tried, answers.length]).toEqual([0, 1])
    expect(answers[0]).toMatch(/^bury 1: given up at attempt 13/)
  })

  it('counts no failure against a message whose handler stopped because of closing, but lets it give up', async () => {
    const { offer, answers, worker } = start(async ({ id }, signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      throw id === '1' ? new Error('stopped') : new GiveUp('for good')
    })
    offer(message('1', 4), message('2'))
    await settle()
    await worker.close()
    expect(answers.sort()).toEqual(['bury 2: for good', 'give back 1'])
  })

  it('fetches ahead no more than it may, and refills when half is gone', async () => {
    const gates = new Map(['1', '2', '3', '4', '5', '6'].map((id) => [id, createGate()]))
    const { offer, asked } = start(({ id }) => gates.get(id)!.opened, { concurrency: 2, prefetch: 4 })
    offer(...[...gates.keys()].map((id) => message(id)))
    await settle()
    expect(asked).toEqual([6])
    gates.get('1')!.open()
    await settle()
    expect(asked).toEqual([6])
    gates.get('2')!.open()
    await settle()
    expect(asked).toEqual([6, 2])
    for (const gate of gates.values()) gate.open()
  })

  it('takes a message while another is being handled, however long that takes', async () => {
    const gate = createGate()
    const { offer, answers } = start(({ id }) => (id === 'long' ? gate.opened : Promise.resolve()), {
      concurrency: 2,
      prefetch: 0,
    })
    offer(message('long'))
    await settle()
    offer(message('short'))
    await settle()
    expect(answers).toEqual(['ack short'])
    gate.open()
  })

  it('renews the lease of what it holds, handled or not yet begun', async () => {
    const gate = createGate()
    const { offer, answers, clock } = start(() => gate.opened, { concurrency: 1 })
    offer(message('1'), message('2'))
    await settle()
    await clock.advance(LEASE_MS)
    await settle()
    expect(answers.filter((answer) => answer === 'extend 1,2').length).toBeGreaterThanOrEqual(2)
    gate.open()
    await settle()
    expect(answers.at(-1)).toMatch(/^ack/)
  })

  it('tells a handler whose message was lost to another worker, and drops what it had not begun', async () => {
    const handled: string[] = []
    const aborted: string[] = []
    const gate = createGate()
    const { offer, clock, lost } = start(
      async ({ id }, signal) => {
        handled.push(id)
        signal.addEventListener('abort', () => aborted.push(id))
        await gate.opened
      },
      { concurrency: 1 },
    )
    offer(message('1'), message('2'), message('3'))
    await settle()
    lost.add('1').add('2')
    await clock.advance(LEASE_MS / 2)
    await settle()
    expect(aborted).toEqual(['1'])
    gate.open()
    await settle()
    expect(handled).toEqual(['1', '3'])
  })

  it('repeats an answer that failed for a passing reason', async () => {
    const { offer, answers, clock, fail } = start(async () => undefined)
    fail.ack = [
      Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
      Object.assign(new Error('down'), { code: 'ECONNREFUSED' }),
    ]
    offer(message('1'))
    await settle()
    for (let n = 0; n < 5; n++) {
      await clock.advance(100)
      await settle()
    }
    expect(answers).toEqual(['ack 1'])
  })

  it('goes on when an answer fails for good; the message comes again when its lease ends', async () => {
    const { offer, answers, fail } = start(async () => undefined, { concurrency: 1, prefetch: 0 })
    fail.ack = [new Error('no such table')]
    offer(message('1'))
    await settle()
    offer(message('2'))
    await settle()
    expect(answers).toEqual(['ack 2'])
  })

  it('rests after a failure to receive, then goes on', async () => {
    const { offer, answers, clock, fail, asked } = start(async () => undefined)
    await settle()
    fail.receive = [new Error('away')]
    offer(message('1'))
    await settle()
    offer(message('2'))
    await settle()
    const before = asked.length
    await settle()
    expect(asked.length).toBe(before)
    await clock.advance(1_000)
    await settle()
    expect(answers).toEqual(['ack 1', 'ack 2'])
  })

  it('waits for a handler that does not end only as long as a shutdown may take', async () => {
    const { offer, clock, worker } = start(() => new Promise(() => undefined))
    offer(message('1'))
    await settle()
    let closed = false
    const closing = worker.close().then(() => {
      closed = true
    })
    await clock.advance(LIMITS.closeMsMax - 1)
    await settle()
    expect(closed).toBe(false)
    await clock.advance(1)
    await closing
  })
})
