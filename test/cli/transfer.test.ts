import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Terminal } from '../../src/cli/command.ts'
import { runCli } from '../../src/cli/run.ts'
import { copyTemplate } from '../setup/template.ts'

describe('import and export', () => {
  let folder: string
  let template: Awaited<ReturnType<typeof copyTemplate>>
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fanfold-cli-transfer-'))
    template = await copyTemplate(inject('embeddedTemplate'))
  })
  afterAll(async () => {
    await template.remove()
    await rm(folder, { recursive: true, force: true })
  })

  const at = (name: string) => join(folder, name)

  async function run(...args: string[]) {
    const [out, said]: string[][] = [[], []]
    const terminal: Terminal = {
      out: (text) => void out!.push(text),
      say: (text) => void said!.push(text),
      progress: () => ({ update: () => undefined, end: () => undefined }),
    }
    const code = await runCli([...args, '--database-url', `pglite:${template.folder}`], {}, terminal)
    return { code, out: out!.join('\n'), said: said!.join('\n') }
  }

  it('leave bad rows in a file that can be mended and imported', async () => {
    const heading = 'customer_id,name,email,guest,addresses'
    await writeFile(at('c.csv'), `${heading}\nann,Ann,,,\nbob,"B, ob",nowhere,,\n=cid,Eve,,,\n`)
    const first = await run('import', 'customers', at('c.csv'), '--bad-rows', at('bad.csv'), '--json')
    expect(first).toMatchObject({ code: 0, said: expect.stringContaining('1 customers added') })
    expect(JSON.parse(first.out)).toMatchObject({ rows: 3, customers_added: 1, rows_bad: 2 })
    const bad = (await readFile(at('bad.csv'), 'utf8')).trim().split('\n')
    expect(bad).toEqual([
      `line,reason,${heading}`,
      expect.stringMatching(/^3,.*e-mail address.*,bob,"B, ob",nowhere,,$/),
      expect.stringMatching(/^4,.*,=cid,Eve,,,$/),
    ])
    await writeFile(at('mended.csv'), `${bad.join('\n').replace('nowhere', 'bob@example.com')}\n`)
    const second = await run('import', 'customers', at('mended.csv'))
    expect(second.said).toContain('1 customers added')
  })

  it('carry orders over to a file and back', async () => {
    const order = {
      order_number: 'A-1',
      order_date: '2025-05-05T12:00:00.000Z',
      customer_id: 'ann',
      customer_name: '=Ann',
      currency: 'EUR',
      shipping_address: { city: 'Bonn', country: 'DE' },
      items: [
        {
          product_id: 'cup',
          product_name: 'Cup',
          product_category: 'Kitchen',
          quantity: 2,
          price_at_time_of_purchase: 450,
        },
      ],
    }
    await writeFile(at('o.jsonl'), `${JSON.stringify(order)}\nnothing\n`)
    const imported = await run('import', 'orders', at('o.jsonl'), '--bad-rows', at('bad.jsonl'))
    expect(imported).toMatchObject({ code: 0, said: expect.stringContaining('1 orders with 1 lines added') })
    expect(JSON.parse(await readFile(at('bad.jsonl'), 'utf8'))).toEqual({
      line: 2,
      reason: 'is not a JSON object',
      row: 'nothing',
    })
    expect(await run('export', 'orders', '--out', at('o.csv'))).toMatchObject({ code: 0, said: '1 orders exported' })
    const again = await run('import', 'orders', at('o.csv'))
    expect(again.said).toContain('0 orders with 0 lines added, 1 known')
    const csv = await readFile(at('o.csv'), 'utf8')
    expect(csv.split('\n')).toHaveLength(3)
    expect(csv).toContain(',=Ann,')
    await run(
      'export',
      'orders',
      '--out',
      at('s.csv'),
      '--for-spreadsheets',
      '--from',
      '2025-05-05',
      '--to',
      '2025-05-05',
    )
    expect(await readFile(at('s.csv'), 'utf8')).toContain(",'=Ann,")
    await run('export', 'order_history', '--out', at('h.jsonl'))
    expect(JSON.parse(await readFile(at('h.jsonl'), 'utf8'))).toMatchObject({
      version: 1,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  it.each(['orders', 'payments', 'sandbox_settlement'])('say of %s which file can not be written', async (name) => {
    const file = at('none/x.csv')
    expect(await run('export', name, '--out', file)).toEqual({
      ...{ code: 1, out: '' },
      said: `fanfold export: ${file} can't be written: ENOENT: no such file or directory, open '${file}'`,
    })
  })

  it('say what is wrong with the words', async () => {
    expect(await run('export', 'planets')).toMatchObject({ code: 2, said: expect.stringContaining('order_history') })
    expect(await run('export', 'products', '--from', '2025-01-01')).toMatchObject({ code: 2 })
    expect(await run('export', 'orders', '--format', 'xml')).toMatchObject({ code: 2 })
    expect(await run('export', 'orders', '--from', 'soon')).toMatchObject({ code: 1 })
    await writeFile(at('short.csv'), 'customer_id\nx\n')
    expect(await run('import', 'customers', at('short.csv'))).toMatchObject({
      code: 1,
      said: expect.stringContaining('"name"'),
    })
  })
})
