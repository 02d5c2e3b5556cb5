import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import {
  SALES_DAYS,
  SALES_DIMENSIONS,
  SALES_KINDS,
  type SalesDimension,
  type SalesFact,
  type SalesPlan,
  type SalesQuery,
  type SalesRow,
} from '../../src/orders/ports.ts'
import { addDays } from '../../src/orders/report/calendar.ts'
import { planSales } from '../../src/orders/report/planner.ts'
import { type OrderBench, openOrderBench, orderEngines } from '../setup/orders.ts'
import { seededRandom } from '../setup/random.ts'

/**
 * Claim: whatever is asked, the report says what a plain look at its rows says, from sums as from rows. Method: a shop
 * with every kind of change over some months (payments on later days, cancellations, returns, edits, moves), folded in
 * batches of every size; then random questions, answered by the store both ways and by counting in JavaScript.
 */
const SEED = Number(process.env['FANFOLD_TEST_SEED'] ?? 20_261_122)
const ORDERS = 60
const CITIES = [
  { line1: '1 Main St', city: 'New York', region: 'NY', country: 'US' },
  { line1: '2 Side St', city: 'Boston', region: 'MA', country: 'US' },
  { line1: '3 Rue', city: 'Paris', country: 'FR' },
]
const PRODUCTS = [
  { id: 'camera', category: 'Electronics', price: 999 },
  { id: 'phone', category: 'Electronics', price: 350 },
  { id: 'novel', category: 'Books', price: 101 },
]
const DAY_MS = 86_400_000

async function fillShop(bench: OrderBench, clock: ReturnType<typeof fakeClock>): Promise<void> {
  const random = seededRandom(SEED)
  for (const { id, category, price } of PRODUCTS) await bench.product(id, 100_000, { category, price })
  const open: string[] = []
  for (let n = 0; n < ORDERS; n++) {
    const items = PRODUCTS.slice(0, 1 + random.int(3)).map(({ id }) => ({
      product_id: id,
      quantity: 1 + random.int(4),
    }))
    const order = await bench.place(items, {
      shipping_address: random.pick(CITIES),
      ...(random.int(3) > 0 ? {} : { shipping: [{ label: 'Post', amount: 300 }] }),
      ...(random.int(2) > 0 ? {} : { taxes: [{ label: 'VAT', rate: '19' }], prices_include_tax: random.int(2) === 0 }),
    })
    await clock.advance(random.int(3) * DAY_MS)
    if (random.int(6) > 0) open.push((await bench.pay(order)).order_id)
    for (let change = 0; change < 2 && open.length > 0; change++) await changeOne(bench, random.pick(open), random)
    if (random.int(8) === 0) await bench.fold()
    await clock.advance(random.int(3) * DAY_MS)
  }
  await bench.fold()
}

/** One random change; what the rules refuse changes nothing. */
async function changeOne({ orders }: OrderBench, id: string, random: ReturnType<typeof seededRandom>): Promise<void> {
  const items = [{ line_no: 1, quantity: 1 }]
  const changes = [
    () => orders.cancel(id, { items }),
    () => orders.cancel(id),
    () => orders.ship(id, { items }),
    () => orders.ship(id),
    () => orders.returnItems(id, { items }),
    () => orders.edit(id, { add_items: [{ product_id: random.pick(PRODUCTS).id, quantity: 1 }] }),
    () => orders.changeShippingAddress(id, { shipping_address: random.pick(CITIES) }),
  ]
  await random
    .pick(changes)()
    .catch((error: unknown) => {
      if ((error as { status?: number }).status !== 422) throw error
    })
}

const DIMENSION_OF: Readonly<Record<SalesDimension, (fact: SalesFact, day: string) => string>> = {
  day: (_, day) => day,
  month: (_, day) => day.slice(0, 7),
  category: (fact) => fact.productCategory,
  city: (fact) => fact.shippingCity,
  product: (fact) => fact.productId,
  country: (fact) => fact.shippingCountry,
  region: (fact) => fact.shippingRegion ?? '',
}

interface Counted {
  price: bigint
  tax: bigint
  quantity: number
  orders: number
}

