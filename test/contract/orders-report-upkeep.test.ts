import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { FACT_COLUMNS } from '../../src/engines/sql/report-facts.ts'
import { rebuild } from '../../src/log/projector.ts'
import { type OrderBench, openOrderBench, orderEngines } from '../setup/orders.ts'

const DAY_MS = 86_400_000

const PARTITIONS = `
select c.relname as name, (select count(*)::int from daily_sales_report_gen d where d.tableoid = c.oid) as rows
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'daily_sales_report_gen'::regclass order by 1`

for (const engine of orderEngines()) {
  describe(`tables of the sales report on ${engine.name}`, () => {
    const clock = fakeClock(Date.parse('2026-01-10T10:00:00Z'))
    let bench: OrderBench
    /** One order of 30.00 on the 10th of January, February and March, the first of them returned in March. */
    let orders: string[]
    const total = async (query = {}) => (await bench.orders.salesReport(query)).total
    const sell = async () => {
      const order = await bench.pay(await bench.place([{ product_id: 'camera', quantity: 3 }]))
      await bench.orders.ship(order.order_id)
      return order.order_id
    }
    beforeAll(async () => {
      bench = await openOrderBench(engine, { clock })
      await bench.product('camera', 10_000)
      orders = [await sell()]
      for (const days of [31, 28]) {
        await clock.advance(days * DAY_MS)
        orders.push(await sell())
      }
      await bench.orders.returnItems(orders[0]!, { items: [{ line_no: 1, quantity: 1 }] })
      await bench.fold()
    })
    afterAll(() => bench.close())
    const verified = async (archived_months: string[] = []) =>
      expect(await bench.orders.verifyOrders()).toMatchObject({ problems: [], lag: 0, archived_months })

    it.runIf(engine.hasPartitions)(
      'get a partition for each month that has rows, for this month and two ahead, and the rows move there',
      async () => {
        expect(await bench.database.sql.query(PARTITIONS)).toEqual([
          { name: 'daily_sales_report_gen_default', rows: 4 },
        ])
        expect(await bench.orders.extendReport()).toBe(5)
        expect(await bench.database.sql.query(PARTITIONS)).toEqual([
          { name: 'daily_sales_report_gen_2026_01', rows: 2 },
          { name: 'daily_sales_report_gen_2026_02', rows: 1 },
          { name: 'daily_sales_report_gen_2026_03', rows: 1 },
          { name: 'daily_sales_report_gen_2026_04', rows: 0 },
          { name: 'daily_sales_report_gen_2026_05', rows: 0 },
          { name: 'daily_sales_report_gen_default', rows: 0 },
        ])
        expect(await bench.orders.extendReport()).toBe(0)
        await sell()
        await bench.fold()
        expect((await bench.database.sql.query(PARTITIONS))[2]).toMatchObject({ rows: 2 })
        await verified()
      },
    )

    it.skipIf(engine.hasPartitions)('need nothing made ahead of time where there are no partitions', async () => {
      expect(await bench.orders.extendReport()).toBe(0)
      await sell()
      await bench.fold()
      expect((await total({ group_by: 'month' })).orders).toBe(4)
      await verified()
    })

    it.runIf(engine.hasPartitions)('answer sum(price) of a category and a city from the index alone', async () => {
      const { sql } = bench.database
      const others = FACT_COLUMNS.replace('order_id', 'order_id + n')
        .replace('product_category', `'category ' || n % 40`)
        .replace('shipping_city', `'city ' || n % 50`)
      let plan: { 'QUERY PLAN': string }[] = []
      let filled: { partition: string }[] = []
      const undone = sql.transaction(async (tx) => {
        // With few rows any index would do, and reading the table as well.
        await tx.query(`insert into daily_sales_report_gen (generation, ${FACT_COLUMNS})
          select generation, ${others} from daily_sales_report_gen, generate_series(1, 200) n`)
        await tx.script(
          'analyze daily_sales_report_gen; set local enable_seqscan = off; set local enable_bitmapscan = off',
        )
        filled = await tx.query('select distinct tableoid::regclass::text as partition from daily_sales_report_gen')
        plan = await tx.query(
          `explain select sum(price) from daily_sales_report where product_category = $1 and shipping_city = $2`,
          ['Electronics', 'New York'],
        )
        throw new Error('only to look')
      })
      await expect(undone).rejects.toThrow('only to look')
      const scans = plan.map((line) => line['QUERY PLAN']).filter((line) => line.includes('Scan'))
      // Of an empty one any index will do.
      const ofFacts = scans.filter((line) => filled.some(({ partition }) => line.includes(` on ${partition} `)))
      expect(ofFacts.length).toBeGreaterThan(1)
      for (const scan of ofFacts) expect(scan).toMatch(/Index Only Scan/)
    })

    const damages: [what: string, statement: string][] = [
      ['a wrong amount', `update daily_sales_report_gen set price = price + 7 where sale_day < '2026-02-01'`],
      ['a missing row', `delete from daily_sales_report_gen where sale_day < '2026-02-01' and kind = 'return'`],
      [
        'a row of no order',
        `insert into daily_sales_report_gen (generation, ${FACT_COLUMNS})
        select generation, ${FACT_COLUMNS.replace('order_id', '4611686018427387904')}
        from daily_sales_report_gen where sale_day < '2026-02-01'`,
      ],
      ['a wrong city', `update daily_sales_report_gen set shipping_city = 'Rome' where sale_day < '2026-02-01'`],
      [
        'wrong sums',
        `update sales_rollups set sale_price = sale_price + 1, booked_orders = 9
        where starts < '2026-02-01' or (period = 'day' and booked_facts <> sale_facts)`,
      ],
      ['missing sums', `delete from sales_rollups where starts < '2026-02-01'`],
    ]
    for (const [what, statement] of damages) {
      it(`are mended by rebuilding the month: ${what}`, async () => {
        const before = await total({ group_by: 'month', day_of: 'booked_day' })
        await bench.database.rows(statement)
        expect((await bench.orders.verifyOrders()).ok).toBe(false)
        expect(await bench.orders.rebuildReportMonth('2026-01')).toBe(2)
        await verified()
        expect(await total({ group_by: 'month', day_of: 'booked_day' })).toEqual(before)
      })
    }

    it('are the same after a month was rebuilt twice', async () => {
      const all = async () => [
        await bench.database.rows('select * from daily_sales_report order by order_id, event_no, leg'),
        await bench.database.rows(
          'select * from sales_rollups order by generation, grain, period, starts, shard, product_category, shipping_city, product_id',
        ),
      ]
      const before = await all()
      for (let n = 0; n < 2; n++) await bench.orders.rebuildReportMonth('2026-03')
      expect(await all()).toEqual(before)
    })

    it('are archived by whole months, and sums go on counting them', async () => {
      const before = await bench.orders.salesReport({ group_by: 'month' })
      const archived = await bench.orders.archiveReport('2026-02')
      expect(archived).toMatchObject([{ month: '2026-01', table: 'daily_sales_report_archive_2026_01', facts: 2 }])
      expect(await bench.orders.archivedMonths()).toEqual(archived)
      expect((await bench.orders.salesReport({ group_by: 'month' })).rows).toEqual(before.rows)
      const [seen] = await bench.database.rows(
        `select count(*) as facts, (select count(*) from daily_sales_report_archive_2026_01) as archived
         from daily_sales_report where sale_day < '2026-02-01'`,
      )
      expect(seen).toEqual({ facts: 0n, archived: 2n })
      expect(await bench.orders.verifyOrders()).toMatchObject({ problems: [], archived_months: ['2026-01'] })
    })

    it('hold no name of a customer in their archives', async () => {
      const [row] = await bench.database.rows('select * from daily_sales_report_archive_2026_01')
      expect(row).toHaveProperty('product_name')
      expect(row).not.toHaveProperty('customer_name')
    })

    it('refuse what needs archived rows, and answer the rest', async () => {
      const refused = { code: 'report_archived', data: { months: ['2026-01'] } }
      const ask = (query: object) => bench.orders.salesReport(query)
      await expect(ask({ group_by: 'country' })).rejects.toMatchObject(refused)
      await expect(ask({ kind: 'sale', from: '2026-01-31' })).rejects.toMatchObject(refused)
      await expect(ask({ kind: 'return', day_of: 'booked_day', from: '2026-03-01' })).rejects.toMatchObject(refused)
      await expect(bench.orders.rebuildReportMonth('2026-01')).rejects.toMatchObject(refused)
      await expect(bench.orders.salesFactsCsv().next()).rejects.toMatchObject(refused)
      expect((await ask({ kind: 'sale', from: '2026-02-01' })).total).toMatchObject({ orders: 3 })
    })

    it('keep what archived orders booked in a month that is rebuilt', async () => {
      const booked = async () => (await bench.orders.salesReport({ group_by: 'day', day_of: 'booked_day' })).rows
      const before = await booked()
      expect(before.find(({ day }) => day === '2026-03-10')).toMatchObject({ orders: 2 })
      await bench.orders.rebuildReportMonth('2026-03')
      expect(await booked()).toEqual(before)
      await verified(['2026-01'])
    })

    it('take late rows of an archived month, which count', async () => {
      const before = await total()
      await bench.orders.returnItems(orders[0]!, { items: [{ line_no: 1, quantity: 2 }] })
      await bench.fold()
      expect(await total()).toMatchObject({ price: before.price - 2_000, orders: before.orders - 1 })
      expect(await total({ to: '2026-01-31' })).toMatchObject({ price: 0, quantity: 0, orders: 0 })
      expect(await bench.orders.verifyOrders()).toMatchObject({ problems: [] })
      expect(await bench.orders.extendReport()).toBe(0)
      expect(await bench.orders.archiveReport('2026-02')).toMatchObject([{ month: '2026-01', facts: 3 }])
      expect(await bench.orders.verifyOrders()).toMatchObject({ problems: [], archived_months: ['2026-01'] })
    })

    it('have the rows of all months again after a rebuild of everything', async () => {
      const before = await bench.orders.salesReport({ group_by: 'month' })
      await rebuild({ store: bench.ports.log, logger: silentLogger }, bench.ports.projections[0]!)
      expect((await bench.orders.salesReport({ group_by: 'month' })).rows).toEqual(before.rows)
      expect(await bench.orders.archivedMonths()).toEqual([])
      expect(await bench.orders.extendReport()).toBe(engine.hasPartitions ? 1 : 0)
      expect(await bench.orders.verifyOrders()).toMatchObject({ problems: [], archived_months: [] })
      expect(await bench.orders.archiveReport('2026-02')).toMatchObject([{ month: '2026-01', facts: 3 }])
    })

    it('are not archived before their month is over, nor while a rebuild is under way', async () => {
      await expect(bench.orders.archiveReport('2026-04')).rejects.toMatchObject({ code: 'invalid_input' })
      await expect(bench.orders.archiveReport('2026-13')).rejects.toMatchObject({ code: 'invalid_input' })
      const { log, projections } = bench.ports
      await log.startGeneration(projections[0]!.name, projections[0]!.version)
      await expect(bench.orders.archiveReport('2026-03')).rejects.toMatchObject({ code: 'report_busy' })
    })

    it('are written as CSV, row by row', async () => {
      const pieces: string[] = []
      const seen: [number, number][] = []
      const range = { from: '2026-03-01', to: '2026-03-31' }
      for await (const piece of bench.orders.salesFactsCsv(range, (done, all) => seen.push([done, all])))
        pieces.push(piece)
      const lines = pieces.join('').trimEnd().split('\n')
      expect(lines[0]).toMatch(/^booked_day,order_id,event_no,.*shipping_city$/)
      expect(lines).toHaveLength(3)
      expect(lines[1]).toContain(',sale,2026-03-10,')
      expect(seen.at(-1)).toEqual([2, 2])
    })
  })
}
