import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { csvLine } from '../../src/core/csv.ts'
import { readRows, textOf } from '../../src/core/file-rows.ts'
import { scanColumn } from '../../src/orders/import/scan.ts'
import { searchedWords, wordsOfOrder } from '../../src/orders/lists/search.ts'

const cell = fc.oneof(
  fc.constantFrom('', ' ', '"', '""', ',', 'a,b', 'x\ny', 'x\r\ny', 'Köln', '"q"', '=1+1', "'"),
  fc.string({ maxLength: 6, unit: 'grapheme' }),
)
const rows = fc.array(fc.tuple(cell, cell, cell), { maxLength: 8 })

describe('a CSV file', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fanfold-csv-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const options = { format: 'csv', columns: ['a', 'b', 'c'] } as const

  async function parsed(file: string, column: string): Promise<string[]> {
    const texts: string[] = []
    for await (const batch of readRows(file, options, () => undefined)) {
      for (const row of batch.rows) texts.push(textOf(row, column))
    }
    return texts
  }

  it('that was written is read as it was', async () => {
    const file = join(folder, 'written.csv')
    await fc.assert(
      fc.asyncProperty(rows, async (table) => {
        // A line of nothing is no row.
        const full = table.filter((row) => row.join('') !== '' && !row.join('').includes('\0'))
        await writeFile(file, csvLine(['a', 'b', 'c']) + full.map((row) => csvLine(row)).join(''))
        for (const [index, column] of ['a', 'b', 'c'].entries()) {
          expect(await parsed(file, column)).toEqual(full.map((row) => row[index]))
        }
      }),
      { numRuns: 100 },
    )
  })

  it('looks the same to the quick look as to the parser, whatever is in it', async () => {
    const file = join(folder, 'any.csv')
    const piece = fc.constantFrom('"', '""', ',', '\n', '\r\n', 'x', 'é', ' ', 'yy', '\n\n')
    let quick = 0
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 30 }), fc.boolean(), async (pieces, bom) => {
        await writeFile(file, `${bom ? '\ufeff' : ''}a,b,c\n${pieces.join('')}\n1,2,3\n`)
        const told: string[] = []
        if ((await scanColumn(file, options, 'b', (text) => void told.push(text))) === undefined) return
        quick += 1
        // The parser leaves out rows of another width, so it may see fewer, never others and never more.
        const left = [...told]
        for (const text of await parsed(file, 'b')) {
          const index = left.indexOf(text)
          expect(index, `${JSON.stringify(text)} of ${JSON.stringify(told)}`).toBeGreaterThanOrEqual(0)
          left.splice(index, 1)
        }
      }),
      { numRuns: 500 },
    )
    expect(quick).toBeGreaterThan(100)
  })

  it('for spreadsheets holds nothing that they would run', () => {
    const texts = ['=1+1', '+1', '-1', '@a', '\ta', '\ra']
    for (const text of texts) expect(csvLine([text], { forSpreadsheets: true })).toMatch(/^"?'/)
    expect(csvLine([-1, 'a=b'], { forSpreadsheets: true })).toBe('-1,a=b\n')
    expect(csvLine(['=1+1'])).toBe('=1+1\n')
  })
})

describe('the words of orders', () => {
  it('are found whatever the case and the accents, and only whole', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (name) => {
        const words = wordsOfOrder({ orderNumber: 'n', customerName: name, city: 'c', lines: [] })
        for (const variant of [name, name.toUpperCase(), name.normalize('NFD')]) {
          for (const word of searchedWords(variant)) expect(words).toContain(word)
        }
      }),
    )
    const words = wordsOfOrder({
      orderNumber: 'CA-2017-15',
      customerName: 'Zoë Straße',
      email: 'zoe.s@shop.example',
      city: 'København',
      lines: [{ sku: 'X/7', productName: '(Old) Lamp' }],
    })
    expect(words).toEqual(
      ['15', '2017', '7', 'ca', 'ca-2017-15', 'københavn', 'lamp', 'old', 's', 'strasse', 'x', 'x/7', 'zoe'].concat([
        'zoe.s@shop.example',
      ]),
    )
  })

  it('are bounded, however many lines an order has', () => {
    const lines = Array.from({ length: 500 }, (_, n) => ({ sku: `s${n}`, productName: `p${n}` }))
    const words = wordsOfOrder({ orderNumber: 'number', customerName: 'Name', city: 'City', lines })
    expect(words).toHaveLength(200)
    expect(words).toEqual(expect.arrayContaining(['number', 'name', 'city', 's0']))
  })
})