/** The answer, by looking at every row. */
function count(facts: readonly SalesFact[], query: SalesQuery): Map<string, Counted> {
  const dayOf = (fact: SalesFact) => (query.dayOf === 'sale_day' ? fact.saleDay : fact.bookedDay)
  const matching = facts.filter(
    (fact) =>
      (query.productCategory === undefined || fact.productCategory === query.productCategory) &&
      (query.shippingCity === undefined || fact.shippingCity === query.shippingCity) &&
      (query.shippingCountry === undefined || fact.shippingCountry === query.shippingCountry) &&
      (query.productId === undefined || fact.productId === query.productId) &&
      (query.kind === undefined || fact.kind === query.kind),
  )
  const inRange = (day: string) =>
    (query.from === undefined || day >= query.from) && (query.to === undefined || day <= query.to)
  const cellOf = (fact: SalesFact) =>
    query.groupBy.filter((name) => name !== 'day' && name !== 'month').map((name) => DIMENSION_OF[name](fact, ''))
  const groups = new Map<string, Counted>()
  const units = new Map<string, number>()
  const seen = new Set<string>()
  const events = new Map<string, SalesFact[]>()
  for (const fact of matching) {
    const key = JSON.stringify([fact.orderId.toString(), fact.eventNo, cellOf(fact)])
    events.set(key, [...(events.get(key) ?? []), fact])
  }
  const inOrder = [...events.values()].sort(([a], [b]) => a!.eventNo - b!.eventNo)
  for (const rows of inOrder) {
    const [first] = rows
    const key = JSON.stringify([first!.orderId.toString(), cellOf(first!)])
    const before = units.get(key) ?? 0
    const after = before + rows.reduce((sum, { quantity }) => sum + quantity, 0)
    units.set(key, after)
    const day = dayOf(first!)
    if (!inRange(day)) continue
    const group = JSON.stringify(query.groupBy.map((name) => DIMENSION_OF[name](first!, day)))
    const found = groups.get(group) ?? { price: 0n, tax: 0n, quantity: 0, orders: 0 }
    for (const fact of rows) {
      found.price += fact.price
      found.tax += fact.tax
      found.quantity += fact.quantity
    }
    if (query.kind === undefined) found.orders += Number(after > 0) - Number(before > 0)
    else if (!seen.has(`${group} ${first!.orderId}`)) found.orders += 1
    seen.add(`${group} ${first!.orderId}`)
    groups.set(group, found)
  }
  return groups
}

const told = (rows: readonly SalesRow[], { groupBy }: SalesQuery) =>
  new Map(
    rows.map(({ group, price, tax, quantity, orders }) => {
      return [JSON.stringify(groupBy.map((name) => group[name])), { price, tax, quantity, orders }]
    }),
  )

for (const engine of orderEngines()) {
  describe(`the sales report on ${engine.name}, seed ${SEED}`, () => {
    const clock = fakeClock(Date.parse('2025-12-20T10:00:00Z'))
    let bench: OrderBench
    let facts: SalesFact[]
    beforeAll(async () => {
      bench = await openOrderBench(engine, { clock })
      await fillShop(bench, clock)
      facts = []
      for await (const page of bench.ports.report.facts({}, 7)) facts.push(...page)
    }, 120_000)
    afterAll(() => bench.close())

    const maybe = <T>(...values: T[]) => fc.option(fc.constantFrom(...values), { nil: undefined })
    const day = fc.option(
      fc.integer({ min: -10, max: 200 }).map((days) => addDays('2025-12-20', days)),
      { nil: undefined },
    )
    const question: fc.Arbitrary<SalesQuery> = fc.record({
      productCategory: maybe('Electronics', 'Shipping', 'Books'),
      shippingCity: maybe('New York', 'Boston', 'Paris', 'Rome'),
      shippingCountry: fc.option(fc.constant('US'), { nil: undefined, freq: 1 }),
      productId: fc.option(fc.constant('camera'), { nil: undefined, freq: 1 }),
      kind: fc.option(fc.constantFrom(...SALES_KINDS), { nil: undefined, freq: 1 }),
      from: day,
      to: day,
      dayOf: fc.constantFrom(...SALES_DAYS),
      groupBy: fc.subarray([...SALES_DIMENSIONS], { maxLength: 3 }),
    })
    const ask = async (query: SalesQuery, plan: SalesPlan) =>
      told((await bench.ports.report.sales([{ query, plan, rowsMax: 100_000 }])).answers[0]!, query)

    it('has seen every kind of change', () => {
      expect(new Set(facts.map(({ kind }) => kind))).toEqual(new Set(SALES_KINDS))
      expect(new Set(facts.map(({ saleDay }) => saleDay.slice(0, 7))).size).toBeGreaterThan(3)
      expect(facts.filter(({ saleDay, bookedDay }) => saleDay.slice(0, 7) !== bookedDay.slice(0, 7))).not.toEqual([])
    })

    it('says from sums and from rows what counting every row says', async () => {
      let fromSums = 0
      await fc.assert(
        fc.asyncProperty(question, async (query) => {
          const expected = count(facts, query)
          const plan = planSales(query)
          if (plan.source === 'rollups') fromSums += 1
          expect(await ask(query, plan)).toEqual(expected)
          expect(await ask(query, { source: 'facts' })).toEqual(expected)
        }),
        { seed: SEED, numRuns: 250 },
      )
      expect(fromSums).toBeGreaterThan(50)
    }, 120_000)

    it('is what the orders say, and stays it when it is built anew', async () => {
      expect(await bench.orders.verifyOrders()).toMatchObject({ ok: true, problems: [], lag: 0 })
      for (const month of new Set(facts.map(({ saleDay }) => saleDay.slice(0, 7)))) {
        await bench.orders.rebuildReportMonth(month)
      }
      expect(await bench.orders.verifyOrders()).toMatchObject({ ok: true, problems: [], lag: 0 })
    }, 60_000)
  })
}
