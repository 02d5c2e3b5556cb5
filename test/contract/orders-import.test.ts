import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BadRow } from '../../src/core/file-rows.ts'
import { type OrderBench, openOrderBench, orderEngines } from '../setup/orders.ts'

const DATA = process.env['FANFOLD_TEST_DATA'] ?? join(import.meta.dirname, '../../../shared/data')
const SUPERSTORE = join(DATA, 'superstore.csv')
const present = existsSync(SUPERSTORE)
if (!present)
  process.stderr.write(`left out: import of superstore.csv (${SUPERSTORE} is not there; set FANFOLD_TEST_DATA)\n`)

const POSTGRES = { analyze: 'analyze daily_sales_report_gen', indexOnly: /Index Only Scan/ }
/** How each engine counts its rows, and what it calls a look-up in an index alone. */
const DIALECTS = {
  pglite: POSTGRES,
  postgres: POSTGRES,
  mariadb: {
    analyze: 'analyze table daily_sales_report_gen',
    indexOnly: / daily_sales_report_gen .*daily_sales_report_category_city .*Using index$/m,
  },
}

/** The same figure three ways: the report, its table, and the orders themselves. */
const BY_TABLE = `
select sum(price) as price from daily_sales_report where product_category = ? and shipping_city = ?`
const BY_JOIN = `
select sum(l.amount) as price
from orders o
join order_line_items l on l.shard = o.shard and l.order_id = o.order_id
join products p on p.product_id = l.product_id
join addresses a on a.customer_id = o.customer_id and a.address_id = o.shipping_address_id
where p.category = ? and a.city = ?`

