import { describe, expect, it } from 'vitest'
import {
  cursorNumber,
  cursorTimeMs,
  decodeCursor,
  decodeIdCursor,
  encodeCursor,
  pageLimit,
  pageOf,
} from '../../src/core/cursor.ts'

const invalid = expect.objectContaining({ code: 'invalid_cursor' })

describe('pageLimit', () => {
  it('is 20 unless given, and 100 at most', () => {
    expect([undefined, 1, 100, 101, 1e9].map(pageLimit)).toEqual([20, 1, 100, 100, 100])
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (limit) => {
    expect(() => pageLimit(limit)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
  })
})

describe('cursors', () => {
  it('come back as the sort key they were made of', () => {
    const cursor = encodeCursor('orders', [12n, 'a"b', ''])
    expect(cursor).toMatch(/^[\w-]+$/)
    expect(decodeCursor('orders', 3, cursor)).toEqual(['12', 'a"b', ''])
    expect(decodeCursor('orders', 3, undefined)).toBeUndefined()
  })

  it('are refused by every other list, and with another number of parts', () => {
    const cursor = encodeCursor('orders?status=PAID', [1n, 2n])
    expect(() => decodeCursor('orders', 2, cursor)).toThrow(invalid)
    expect(() => decodeCursor('orders?status=PAID', 1, cursor)).toThrow(invalid)
    expect(() => decodeCursor('orders?status=PAID', 3, cursor)).toThrow(invalid)
  })

  it.each(['', 'garbage', '%00', '[]', 'bnVsbA', 'e30', 'WyJvcmRlcnMiLDFd', 'WyJvcmRlcnMiLG51bGxd', 'MQ'])(
    'refuses "%s"',
    (cursor) => {
      expect(() => decodeCursor('orders', 1, cursor)).toThrow(invalid)
    },
  )

  it('made of an id hold an id that a database column can hold', () => {
    expect(decodeIdCursor('posts', undefined)).toBeUndefined()
    expect(decodeIdCursor('posts', encodeCursor('posts', [2n ** 63n - 1n]))).toBe(2n ** 63n - 1n)
    for (const key of [2n ** 63n, -1n, '', '1.5', 'x']) {
      expect(() => decodeIdCursor('posts', encodeCursor('posts', [key]))).toThrow(invalid)
    }
  })

  it('hold no text that a database column can not hold', () => {
    for (const part of ['\u0000', 'ada\u0000']) {
      expect(() => decodeCursor('users', 1, encodeCursor('users', [part]))).toThrow(invalid)
    }
  })

  it('hold numbers and times that a database column can hold', () => {
    expect(['0', '2147483647'].map((text) => cursorNumber(text))).toEqual([0, 2 ** 31 - 1])
    expect(cursorNumber('9007199254740991', Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER)
    expect(cursorTimeMs('1790000000000')).toBe(1_790_000_000_000)
    for (const text of ['', ' 1', '-1', '1.5', '0x10', '1e3', 'NaN', 'Infinity', '2147483648', '9'.repeat(30)]) {
      expect(() => cursorNumber(text), text).toThrow(invalid)
    }
    expect(() => cursorTimeMs('8640000000000000')).toThrow(invalid)
  })
})

describe('pageOf', () => {
  const rows = [3n, 2n, 1n]
  const page = (limit: number) => pageOf('rows', rows, limit, (row) => [row], Number)

  it('cuts what was fetched beyond the page and names the last item shown', () => {
    expect(page(2)).toEqual({ items: [3, 2], next_cursor: encodeCursor('rows', [2n]) })
  })

  it('has a next_cursor exactly when there is more', () => {
    expect(page(3)).toEqual({ items: [3, 2, 1] })
    expect(pageOf('rows', [], 2, () => [], String)).toEqual({ items: [] })
  })
})
