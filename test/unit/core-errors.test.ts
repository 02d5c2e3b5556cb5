import { describe, expect, it } from 'vitest'
import {
  AppError,
  assert,
  ERROR_CODES,
  type ErrorCode,
  invalidField,
  isAppError,
  messageOf,
} from '../../src/core/errors.ts'

const codes = Object.keys(ERROR_CODES) as ErrorCode[]

describe('the table of error codes', () => {
  it.each(codes)('%s has a snake_case name, an error status of HTTP and a sentence', (code) => {
    const [status, title] = ERROR_CODES[code]
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
    expect([400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 500, 503]).toContain(status)
    expect(title).toMatch(/^[A-Z].+[^.]$/)
  })

  it('answers 404 to everything that is not found, and to nothing else', () => {
    for (const code of codes) expect([code, ERROR_CODES[code][0] === 404]).toEqual([code, code.endsWith('_not_found')])
  })

  it('says of no two codes the same', () => {
    expect(new Set(codes.map((code) => ERROR_CODES[code][1])).size).toBe(codes.length)
  })
})

describe('AppError', () => {
  it('takes status and title from the table, and the title as its message unless it is given one', () => {
    const plain = new AppError('order_not_found')
    expect(plain).toMatchObject({
      code: 'order_not_found',
      status: 404,
      title: 'No such order',
      message: 'No such order',
    })
    expect(plain).toMatchObject({ fields: [], data: {}, retryAfterMs: undefined })
    expect(new AppError('order_not_found', 'Order 7 is not there').message).toBe('Order 7 is not there')
  })

  it('carries fields, figures, a wait and its cause', () => {
    const cause = new Error('below')
    const error = new AppError('overloaded', 'busy', {
      fields: [{ pointer: '/a', detail: 'b' }],
      data: { available: 3 },
      retryAfterMs: 50,
      cause,
    })
    expect(error).toMatchObject({ fields: [{ pointer: '/a', detail: 'b' }], data: { available: 3 }, retryAfterMs: 50 })
    expect(error.cause).toBe(cause)
    expect('cause' in new AppError('overloaded')).toBe(false)
  })

  it('is known by its shape, so that one from another copy of the package counts too', () => {
    const foreign = Object.assign(new Error('x'), { name: 'AppError', code: 'forbidden' })
    expect(isAppError(foreign)).toBe(true)
    expect(isAppError(foreign, 'forbidden')).toBe(true)
    expect(isAppError(foreign, 'internal')).toBe(false)
    expect(isAppError(new Error('x'))).toBe(false)
    expect(isAppError({ name: 'AppError', code: 'forbidden' })).toBe(false)
  })
})

describe('helpers', () => {
  it('names one wrong field', () => {
    expect(invalidField('/amount', 'must be at least 0')).toMatchObject({
      code: 'invalid_input',
      message: '/amount: must be at least 0',
      fields: [{ pointer: '/amount', detail: 'must be at least 0' }],
    })
  })

  it('throws a plain error when an invariant is broken: that is a bug, not an expected failure', () => {
    expect(() => assert(true, 'fine')).not.toThrow()
    expect(() => assert(0, 'a number')).toThrow('assertion failed: a number')
    expect(() => assert(false, 'x')).toThrow(expect.not.objectContaining({ name: 'AppError' }))
  })

  it('finds words for anything thrown', () => {
    expect(messageOf(new Error('words'))).toBe('words')
    expect(messageOf('text')).toBe('text')
    expect(messageOf(undefined)).toBe('undefined')
  })
})
