import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { rebuild } from '../../src/log/projector.ts'
import type { PlaceOrder } from '../../src/orders/schemas.ts'
import { createGate } from '../../src/testing/gate.ts'
import { until } from '../../src/testing/until.ts'
import { orderTables } from '../setup/order-tables.ts'
import { type OrderBench, openOrderBench, orderEngines } from '../setup/orders.ts'

// Nothing else in a database reads like these.
const NAME = 'Wilhelmina Erasmus'
const EMAIL = 'wilhelmina.to.be.erased@example.com'
const STREET = '77 Forgotten Lane'
const WORD = 'erasmus'
const WORDS = ['ilhelmina', 'WILHELMINA', 'Erasmus', 'erasmus', 'to.be.erased', 'Forgotten', 'PostalX1', 'SecretNote']

const ADDRESS = { name: NAME, line1: STREET, city: 'New York', region: 'NY', postal_code: 'PostalX1', country: 'US' }

for (const engine of orderEngines()) {
  describe(`erasing a customer on ${engine.name}`, () => {
    let bench: OrderBench
    let orderIds: string[]
    beforeAll(async () => {
      bench = await openOrderBench(engine)
    })
    afterAll(() => bench.close())

    /** The tables with a row that holds one of the words anywhere, also in bytes, whatever tables there are. */
    async function named(words: readonly string[] = WORDS): Promise<string[]> {
      const tables = orderTables(engine, bench.database)
      expect(await tables.names()).toEqual(
        expect.arrayContaining(['customers', 'orders', 'order_search', 'order_history']),
      )
      return tables.naming(words)
    }

    const figures = async () => {
      const { comparison: _, ...report } = (await bench.orders.salesReport()) as Record<string, unknown>
      return {
        total: report['total'] ?? report['totals'],
        price: await bench.database.sql.query(
          `select currency, cast(sum(price) as decimal(20)) as price, cast(sum(tax) as decimal(20)) as tax,
           cast(sum(quantity) as decimal(20)) as quantity
         from daily_sales_report group by currency order by currency`,
        ),
      }
    }
    const more = (): Partial<PlaceOrder> => ({
      customer_id: 'wil',
      shipping_address: ADDRESS,
      billing: { ...ADDRESS, email: EMAIL },
      gift: { message: `from ${NAME}` },
      note: 'SecretNote',
      metadata: { who: NAME },
    })

    it('is tried on one whom every table of the order model names that can', async () => {
      const { orders } = bench
      await orders.createCustomer({ customer_id: 'wil', name: NAME, email: EMAIL }, { idempotencyKey: 'new-wil' })
      const address = await orders.addAddress('wil', ADDRESS, { idempotencyKey: 'address-wil' })
      await bench.product('lamp', 1_000)
      await bench.place([{ product_id: 'lamp', quantity: 5 }])
      const paid = await bench.pay(await bench.place([{ product_id: 'lamp', quantity: 2 }], more(), 'place-1'))
      await orders.changeShippingAddress(
        paid.order_id,
        { shipping_address: { ...ADDRESS, line1: `${STREET}, rear` } },
        { idempotencyKey: 'move-1' },
      )
      await orders.ship(paid.order_id, {}, { idempotencyKey: 'ship-1' })
      const { shipping_address: _, ...rest } = more()
      const other = await bench.orders.place(
        {
          ...rest,
          customer_id: 'wil',
          items: [{ product_id: 'lamp', quantity: 1 }],
          shipping_address_id: address.address_id,
        },
        { idempotencyKey: 'place-2' },
      )
      await bench.pay(other)
      orderIds = [paid.order_id, other.order_id]
      await bench.fold()
      expect(await named()).toEqual(
        expect.arrayContaining(['addresses', 'customers', 'idempotency_keys', 'order_addresses', 'orders']),
      )
      expect(await named(['Wilhelmina'])).toEqual(
        expect.arrayContaining([expect.stringMatching(/^daily_sales_report/)]),
      )
      expect(await named(['wilhelmina'])).toEqual(expect.arrayContaining(['order_search', 'order_search_words']))
    })

    it('leaves no name, e-mail address or street anywhere, all sums as they were, and the chains valid', async () => {
      const before = await figures()
      expect(before.price.length).toBeGreaterThan(0)
      await bench.orders.eraseCustomer('wil')
      expect(await named()).toEqual([])
      expect(await figures()).toEqual(before)
      expect(await bench.orders.verifyOrders()).toMatchObject({ ok: true })
      expect(await bench.orders.list({ q: 'wilhelmina' })).toEqual({ items: [] })
      expect((await bench.orders.list({ q: 'lamp york' })).items).toHaveLength(3)
      const order = await bench.orders.get(orderIds[0]!)
      expect(order).toMatchObject({ shipping_address: { city: 'New York', country: 'US' }, status: 'SHIPPED' })
    })

    it('is repeatable, and a command sent again gets its answer without the person', async () => {
      await bench.orders.eraseCustomer('wil')
      const again = await bench.orders.ship(orderIds[0]!, {}, { idempotencyKey: 'ship-1' })
      expect(again).toMatchObject({ order_id: orderIds[0], status: 'SHIPPED', shipping_address: { city: 'New York' } })
      await expect(bench.orders.eraseCustomer('nobody')).rejects.toMatchObject({ code: 'customer_not_found' })
    })

    it('is not undone by rebuilding the read models, nor by importing an older file', async () => {
      for (const projection of bench.ports.projections) {
        await rebuild({ store: bench.ports.log, logger: silentLogger }, projection)
      }
      const folder = await mkdtemp(join(tmpdir(), 'fanfold-erase-'))
      const order = {
        order_number: 'from-a-file',
        order_date: '2024-02-03T10:00:00Z',
        customer_id: 'wil',
        customer_name: NAME,
        currency: 'USD',
        shipping_address: ADDRESS,
        note: 'SecretNote',
        items: [
          {
            product_id: 'lamp',
            product_name: 'Lamp',
            product_category: 'L',
            quantity: 1,
            price_at_time_of_purchase: 5,
          },
        ],
      }
      await writeFile(join(folder, 'o.jsonl'), JSON.stringify(order))
      const address = { ...ADDRESS, address_id: 'a1' }
      await writeFile(
        join(folder, 'c.jsonl'),
        JSON.stringify({ customer_id: 'wil', name: NAME, email: EMAIL, addresses: [address] }),
      )
      expect(await bench.orders.importOrders(join(folder, 'o.jsonl'))).toMatchObject({ orders_imported: 1 })
      expect(await bench.orders.importCustomers(join(folder, 'c.jsonl'), { update: true })).toMatchObject({
        customers_erased: 1,
      })
      await rm(folder, { recursive: true })
      await bench.fold()
      expect(await named()).toEqual([])
      expect(await bench.orders.verifyOrders()).toMatchObject({ ok: true })
    })

    it('takes a guest along with his order', async () => {
      const { customer_id: _, ...rest } = more()
      const order = await bench.orders.place(
        { ...rest, guest: { name: NAME, email: EMAIL }, items: [{ product_id: 'lamp', quantity: 1 }] } as PlaceOrder,
        { idempotencyKey: 'guest-1' },
      )
      await bench.fold()
      expect(await named()).toContain('customers')
      await bench.orders.eraseCustomer(order.customer_id)
      expect(await named()).toEqual([])
    })

    it.skipIf(engine.name === 'pglite')('waits for those who may still write what they have read before', async () => {
      const { orders, database } = bench
      const slow = { customer_id: 'slow', shipping_address: ADDRESS, items: [{ product_id: 'lamp', quantity: 1 }] }
      await orders.createCustomer({ customer_id: 'slow', name: NAME, email: EMAIL })
      const order = await orders.place(slow)
      const gate = createGate()
      // As a projection that has read the name and is slow to write it.
      const writer = database.sql.transaction(async (tx) => {
        await tx.query(`update projection_checkpoints set updated_at = updated_at where projection = 'order_search'`)
        await gate.opened
        const id = BigInt(order.order_id)
        const { text } = orderTables(engine, database)
        const token = 'insert into order_search (generation, token, order_id, shard) values (2, ?, ?, 0)'
        await tx.query(text(token), [WORD, id])
        const words = engine.name === 'mariadb' ? JSON.stringify([WORD]) : [WORD]
        await tx.query(text('insert into order_search_words (generation, order_id, words) values (2, ?, ?)'), [
          id,
          words,
        ])
      })
      let done = false
      const erasing = orders.eraseCustomer('slow').then(() => {
        done = true
      })
      const isErased = `select 1 from customers where customer_id = 'slow' and erased_at is not null`
      await until('the customer is erased', async () => (await database.sql.query(isErased)).length === 1)
      // Long enough for an eraser who does not wait.
      await Promise.race([erasing, new Promise((resolve) => setTimeout(resolve, 500))])
      expect(done).toBe(false)
      gate.open()
      await writer
      await erasing
      expect(await named()).toEqual([])
    })

    it('leaves nothing behind of what is ordered, changed and folded at the same time', async () => {
      const { orders } = bench
      const another = await bench.another()
      await bench.product('pen', 1_000_000)
      for (let round = 0; round < 3; round++) {
        const customer = `busy-${round}`
        await orders.createCustomer({ customer_id: customer, name: NAME, email: EMAIL })
        let erased = false
        let placed = 0
        const buyer = async (who: typeof orders, name: string) => {
          for (let n = 0; ; n++) {
            try {
              const key = `${name}-${round}-${n}`
              const order = await who.place(
                { ...more(), customer_id: customer, items: [{ product_id: 'pen', quantity: 1 }] } as PlaceOrder,
                { idempotencyKey: key },
              )
              placed += 1
              await who.recordPayment({
                order_id: order.order_id,
                payment_intent_id: `pi_${key}`,
                captured: order.total_price,
                currency: order.currency,
              })
              await who.ship(order.order_id, {}, { idempotencyKey: `ship-${key}` })
            } catch (error) {
              if (!isAppError(error, 'customer_not_found')) throw error
              return
            }
          }
        }
        const folder = async () => {
          while (!erased) await bench.fold()
        }
        const eraser = async () => {
          while (placed < 8) await new Promise((resolve) => setImmediate(resolve))
          await orders.eraseCustomer(customer)
          erased = true
        }
        await Promise.all([
          buyer(orders, 'a'),
          buyer(another.orders, 'b'),
          buyer(another.orders, 'c'),
          folder(),
          eraser(),
        ])
        await bench.fold()
        expect(await named(), `round ${round}`).toEqual([])
      }
      await another.close()
      expect(await orders.verifyOrders()).toMatchObject({ ok: true })
    })
  })
}
