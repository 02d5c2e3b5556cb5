import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BadRow } from '../../src/core/file-rows.ts'
import { CSV_FORMS } from '../../src/orders/export/rows.ts'
import type { PlaceOrder } from '../../src/orders/schemas.ts'
import { until } from '../../src/testing/until.ts'
import { type OrderBench, openOrderBench, orderEngines } from '../setup/orders.ts'
import { buildScript, type Script } from '../setup/script.ts'

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
}

/** The value without some members, however deep. */
function without(value: unknown, names: readonly string[]): unknown {
  const text = JSON.stringify(value, (name, member: unknown) => (names.includes(name) ? undefined : member))
  return JSON.parse(text)
}

/** What an import can't bring back: ids and times of this database, the origin, and how the goods left. */
const OWN = ['order_id', 'line_item_id', 'version', 'created_at', 'updated_at', 'origin', 'shipments', 'payments']

for (const engine of orderEngines()) {
  describe(`files of products, customers and orders on ${engine.name}`, () => {
    let bench: OrderBench
    let folder: string
    beforeAll(async () => {
      bench = await openOrderBench(engine, { timeZone: 'America/New_York' })
      folder = await mkdtemp(join(tmpdir(), 'fanfold-transfer-'))
    })
    afterAll(async () => {
      await bench.close()
      await rm(folder, { recursive: true })
    })

    async function fileOf(name: string, text: string): Promise<string> {
      const file = join(folder, name)
      await writeFile(file, text)
      return file
    }
    const collect = () => {
      const bad: BadRow[] = []
      return { bad, onBadRow: (row: BadRow) => void bad.push(row) }
    }

    it('bring products with prices and stock, once, and change them only when asked', async () => {
      const { orders } = bench
      const text = `product_id,sku,name,category,price,currency,prices,active,stock
tent,T-1,"Tent, ""large""",Outdoor,19900,EUR,"{""USD"":21900}",true,7
mat,,Mat,Outdoor,1900,EUR,,true,"{""main"":3}"
bad price,,X,Y,1,EUR,,true,
rope,,Rope,Outdoor,-5,EUR,,true,
cord,T-1,Cord,Outdoor,5,EUR,,true,
peg,,Peg,Outdoor,5,XXX,,true,
pan,,Pan,Outdoor,5,EUR,,true,"{""nowhere"":1}"
tent,,Again,Outdoor,5,EUR,,true,
`
      const file = await fileOf('products.csv', text)
      const { bad, onBadRow } = collect()
      const report = await orders.importProducts(file, { onBadRow })
      expect(report).toEqual({ rows: 8, products_added: 2, products_changed: 0, products_known: 0, rows_bad: 6 })
      expect(bad.map(({ line }) => line).sort()).toEqual([4, 5, 6, 7, 8, 9])
      expect(bad.every(({ reason, row }) => reason.length > 5 && row.length === 9)).toBe(true)
      expect(await orders.getProduct('tent')).toMatchObject({
        name: 'Tent, "large"',
        price: 19_900,
        prices: { USD: 21_900 },
        version: 1,
      })
      expect(await orders.getStock('tent')).toMatchObject({ on_hand: 7, available: 7 })

      const changed = await fileOf(
        'products.jsonl',
        `{"product_id":"tent","sku":"T-1","name":"Tent","category":"Outdoor","price":18900,"currency":"EUR","stock":9}
{"product_id":"mat","sku":"mat","name":"Mat","category":"Outdoor","price":1900,"currency":"EUR"}
{"product_id":"mat"
["no object"]
`,
      )
      expect(await orders.importProducts(changed)).toMatchObject({ products_known: 2, rows_bad: 2 })
      expect(await orders.getProduct('tent')).toMatchObject({ price: 19_900 })
      expect(await orders.importProducts(changed, { update: true })).toMatchObject({
        products_changed: 1,
        products_known: 1,
      })
      expect(await orders.getProduct('tent')).toMatchObject({ name: 'Tent', price: 18_900, prices: {}, version: 2 })
      expect(await orders.getStock('tent')).toMatchObject({ on_hand: 9 })
      expect(await orders.importProducts(changed, { update: true })).toMatchObject({ products_changed: 0 })
    })

    it('bring customers with addresses, once, and change them only when asked', async () => {
      const { orders } = bench
      const text = `customer_id,name,email,guest,addresses
eva,Éva,eva@example.com,false,"[{""address_id"":""a1"",""line1"":""Út 1"",""city"":""Pécs"",""country"":""HU""}]"
tom,Tom,,,
nemo,,,,
tim,Tim,not-an-address,,
`
      const file = await fileOf('customers.csv', text)
      expect(await orders.importCustomers(file)).toMatchObject({ rows: 4, customers_added: 2, rows_bad: 2 })
      expect((await orders.listAddresses('eva')).items).toMatchObject([{ address_id: 'a1', line1: 'Út 1' }])
      const changed = await fileOf('customers.jsonl', '{"customer_id":"tom","name":"Thomas","email":"t@example.com"}')
      expect(await orders.importCustomers(changed)).toMatchObject({ customers_known: 1 })
      expect(await orders.getCustomer('tom')).toMatchObject({ name: 'Tom', version: 1 })
      expect(await orders.importCustomers(changed, { update: true })).toMatchObject({ customers_changed: 1 })
      expect(await orders.getCustomer('tom')).toMatchObject({ name: 'Thomas', email: 't@example.com', version: 2 })
    })

    it('go out and come into another database as they were', async () => {
      const { orders } = bench
      await bench.product('lamp', 100, { price: 1_999 })
      await bench.product('cmd', 100)
      const place: Partial<PlaceOrder>[] = [
        {},
        {
          discounts: [{ label: 'Spring', code: 'SPRING', type: 'percentage', value: '12.5' }],
          shipping: [{ label: 'Parcel', amount: 499 }],
          taxes: [{ label: 'VAT', rate: '8.875', shipping: true }],
          prices_include_tax: true,
          billing: { name: 'Ada, "the first"', line1: '=1+1', city: 'Rome', country: 'IT', company: 'A\nB' },
          gift: { message: 'für dich', wrap: true },
          note: '-2+3, "quoted"\nand more',
          metadata: { a: '@b' },
        } as Partial<PlaceOrder>,
      ]
      for (const more of place) {
        const items = [
          { product_id: 'lamp', quantity: 3 },
          { product_id: 'cmd', quantity: 1 },
        ]
        const paid = await bench.pay(await bench.place(items, more))
        await orders.ship(paid.order_id, {})
        await orders.deliver(paid.order_id, {})
      }
      const open = await bench.place([{ product_id: 'lamp', quantity: 1 }])

      const exported = await all(orders.exportOrders())
      expect(exported.map((order) => order.order_id)).toEqual([...exported.map((order) => order.order_id)].sort())
      expect(exported).toHaveLength(3)
      const today = exported[0]!.business_day
      expect(await all(orders.exportOrders({ from: today, to: today }))).toEqual(exported)
      expect(await all(orders.exportOrders({ from: '2079-01-01' }))).toEqual([])

      for (const format of ['csv', 'jsonl'] as const) {
        const write = async <Document extends object>(
          name: string,
          documents: AsyncIterable<Document>,
          form: { heading(): string; rows(document: Document): string },
        ) => {
          const list = await all(documents)
          const csv = form.heading() + list.map((document) => form.rows(document)).join('')
          const jsonl = list.map((document) => `${JSON.stringify(document)}\n`).join('')
          return fileOf(`${name}.${format}`, format === 'csv' ? csv : jsonl)
        }
        const files = {
          products: await write('p', orders.exportProducts(), CSV_FORMS.products()),
          customers: await write('c', orders.exportCustomers(), CSV_FORMS.customers()),
          orders: await write('o', orders.exportOrders(), CSV_FORMS.orders()),
        }
        const other = await openOrderBench(engine, { timeZone: 'Asia/Tokyo' })
        try {
          await other.orders.importProducts(files.products)
          await other.orders.importCustomers(files.customers)
          const { bad, onBadRow } = collect()
          const report = await other.orders.importOrders(files.orders, { onBadRow })
          expect(report).toMatchObject({ orders_imported: 2, rows_bad: 1 })
          expect(bad[0]!.reason).toContain('the order is PENDING')
          expect(String(bad[0]!.row)).toContain(open.order_number)
          const theirs = await all(other.orders.exportOrders())
          const finished = exported.filter((order) => order.status === 'DELIVERED')
          expect(without(theirs, OWN), format).toEqual(without(finished, OWN))
          const products = await all(other.orders.exportProducts())
          expect(without(products, OWN)).toEqual(without(await all(orders.exportProducts()), OWN))
          const customers = await all(other.orders.exportCustomers())
          expect(without(customers, OWN)).toEqual(without(await all(orders.exportCustomers()), OWN))
          await other.fold()
          expect(await other.orders.verifyOrders()).toMatchObject({ ok: true })
        } finally {
          await other.close()
        }
      }
    })

    it('have a history whose chain anybody can check', async () => {
      const entries = await all(bench.orders.exportHistory())
      const versions = entries.map(({ order_id: id, version }) => `${id} ${String(version).padStart(6, '0')}`)
      expect(versions).toEqual([...versions].sort())
      const docs = await readFile(new URL('../../docs/order-files.md', import.meta.url), 'utf8')
      const program = await fileOf('check.mjs', /^```js\n([\s\S]*?)^```$/m.exec(docs)![1]!)
      const check = async (lines: readonly object[]) => {
        await fileOf('history.jsonl', lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
        return spawnSync(process.execPath, [program], { cwd: folder, encoding: 'utf8' })
      }
      expect(await check(entries)).toMatchObject({ status: 0, stderr: '' })
      const last = entries.at(-1)!
      const forged = [...entries.slice(0, -1), { ...last, details: { ...last.details, amount: 1 } }]
      expect((await check(forged)).stderr).toContain(`order ${last.order_id} was changed at version ${last.version}`)
      const gap = entries.findIndex((entry) => entry.version === 2)
      expect((await check(entries.filter((_, index) => index !== gap))).stderr).toContain('was changed at version 3')
      expect(entries.length).toBeGreaterThan(6)
    })

    it('lose no row of a file, however broken it is', async () => {
      const rows = [
        'N-1,2026-01-05T10:00:00Z,ada,USD,Rome,IT,lamp,Lamp,Light,1,100',
        'N-1,2026-01-05T10:00:00Z,ada,USD,Rome,IT,cmd,Cmd,Light,2,100',
        'N-2,2026-01-05T10:00:00Z,ada,USD,Rome,IT,lamp,Lamp,Light,1',
        'N-3,2026-01-05T10:00:00Z,ada,USD,Rome,IT,lamp,Lamp "new,Light,1,100',
        '',
        '"N-4",2026-01-05T10:00:00Z,ada,USD,"Ro\nme",IT,lamp,"La""mp",Light,1,100',
        'N-5,yesterday,ada,USD,Rome,IT,lamp,Lamp,Light,1,100',
        'N-1,2026-01-05T10:00:00Z,ada,USD,Paris,IT,lamp,Lamp,Light,1,100',
        'N-6,2026-01-05T10:00:00Z,ada,USD,Rome,IT,lamp,4111 1111 1111 1111,Light,1,100',
        'N-7,2026-01-05T10:00:00Z,ada,USD,Rome,IT,lamp,Lamp,Light,1,100',
      ]
      const heading =
        'order_number,order_date,customer_id,currency,shipping_city,shipping_country,product_id,product_name,' +
        'product_category,quantity,price_at_time_of_purchase'
      for (const end of ['\n', '\r\n']) {
        const file = await fileOf('broken.csv', `\ufeff${[heading, ...rows].join(end)}`)
        const { bad, onBadRow } = collect()
        const report = await bench.orders.importOrders(file, { onBadRow })
        expect(report.lines_imported + report.lines_known + report.rows_bad).toBe(9)
        expect(report.orders_imported + report.orders_known).toBe(2)
        expect(bad.map((row) => (typeof row.row === 'string' ? row.row : row.row[0])).join()).toContain('N-5')
        expect(bad.every(({ line, reason }) => line > 1 && reason.length > 5)).toBe(true)
        expect(JSON.stringify(bad.map((row) => row.reason))).not.toContain('4111')
      }
    })
  })
}

/** Who is at work in the database of a connection, besides itself. */
const BUSY = {
  postgres: `select 1 from pg_stat_activity where datname = current_database() and state = 'active'
    and pid <> pg_backend_pid()`,
  mariadb: `select 1 from information_schema.processlist where db = database() and id <> connection_id()
    and (command <> 'Sleep' or id in (select trx_mysql_thread_id from information_schema.innodb_trx))`,
} as const

for (const engine of orderEngines().filter(({ name }) => name !== 'pglite')) {
  describe(`an import that is killed on ${engine.name}`, () => {
    let bench: OrderBench
    let folder: string
    let script: Script
    beforeAll(async () => {
      bench = await openOrderBench(engine)
      folder = await mkdtemp(join(tmpdir(), 'fanfold-killed-'))
      script = await buildScript(new URL('./orders-importer.ts', import.meta.url))
    })
    afterAll(async () => {
      await bench.close()
      await script.remove()
      await rm(folder, { recursive: true })
    })

    it('is completed by the next run, with everything there once', { timeout: 180_000 }, async () => {
      const ORDERS = 6_000
      const heading =
        'order_number,order_date,customer_id,currency,shipping_city,shipping_country,product_id,product_name,' +
        'product_category,quantity,price_at_time_of_purchase'
      const row = (n: number, line: number) =>
        `K-${n},2025-02-${String(1 + (n % 28)).padStart(2, '0')}T08:00:00Z,c${n % 500},USD,Rome,IT,p${line},P,Light,${line},${n}`
      // The second lines of all orders stand behind the first ones of many others.
      const rows = Array.from({ length: ORDERS }, (_, n) => [row(n, 1), row(n - (n % 1_000) + ((n * 7) % 1_000), 2)])
      const file = join(folder, 'many.csv')
      await writeFile(file, `${heading}\n${rows.flat().join('\n')}\n`)

      let killed = 0
      for (let run = 1; run <= 3; run++) {
        let stored = 0
        const begun = script.start([bench.database.url, file, String(run + 1)], (message) => {
          stored = (message as { ordersImported: number }).ordersImported
          if (stored > 0) void begun.kill()
        })
        if ((await begun.ended) === 'SIGKILL') killed += 1
      }
      expect(killed).toBeGreaterThan(0)
      // What was under way is still finished, or undone, by the server.
      const busy = BUSY[engine.name as keyof typeof BUSY]
      await until('the server is done', async () => (await bench.database.rows(busy)).length === 0)
      const [there] = await bench.database.rows<{ n: bigint }>('select count(*) as n from orders')
      expect(there!.n).toBeGreaterThan(0n)
      expect(there!.n).toBeLessThan(BigInt(ORDERS))

      const report = await bench.orders.importOrders(file)
      expect(report).toMatchObject({ rows: 2 * ORDERS, rows_bad: 0 })
      expect(report.orders_known).toBe(Number(there!.n))
      expect(report.orders_imported).toBe(ORDERS - Number(there!.n))
      const counts = await bench.database.rows(
        `select (select count(*) from orders) as placed, (select count(*) from order_line_items) as bought,
           (select count(*) from order_history) as entries,
           (select sum(last_event_id) from log_head where log = 'orders') as numbered`,
      )
      const all = BigInt(ORDERS)
      expect(counts).toEqual([{ placed: all, bought: 2n * all, entries: all, numbered: String(ORDERS) }])
      await bench.fold()
      expect(await bench.orders.verifyOrders()).toMatchObject({ ok: true })
    })
  })
}
