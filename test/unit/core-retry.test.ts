import { describe, expect, it, vi } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import { backoffMs, failureKind, isTransient, retry } from '../../src/core/retry.ts'

const withCode = (code: string) => Object.assign(new Error(code), { code })

describe('failureKind', () => {
  it.each([
    ['40001', 'conflict'],
    ['40P01', 'conflict'],
    ['55P03', 'conflict'],
    ['ECONNREFUSED', 'unreachable'],
    ['57P03', 'unreachable'],
    ['53300', 'unreachable'],
    ['ECONNRESET', 'ambiguous'],
    ['57P01', 'ambiguous'],
    ['08006', 'ambiguous'],
    ['23505', 'permanent'],
    ['', 'permanent'],
  ])('code %s is %s', (code, kind) => {
    expect(failureKind(withCode(code))).toBe(kind)
    expect(isTransient(withCode(code))).toBe(kind !== 'permanent')
  })

  it('knows how node-postgres words a lost connection', () => {
    expect(failureKind(new Error('Connection terminated unexpectedly'))).toBe('ambiguous')
    expect(failureKind(new Error('Client has encountered a connection error and is not queryable'))).toBe('ambiguous')
  })

  it.each([
    ['LOADING Redis is loading the dataset in memory', 'unreachable'],
    ['CLUSTERDOWN Hash slot not served', 'unreachable'],
    ['TRYAGAIN Multiple keys request during rehashing of slot', 'unreachable'],
    ["READONLY You can't write against a read only replica.", 'unreachable'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'unreachable'],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'permanent'],
    ['ERR unknown command', 'permanent'],
  ])('the answer of Redis %s is %s', (message, kind) => {
    expect(failureKind(Object.assign(new Error(message), { name: 'ReplyError' }))).toBe(kind)
    expect(failureKind(new Error(message))).toBe('permanent')
  })

  it.each([
    ["Cluster isn't ready and enableOfflineQueue options is false", 'unreachable'],
    ['None of startup nodes is available', 'unreachable'],
    ['Failed to refresh slots cache.', 'unreachable'],
    ['Connection is closed.', 'ambiguous'],
    ['Command timed out', 'ambiguous'],
    ['Too many Cluster redirections. Last error: Error: Connection is closed.', 'ambiguous'],
  ])('knows how ioredis words it: %s is %s', (message, kind) => {
    expect(failureKind(new Error(message))).toBe(kind)
  })

  it('takes what is no error for permanent', () => {
    expect([undefined, null, '40001', { code: '40001' }].map(failureKind)).toEqual(Array(4).fill('permanent'))
  })
})

describe('backoffMs', () => {
  const backoff = { firstMs: 100, maxMs: 1_000 }

  it('doubles up to its maximum', () => {
    expect([1, 2, 3, 4, 5, 5_000].map((attempt) => backoffMs(attempt, backoff, () => 1))).toEqual([
      100, 200, 400, 800, 1_000, 1_000,
    ])
  })

  it('waits at least half of that, so that a crowd spreads but nobody hammers', () => {
    expect(backoffMs(1, backoff, () => 0)).toBe(50)
    expect(backoffMs(9, backoff, () => 0)).toBe(500)
  })
})

describe('retry', () => {
  const options = { tries: 3, backoff: { firstMs: 100, maxMs: 100 }, retryable: isTransient }

  it('tries again until it succeeds, and tells the work which try it is', async () => {
    const clock = fakeClock()
    const work = vi.fn((attempt: number) => (attempt < 3 ? Promise.reject(withCode('40001')) : Promise.resolve('done')))
    const result = retry({ ...options, clock }, work)
    await clock.advance(0)
    expect(work).toHaveBeenCalledTimes(1)
    await clock.advance(200)
    await expect(result).resolves.toBe('done')
    expect(work.mock.calls).toEqual([[1], [2], [3]])
  })

  it('throws the last error when the tries are used up', async () => {
    const clock = fakeClock()
    const work = (attempt: number) => Promise.reject(Object.assign(new Error(`try ${attempt}`), { code: '40P01' }))
    const result = expect(retry({ ...options, clock }, work)).rejects.toThrow('try 3')
    await clock.advance(1_000)
    await result
  })

  it('does not repeat what fails for good', async () => {
    const work = vi.fn(() => Promise.reject(withCode('23505')))
    await expect(retry({ ...options, clock: fakeClock() }, work)).rejects.toThrow('23505')
    expect(work).toHaveBeenCalledTimes(1)
  })

  it('gives up when it is told to stop while it waits', async () => {
    const abort = new AbortController()
    const clock = fakeClock()
    const work = vi.fn(() => Promise.reject(withCode('40001')))
    const result = expect(retry({ ...options, clock, signal: abort.signal }, work)).rejects.toThrow('40001')
    await clock.advance(0)
    abort.abort()
    await result
    expect(work).toHaveBeenCalledTimes(1)
  })
})
