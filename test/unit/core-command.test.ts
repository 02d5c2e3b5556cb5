import { describe, expect, it } from 'vitest'
import { checkExpectedVersion, idempotencyKeyOf, judgeKey, type StoredKey } from '../../src/core/command.ts'

const key = (input: unknown, command = 'PlaceOrder') =>
  idempotencyKeyOf({ idempotencyKey: 'k1', actor: 'key_7' }, command, input)!

describe('idempotencyKeyOf', () => {
  it('is nothing without a key', () => {
    expect(idempotencyKeyOf({}, 'PlaceOrder', {})).toBeUndefined()
  })

  it('belongs to its caller', () => {
    expect(key({})).toMatchObject({ scope: 'key_7', key: 'k1' })
    expect(idempotencyKeyOf({ idempotencyKey: 'k1' }, 'PlaceOrder', {})?.scope).toBe('library')
  })

  it('has one fingerprint for one command, however its names are ordered', () => {
    expect(key({ a: 1, b: { c: [1], d: 0.5 } }).fingerprint).toEqual(key({ b: { d: 0.5, c: [1] }, a: 1 }).fingerprint)
    expect(key({ a: 1, b: undefined }).fingerprint).toEqual(key({ a: 1 }).fingerprint)
  })

  it.each([
    ['another value', key({ a: 2 })],
    ['another order of a list', key({ a: [2, 1] })],
    ['another type', key({ a: '1' })],
    ['another command', key({ a: 1 }, 'CancelOrder')],
  ])('has another fingerprint for %s', (_what, other) => {
    expect(other.fingerprint).not.toEqual(key({ a: 1 }).fingerprint)
    expect(other.fingerprint).not.toEqual(key({ a: [1, 2] }).fingerprint)
  })

  it.each(['', ' ', 'a b', 'ä', 'a\n', 'x'.repeat(256)])('refuses "%s" as a key', (idempotencyKey) => {
    expect(() => idempotencyKeyOf({ idempotencyKey }, 'PlaceOrder', {})).toThrow(
      expect.objectContaining({
        code: 'invalid_input',
        fields: [expect.objectContaining({ pointer: 'header/idempotency-key' })],
      }),
    )
  })
})

describe('judgeKey', () => {
  const now = 1_000_000
  const request = key({ a: 1 })
  const stored = (change: Partial<StoredKey>): StoredKey => ({
    fingerprint: request.fingerprint,
    response: undefined,
    operationId: undefined,
    leaseUntilMs: undefined,
    ...change,
  })
  const finished = { status: 201, body: { order_id: '1' } }

  it('refuses another command first of all: finished or running makes no difference', () => {
    const { fingerprint } = key({ a: 2 })
    for (const state of [{}, { response: finished }, { leaseUntilMs: now + 1 }]) {
      expect(() => judgeKey(request, stored({ fingerprint, ...state }), now)).toThrow(
        expect.objectContaining({ code: 'idempotency_key_reused' }),
      )
    }
  })

  it('answers what was answered, also while a lease has not run out', () => {
    expect(judgeKey(request, stored({ response: finished, leaseUntilMs: now + 1 }), now)).toEqual({
      kind: 'replay',
      ...finished,
    })
  })

  it('tells to wait while the first request runs, at least a second', () => {
    const inUse = (retryAfterMs: number) => expect.objectContaining({ code: 'idempotency_key_in_use', retryAfterMs })
    expect(() => judgeKey(request, stored({ leaseUntilMs: now + 30_000 }), now)).toThrow(inUse(30_000))
    expect(() => judgeKey(request, stored({ leaseUntilMs: now + 1 }), now)).toThrow(inUse(1_000))
  })

  it('takes over with the same operation once the lease has run out', () => {
    const verdict = { kind: 'take_over', operationId: 'op_1' }
    expect(judgeKey(request, stored({ leaseUntilMs: now, operationId: 'op_1' }), now)).toEqual(verdict)
    expect(judgeKey(request, stored({ operationId: 'op_1' }), now)).toEqual(verdict)
  })
})

describe('checkExpectedVersion', () => {
  it('passes when no version is expected, or the right one', () => {
    expect(() => checkExpectedVersion({}, 3)).not.toThrow()
    expect(() => checkExpectedVersion({ expectedVersion: 3 }, 3)).not.toThrow()
  })

  it('refuses another version and tells the present one', () => {
    expect(() => checkExpectedVersion({ expectedVersion: 0 }, 3)).toThrow(
      expect.objectContaining({ code: 'version_mismatch', data: { version: 3 } }),
    )
  })
})
