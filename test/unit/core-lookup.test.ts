import { describe, expect, it } from 'vitest'
import { createLookup } from '../../src/core/lookup.ts'

interface Row {
  readonly id: string
  readonly text: string
}

function countingLookup(rows: readonly Row[]) {
  const queries: (readonly string[])[] = []
  const lookup = createLookup<string, Row>(
    async (keys) => {
      queries.push(keys)
      return rows.filter((row) => keys.includes(row.id))
    },
    (row) => row.id,
  )
  return { lookup, queries }
}

describe('look-ups', () => {
  it('answers together what is asked together, and asks for each key once', async () => {
    const { lookup, queries } = countingLookup([
      { id: 'a', text: 'one' },
      { id: 'b', text: 'two' },
    ])
    const found = await Promise.all(['a', 'b', 'a', 'c'].map(lookup))
    expect(found.map((row) => row?.text)).toEqual(['one', 'two', 'one', undefined])
    expect(queries).toEqual([['a', 'b', 'c']])
  })

  it('reads again for a question that comes after the answer', async () => {
    const rows: Row[] = []
    const { lookup, queries } = countingLookup(rows)
    expect(await lookup('a')).toBeUndefined()
    rows.push({ id: 'a', text: 'new' })
    expect((await lookup('a'))?.text).toBe('new')
    expect(queries).toHaveLength(2)
  })

  it('fails everybody who shares a query that fails, and nobody after', async () => {
    let broken = true
    const lookup = createLookup<string, Row>(
      async (keys) => {
        if (broken) throw new Error('away')
        return keys.map((id) => ({ id, text: id }))
      },
      (row) => row.id,
    )
    const both = await Promise.allSettled([lookup('a'), lookup('b')])
    expect(both.map((one) => one.status)).toEqual(['rejected', 'rejected'])
    broken = false
    expect((await lookup('a'))?.text).toBe('a')
  })
})
