import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/core/limits.ts'
import { createTurnstile } from '../../src/social/turnstile.ts'

/** Work that ends when told to. */
function job() {
  let end = () => {}
  let fail = (_: Error) => {}
  const done = new Promise<void>((resolve, reject) => {
    end = resolve
    fail = reject
  })
  return { end: () => end(), fail: (error: Error) => fail(error), done }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('a turnstile', () => {
  it('lets so many of one key in, the others in the order in which they came, and other keys past them', async () => {
    const pass = createTurnstile<string>(2)
    const started: string[] = []
    const jobs = new Map(['a', 'b', 'c', 'd', 'x'].map((name) => [name, job()]))
    const all = [...jobs].map(([name, { done }]) =>
      pass(name === 'x' ? 'quiet' : 'hot', () => {
        started.push(name)
        return done
      }),
    )
    await settled()
    expect(started).toEqual(['a', 'b', 'x'])
    jobs.get('b')!.end()
    await settled()
    // Whoever comes just now does not get ahead of those who wait.
    const late = pass('hot', async () => void started.push('late'))
    expect(started).toEqual(['a', 'b', 'x', 'c'])
    for (const { end } of jobs.values()) end()
    await Promise.all([...all, late])
    expect(started).toEqual(['a', 'b', 'x', 'c', 'd', 'late'])
  })

  it('hands on the place of work that failed, and answers what the work answered', async () => {
    const pass = createTurnstile<string>(1)
    const first = job()
    const failing = pass('k', () => first.done)
    const second = pass('k', async () => 7)
    first.fail(new Error('broken'))
    await expect(failing).rejects.toThrow('broken')
    expect(await second).toBe(7)
    expect(await pass('k', async () => 8)).toBe(8)
  })

  it('refuses whoever would make the line of one key too long', async () => {
    const pass = createTurnstile<string>(1)
    const first = job()
    const all = [pass('k', () => first.done)]
    for (let n = 0; n < LIMITS.batchWaitingMax; n++) all.push(pass('k', async () => undefined))
    await expect(pass('k', async () => undefined)).rejects.toMatchObject({ code: 'overloaded' })
    expect(await pass('other', async () => 1)).toBe(1)
    first.end()
    await Promise.all(all)
  })
})
