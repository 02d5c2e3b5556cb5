import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import { AppError } from '../../src/core/errors.ts'
import { listStatement as mysqlListStatement } from '../../src/engines/mysql/report-facts.ts'
import { listStatement } from '../../src/engines/postgres/report-facts.ts'
import { FACT_COLUMNS } from '../../src/engines/sql/report-facts.ts'
import type { SalesFactQuery } from '../../src/orders/ports.ts'
import type { SalesFactDocument, SalesFactsQuery } from '../../src/orders/schemas.ts'
import { type OrderBench, openOrderBench, orderEngines } from '../setup/orders.ts'

const START = Date.parse('2026-01-20T15:00:00Z')
const DAY_MS = 86_400_000
const CITIES = ['New York', 'Boston', 'Lima']

for (const engine of orderEngines()) {
  describe(`facts of the sales report on ${engine.name}`, () => {
    const clock = fakeClock(START)
    let bench: OrderBench
    let all: SalesFactDocument[]

    async function walk(query: SalesFactsQuery, limit = 50): Promise<SalesFactDocument[]> {
      const found: SalesFactDocument[] = []
      let cursor: string | undefined
      do {
        const page = await bench.orders.salesFacts(query, { limit, cursor })
        expect(page.items.length).toBeLessThanOrEqual(limit)
        found.push(...page.items)
        cursor = page.next_cursor
      } while (cursor !== undefined)
      return found
    }
    const sumOf = (facts: readonly SalesFactDocument[]) => ({
      price: facts.reduce((sum, { amount }) => sum + amount, 0),
      tax: facts.reduce((sum, { tax }) => sum + tax, 0),
      quantity: facts.reduce((sum, { quantity }) => sum + quantity, 0),
    })

    beforeAll(async () => {
      bench = await openOrderBench(engine, { clock, timeZone: 'America/New_York' })
      await bench.product('camera', 500, { category: 'Electronics' })
      await bench.product('lamp', 500, { price: 300, category: 'Electronics' })
      await bench.product('tea', 500, { price: 70, category: 'Food' })
      for (let n = 0; n < 24; n++) {
        const city = CITIES[n % 3]!
        const order = await bench.pay(
          await bench.place(
            [
              { product_id: 'camera', quantity: 1 + (n % 3) },
              { product_id: n % 2 === 0 ? 'lamp' : 'tea', quantity: 2 },
            ],
            {
              shipping_address: { line1: '1 Main St', city, country: city === 'Lima' ? 'PE' : 'US' },
              shipping: [{ label: 'Post', amount: 500 }],
              taxes: [{ label: 'VAT', rate: '10' }],
            },
          ),
        )
        const id = order.order_id
        await clock.advance(DAY_MS)
        if (n % 6 === 1) await bench.orders.cancel(id)
        if (n % 6 === 2) await bench.orders.cancel(id, { items: [{ line_no: 2, quantity: 1 }] })
        if (n % 6 === 3) {
          await bench.orders.ship(id)
          await bench.orders.returnItems(id, { items: [{ line_no: 1, quantity: 1 }], refund_shipping: true })
        }
        if (n % 6 === 4) await bench.orders.edit(id, { add_items: [{ product_id: 'tea', quantity: 1 }] })
        if (n % 6 === 5) {
          const boston = { line1: '2 Side St', city: 'Boston', country: 'US' }
          await bench.orders.changeShippingAddress(id, { shipping_address: boston })
        }
      }
      await bench.fold()
      all = await walk({})
    })
    afterAll(() => bench.close())

    it('are all rows of the report, each once, the last day first, with what they were and when', async () => {
      const [counted] = await bench.database.rows<{ found: bigint }>('select count(*) as found from daily_sales_report')
      expect(all.length).toBe(Number(counted!.found))
      expect(new Set(all.map((fact) => [fact.order_id, fact.event_no, fact.line_no, fact.leg].join())).size).toBe(
        all.length,
      )
      const days = all.map(({ day }) => day)
      expect(days).toEqual([...days].sort().reverse())
      expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(['sale', 'cancel', 'return', 'edit', 'move']))
      expect(await walk({}, 7)).toEqual(all)
      const [fact] = all
      const history = await bench.orders.history(fact!.order_id)
      const event = history.items.find(({ version }) => version === fact!.event_no)
      expect(fact).toMatchObject({ day: fact!.sale_day, recorded_at: event!.timestamp })
      expect(fact).not.toHaveProperty('customer_name')
    })

    const cells = ['category,city', 'day', 'month,category', 'product', 'country,category']
    it.each(['sale_day', 'booked_day'] as const)(
      'of each cell add up to what the report says, by %s',
      async (day_of) => {
        let looked = 0
        for (const group_by of cells) {
          const { rows } = await bench.orders.salesReport({ group_by, day_of })
          for (const row of rows) {
            const { day, month, category, city, product, country, price, tax, quantity } = row
            const query: SalesFactsQuery = {
              day_of,
              ...(category === undefined ? {} : { product_category: category }),
              ...(city === undefined ? {} : { shipping_city: city }),
              ...(product === undefined ? {} : { product_id: product }),
              ...(country === undefined ? {} : { shipping_country: country }),
              ...(day === undefined ? {} : { from: day, to: day }),
              ...(month === undefined
                ? {}
                : { from: `${month}-01`, to: month === '2026-01' ? '2026-01-31' : '2026-02-28' }),
            }
            expect(sumOf(await walk(query, 5)), JSON.stringify(query)).toEqual({ price, tax, quantity })
            looked += 1
          }
        }
        expect(looked).toBeGreaterThan(40)
        const kinds = ['cancel', 'return', 'edit', 'move'] as const
        for (const kind of kinds) {
          const { total } = await bench.orders.salesReport({ kind, day_of, from: '2026-01-25' })
          expect(await walk({ kind, day_of, from: '2026-01-25' }).then(sumOf)).toEqual({
            ...{ price: total.price, tax: total.tax, quantity: total.quantity },
          })
        }
      },
    )

    it('come in pages that neither miss nor repeat, by whatever day', async () => {
      const queries: SalesFactsQuery[] = [
        { day_of: 'booked_day' },
        { product_category: 'Electronics', shipping_city: 'Boston' },
        { product_id: 'camera', to: '2026-02-02' },
        { shipping_country: 'US', kind: 'sale', from: '2026-01-22' },
        { currency: 'USD', shipping_city: 'Lima' },
      ]
      for (const query of queries) {
        const whole = await walk(query, 100)
        expect(await walk(query, 3), JSON.stringify(query)).toEqual(whole)
        expect(whole.length).toBeGreaterThan(3)
        expect(whole.every(({ day, booked_day, sale_day }) => day === (query.day_of ? booked_day : sale_day))).toBe(
          true,
        )
      }
      expect(await walk({ shipping_city: 'Nowhere' })).toEqual([])
      expect(await walk({ currency: 'EUR' })).toEqual([])
      // Only its own region would do: these addresses have none.
      expect(await walk({ shipping_region: 'NY' })).toEqual([])
    })

    it('are refused where the question is none, or the cursor of another one', async () => {
      const refused = (query: object, page = {}) => expect(bench.orders.salesFacts(query, page)).rejects
      for (const query of [
        { from: '2026-02-30' },
        { from: '2026-02-02', to: '2026-02-01' },
        { group_by: 'day' },
        { top: 3 },
        { kind: 'gift' },
        { product_category: ' ' },
      ]) {
        await refused(query).toMatchObject({ code: 'invalid_input' })
      }
      const { next_cursor: cursor } = await bench.orders.salesFacts({ kind: 'sale' }, { limit: 1 })
      await refused({ kind: 'edit' }, { cursor }).toMatchObject({ code: 'invalid_cursor' })
      const [list] = JSON.parse(Buffer.from(cursor!, 'base64url').toString()) as string[]
      for (const key of [
        ['2026-02-30', '1', '1', '1', '1'],
        ['2026-02-01', 'x', '1', '1', '1'],
        ['2026-02-01', '1', '1.5', '1', '1'],
        ['2026-02-01', '1', '1', '1', '99999999999'],
      ]) {
        const forged = Buffer.from(JSON.stringify([list, ...key])).toString('base64url')
        await refused({ kind: 'sale' }, { cursor: forged }).toMatchObject({ code: 'invalid_cursor' })
      }
    })

    const by = (query: Partial<SalesFactQuery>): SalesFactQuery => ({ dayOf: 'sale_day', ...query })
    const cell = { productCategory: 'Electronics', shippingCity: 'Boston' }
    const planned: [SalesFactQuery, RegExp, RegExp][] = [
      [by({}), /sale_day_idx/, /daily_sales_report_days/],
      [by(cell), /Index Cond:.*product_category = .*shipping_city = /, /daily_sales_report_cell/],
      [
        by({ ...cell, from: '2025-10-01', to: '2026-01-31' }),
        /Index Cond:.*product_category = .*shipping_city = /,
        /daily_sales_report_cell/,
      ],
      [by({ productId: 'tea' }), /Index Cond:.*product_id = /, /daily_sales_report_product/],
      [by({ dayOf: 'booked_day' }), /booked_day_idx/, /daily_sales_report_booked/],
    ]
    const LATER = { day: '2026-01-25', orderId: 2n ** 60n, eventNo: 2, lineNo: 1, leg: 1 }
    const starts = [undefined, LATER]

    it.runIf(engine.hasPartitions)('are read from an index, and sorted within a day at most', async () => {
      const plans: [string, RegExp][] = []
      const explained = bench.database.sql.transaction(async (tx) => {
        // With so few rows, reading the table would do as well.
        await tx.query(`
          insert into daily_sales_report_gen (generation, ${FACT_COLUMNS})
          select generation, shard, booked_day - n / 2, order_id + n, event_no, line_no, leg, kind, sale_day - n / 2, order_date,
            customer_name, case n % 10 when 0 then product_id else 'p' || n end, product_name,
            case n % 10 when 0 then product_category else 'Others' end, quantity, price, tax, currency, shipping_country,
            shipping_region, case n % 10 when 0 then shipping_city else 'Elsewhere' end
          from daily_sales_report_gen cross join generate_series(1, 200) as n`)
        await tx.script('analyze daily_sales_report_gen')
        for (const [query, index] of planned) {
          for (const after of starts) {
            const { text, params } = listStatement(query, after, 21)
            const plan = await tx.query<{ 'QUERY PLAN': string }>(`explain ${text}`, params)
            plans.push([`${JSON.stringify(query)}\n${plan.map((line) => line['QUERY PLAN']).join('\n')}`, index])
          }
        }
        throw new AppError('internal', 'undone')
      })
      await expect(explained).rejects.toThrow('undone')
      expect(plans).toHaveLength(planned.length * starts.length)
      for (const [lines, index] of plans) {
        expect(lines).not.toMatch(/Seq Scan|Bitmap/)
        expect(lines).toMatch(index)
        expect(lines).toMatch(/Incremental Sort/)
        expect(lines).toMatch(/order_history_shard_order_id_version_key/)
      }
    })

    it.skipIf(engine.hasPartitions)('are read from an index, in its order', async () => {
      for (const [query, , index] of planned) {
        for (const after of starts) {
          const { text, params } = mysqlListStatement(query, after, 21)
          const steps = await bench.database.sql.query<Partial<Record<'select_type' | 'key' | 'Extra', string>>>(
            `explain ${text}`,
            params,
          )
          const page = steps.find((step) => step.select_type === 'DERIVED')
          expect(page?.key, JSON.stringify(query)).toMatch(index)
          expect(page?.Extra ?? '', JSON.stringify(query)).not.toContain('filesort')
          expect(steps.map(({ key }) => key)).toContain('order_history_version_key')
        }
      }
    })
  })
}