for (const engine of orderEngines()) {
  describe.skipIf(!present)(`import of a real file on ${engine.name}`, () => {
    let bench: OrderBench
    beforeAll(async () => {
      bench = await openOrderBench(engine, { timeZone: 'America/New_York' })
    })
    afterAll(() => bench.close())

    it('takes over every order to the cent and names the rows that are none', async () => {
      const bad: BadRow[] = []
      const ticks: number[] = []
      const result = await bench.orders.importOrders(SUPERSTORE, {
        map: 'superstore',
        onBadRow: (row) => bad.push(row),
        onProgress: ({ rowsRead }) => ticks.push(rowsRead),
      })
      expect(result).toEqual({
        rows: 10_800,
        orders_imported: 5_009,
        lines_imported: 9_994,
        orders_known: 0,
        lines_known: 0,
        rows_bad: 806,
      })
      expect(bad.map((row) => row.line)).toEqual(Array.from({ length: 806 }, (_, index) => 9_996 + index))
      expect(bad[0]!.reason).toBe('has 2 columns, not 21')
      expect(ticks).toEqual([...ticks].sort((a, b) => a - b))
    })

    it('agrees with itself in the report, its table and an independent join', async () => {
      await bench.fold()
      const filter = { product_category: 'Technology', shipping_city: 'New York City' }
      const report = await bench.orders.salesReport(filter)
      expect(report).toMatchObject({ currency: 'USD', total: { price: 10_931_609 } })
      const params = ['Technology', 'New York City']
      expect(await bench.database.rows(BY_TABLE, params)).toEqual([{ price: '10931609' }])
      expect(await bench.database.rows(BY_JOIN, params)).toEqual([{ price: '10931609' }])
      expect((await bench.orders.salesReport()).total).toMatchObject({ price: 229_720_107, orders: 5_009 })
      expect(await bench.orders.verifyOrders()).toMatchObject({ ok: true, problems: [], lag: 0 })
    })

    it('answers its central question from the index', async () => {
      const { analyze, indexOnly } = DIALECTS[engine.name]
      const { sql } = bench.database
      await sql.transaction((tx) => tx.script(analyze))
      const plan = await sql.query(
        `explain select sum(price) from daily_sales_report
         where product_category = 'Technology' and shipping_city = 'New York City'`,
      )
      expect(plan.map((line) => Object.values(line).join(' ')).join('\n')).toMatch(indexOnly)
    })

    it('keeps the day of each order, whatever the time zone', async () => {
      const { rows } = await bench.orders.salesReport({ from: '2017-11-08', to: '2017-11-08', group_by: 'day,city' })
      const henderson = { day: '2017-11-08', city: 'Henderson', price: 99_390, quantity: 5, orders: 1 }
      expect(rows).toContainEqual(expect.objectContaining(henderson))
    })

    it('changes nothing when it is run again', async () => {
      const events = () => bench.database.rows('select sum(last_event_id) as events from log_head')
      const before = await events()
      const result = await bench.orders.importOrders(SUPERSTORE, { map: 'superstore' })
      expect(result).toMatchObject({ orders_imported: 0, lines_imported: 0, orders_known: 5_009, rows_bad: 806 })
      expect(await events()).toEqual(before)
    })
  })

  describe(`import of orders on ${engine.name}`, () => {
    let bench: OrderBench
    let folder: string
    beforeAll(async () => {
      bench = await openOrderBench(engine)
      folder = await mkdtemp(join(tmpdir(), 'fanfold-import-'))
    })
    afterAll(async () => {
      await bench.close()
      await rm(folder, { recursive: true })
    })

    const columns = {
      order_number: 'no',
      order_date: 'date',
      customer_id: 'cid',
      customer_name: 'cname',
      product_id: 'pid',
      product_name: 'pname',
      product_category: 'cat',
      quantity: 'n',
      amount: 'paid',
      discount: 'off',
      city: 'city',
      country: 'country',
    }
    const HEADING = 'no,date,cid,cname,pid,pname,cat,n,paid,off,city,country'

    async function importText(text: string) {
      const file = join(folder, 'orders.csv')
      await writeFile(file, text)
      const bad: BadRow[] = []
      const map = { currency: 'EUR', date_format: 'D.M.YYYY' as const, columns }
      const result = await bench.orders.importOrders(file, { map, onBadRow: (row) => bad.push(row) })
      return { result, bad }
    }

    it('puts the lines of an order together, however they are strewn', async () => {
      const { result, bad } = await importText(
        `${HEADING}
A-1,31.12.2025,c1,Ann,p1,Cup,Kitchen,3,"10.005",0,Bonn,DE
A-2,1.1.2026,c2,Bob,p1,Cup,Kitchen,1,4,0,Köln,DE
A-1,31.12.2025,c1,Ann,p2,Pan,Kitchen,1,80,0.2,Bonn,DE
`,
      )
      expect(bad).toEqual([])
      expect(result).toMatchObject({ orders_imported: 2, lines_imported: 3 })
      const { items } = await bench.orders.list({ customer_id: 'c1' })
      expect(items).toHaveLength(1)
      expect(items[0]).toMatchObject({
        order_number: 'A-1',
        status: 'DELIVERED',
        total_price: 9_001,
        business_day: '2025-12-31',
      })
      expect(items[0]!.items).toMatchObject([
        { product_id: 'p1', quantity: 3, price_at_time_of_purchase: 334, discount: 1, amount: 1_001 },
        { product_id: 'p2', quantity: 1, price_at_time_of_purchase: 10_000, discount: 2_000, amount: 8_000 },
      ])
    })

    it('leaves out an order with a row that cannot be read, and names each of its rows', async () => {
      const { result, bad } = await importText(
        `${HEADING}
B-1,31.12.2025,c1,Ann,p1,Cup,Kitchen,3,10,0,Bonn,DE
B-1,31.12.2025,c1,Ann,p1,Cup,Kitchen,0,10,0,Bonn,DE
B-2,30.2.2025,c1,Ann,p1,Cup,Kitchen,1,10,0,Bonn,DE
B-3,1.2.2025,c1,Ann,p1,Cup,Kitchen,1,ten,0,Bonn,DE
B-4,1.2.2025,c1,Ann,p1,Cup,Kitchen,1,10,0,Bonn,DE
B-4,1.2.2025,c1,Ann,p1,Cup,Kitchen,1,10,0,Köln,DE
B-5,1.2.2025,c1,Ann,p1,Cup,Kitchen,1,10,0,Bonn
B-6,1.2.2025,c1,Ann,p1,Cup,Kitchen,1,10,0,Bonn,DE
`,
      )
      expect(result).toMatchObject({ rows: 8, orders_imported: 1, rows_bad: 7 })
      expect(bad.map(({ line, reason }) => ({ line, reason })).sort((a, b) => a.line - b.line)).toEqual([
        { line: 2, reason: "line 3 of the same order can't be read" },
        { line: 3, reason: 'column "n": "0" is no number of units' },
        { line: 4, reason: 'column "date": "30.2.2025" is no date of the form D.M.YYYY' },
        { line: 5, reason: 'column "paid": "ten" is no amount that can be read' },
        { line: 6, reason: 'order B-4 has both "Bonn" and "Köln"' },
        { line: 7, reason: 'order B-4 has both "Bonn" and "Köln"' },
        { line: 8, reason: 'has 11 columns, not 12' },
      ])
      expect(bad.find(({ line }) => line === 8)?.row).toEqual([
        'B-5',
        '1.2.2025',
        'c1',
        'Ann',
        'p1',
        'Cup',
        'Kitchen',
        '1',
        '10',
        '0',
        'Bonn',
      ])
    })

    it('gives an order of the same day in a later run an id of its own', async () => {
      await importText(`${HEADING}\nC-1,5.5.2024,c1,Ann,p1,Cup,Kitchen,1,10,0,Bonn,DE\n`)
      // A process that starts anew counts the ids of that day from the beginning.
      const { createIdMaker } = await import('../../src/core/ids.ts')
      const { createOrders } = await import('../../src/orders/orders.ts')
      const ids = createIdMaker({ node: 1, clock: bench.database.context.clock })
      const later = createOrders({ ports: bench.ports, ids, clock: bench.database.context.clock })
      const file = join(folder, 'more.csv')
      const rows = Array.from({ length: 12 }, (_, n) => `C-${n},5.5.2024,c1,Ann,p1,Cup,Kitchen,1,10,0,Bonn,DE`)
      await writeFile(file, `${HEADING}\n${rows.join('\n')}\n`)
      const result = await later.importOrders(file, { map: { currency: 'EUR', date_format: 'D.M.YYYY', columns } })
      expect(result).toMatchObject({ orders_imported: 11, orders_known: 1 })
    })

    it('refuses a file or a mapping that cannot be used', async () => {
      const { orders } = bench
      await expect(orders.importOrders(join(folder, 'none.csv'), { map: 'superstore' })).rejects.toMatchObject({
        code: 'invalid_input',
      })
      await expect(importText('a,b\n1,2\n')).rejects.toMatchObject({
        code: 'invalid_input',
        message: expect.stringContaining('"no"'),
      })
      await expect(orders.importOrders('x.csv', { map: 'superstor' })).rejects.toMatchObject({ code: 'invalid_input' })
    })
  })
}
