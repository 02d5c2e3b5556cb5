import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeClock } from '../../src/core/clock.ts'
import { ORDER_STATUSES, type OrderStatus, TRANSITIONS } from '../../src/orders/model/statuses.ts'
import type { OrderDocument } from '../../src/orders/schemas.ts'
import { type OrderTables, orderTables } from '../setup/order-tables.ts'
import { type OrderBench, openOrderBench, orderEngines, SOMEWHERE } from '../setup/orders.ts'

const NOON = Date.UTC(2026, 2, 1, 12)

/** With the money and what follows from the status, so that only the edge can be what is refused. */
const SET_STATUS = `
update orders set paid_total = total_price, refunded_total = 0, goodwill_total = 0,
  fulfillment_status = case when ? = 'CANCELLED' then 'cancelled' else 'unfulfilled' end, status = ?
where shard = ? and order_id = ?`

for (const engine of orderEngines()) {
  describe(`orders on ${engine.name}`, () => {
    const clock = fakeClock(NOON)
    let bench: OrderBench
    let tables: OrderTables
    beforeAll(async () => {
      bench = await openOrderBench(engine, { clock, timeZone: 'America/New_York' })
      tables = orderTables(engine, bench.database)
      await bench.product('camera', 100_000)
      await bench.product('lens', 100_000, { price: 333, category: 'Optics' })
    })
    afterAll(() => bench.close())

    const refused = (code: string, data: object = {}) =>
      expect.objectContaining({ code, data: expect.objectContaining(data) })

    const ofOrder = ({ order_id, currency }: OrderDocument) => ({
      ...{ order_id, payment_intent_id: `pi_${order_id}`, currency },
    })

    /** An order brought to a status by the legal way. */
    async function orderIn(status: OrderStatus): Promise<OrderDocument> {
      const order = await bench.place([{ product_id: 'camera', quantity: 2 }])
      const id = order.order_id
      if (status === 'PENDING') return order
      if (status === 'CANCELLED') return bench.orders.cancel(id)
      const paid = await bench.pay(order)
      if (status === 'PAID') return paid
      const shipped = await bench.orders.ship(id)
      return status === 'SHIPPED' ? shipped : bench.orders.deliver(id)
    }

    describe('placing', () => {
      it('copies prices, names and the address into the order', async () => {
        const order = await bench.place([
          { product_id: 'lens', quantity: 1 },
          { product_id: 'camera', quantity: 2 },
          { product_id: 'lens', quantity: 2 },
        ])
        await bench.orders.changeProduct('lens', { price: 999, name: 'Lens II', category: 'Glass' })
        const read = await bench.orders.get(order.order_id)
        expect(read).toEqual(order)
        expect(order).toMatchObject({
          status: 'PENDING',
          version: 1,
          total_price: 2_999,
          business_day: '2026-03-01',
          shipping_address: SOMEWHERE,
        })
        expect(order.items).toMatchObject([
          { product_id: 'lens', quantity: 3, price_at_time_of_purchase: 333, amount: 999, product_category: 'Optics' },
          { product_id: 'camera', quantity: 2, amount: 2_000, product_name: 'Name of camera' },
        ])
        await bench.orders.changeProduct('lens', { price: 333, category: 'Optics' })
      })

      it('sells at the new price as soon as it is set, also by another process', async () => {
        await bench.product('mouse', 100)
        await bench.place([{ product_id: 'mouse', quantity: 1 }])
        await bench.ports.catalogue.change(
          'mouse',
          1,
          { price: 1_500n },
          { actor: 'other', atMs: NOON, key: undefined },
        )
        expect(await bench.place([{ product_id: 'mouse', quantity: 1 }])).toMatchObject({ total_price: 1_500 })
      })

      it('refuses a total that is not the one expected, and tells both', async () => {
        const items = [{ product_id: 'camera', quantity: 3 }]
        const wrong = bench.place(items, { expected_total: 2_999 })
        await expect(wrong).rejects.toEqual(refused('price_changed', { expected_total: 2_999, actual_total: 3_000 }))
        expect(await bench.place(items, { expected_total: 3_000 })).toMatchObject({ total_price: 3_000 })
      })

      it('answers a repeat with the first answer, whatever has changed since', async () => {
        await bench.product('desk', 5)
        const place = (quantity: number) =>
          bench.place([{ product_id: 'desk', quantity }], { expected_total: 4_000 }, 'desk')
        const first = await place(4)
        await bench.orders.changeProduct('desk', { price: 1, active: false })
        let replays = 0
        const repeated = await bench.orders.place(
          {
            customer_id: 'ada',
            shipping_address: SOMEWHERE,
            items: [{ product_id: 'desk', quantity: 4 }],
            expected_total: 4_000,
          },
          { idempotencyKey: 'desk', onReplay: () => (replays += 1) },
        )
        expect(repeated).toEqual(first)
        expect(replays).toBe(1)
        await expect(place(3)).rejects.toEqual(refused('idempotency_key_reused'))
        expect(await bench.orders.getStock('desk')).toMatchObject({ reserved: 4, available: 1 })
      })

      it('keeps the key of a refused order unused', async () => {
        await bench.product('chair', 1)
        const place = () => bench.place([{ product_id: 'chair', quantity: 2 }], {}, 'chair')
        const short = { product_id: 'chair', requested: 2, available: 1 }
        await expect(place()).rejects.toEqual(refused('insufficient_stock', short))
        await bench.orders.setStock('chair', { on_hand: 2 })
        expect(await place()).toMatchObject({ total_price: 2_000 })
      })

      it('refuses what is unknown, not for sale, or sold in another currency', async () => {
        await bench.product('shirt', 5, { currency: 'EUR' })
        await bench.product('old', 5)
        await bench.orders.changeProduct('old', { active: false })
        const one = (product_id: string) => [{ product_id, quantity: 1 }]
        await expect(bench.place(one('none'))).rejects.toEqual(refused('product_not_found', { product_id: 'none' }))
        await expect(bench.place(one('old'))).rejects.toEqual(refused('product_inactive', { product_id: 'old' }))
        await expect(bench.place([...one('shirt'), ...one('camera')])).rejects.toEqual(refused('currency_mismatch'))
        await expect(bench.place(one('shirt'), { currency: 'USD' })).rejects.toEqual(refused('currency_mismatch'))
        await expect(bench.place(one('camera'), { customer_id: 'nobody' })).rejects.toEqual(
          refused('customer_not_found'),
        )
        const elsewhere = { customer_id: 'ada', items: one('camera'), shipping_address_id: 'adr_none' }
        await expect(bench.orders.place(elsewhere)).rejects.toEqual(refused('address_not_found'))
        const nowhere = { customer_id: 'ada', items: one('camera') }
        await expect(bench.orders.place(nowhere)).rejects.toEqual(refused('invalid_input'))
      })

      it('sends to one of the addresses of the customer', async () => {
        const address = await bench.orders.addAddress('ada', { line1: '2 Side Street', city: 'Boston', country: 'US' })
        const order = await bench.orders.place({
          customer_id: 'ada',
          shipping_address_id: address.address_id,
          items: [{ product_id: 'camera', quantity: 1 }],
        })
        expect(order).toMatchObject({ shipping_address_id: address.address_id, shipping_address: { city: 'Boston' } })
      })

      it('sells 50 of 50 to 64 buyers', async () => {
        await bench.product('ticket', 50)
        const results = await Promise.allSettled(
          Array.from({ length: 64 }, (_, n) => bench.place([{ product_id: 'ticket', quantity: 1 }], {}, `ticket-${n}`)),
        )
        const short = { code: 'insufficient_stock', data: { product_id: 'ticket', requested: 1, available: 0 } }
        expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(50)
        for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(short)
        expect(await bench.orders.getStock('ticket')).toMatchObject({ on_hand: 50, reserved: 50, available: 0 })
      })
    })

    describe('the life of an order', () => {
      const commands: Partial<Record<OrderStatus, (id: string) => Promise<OrderDocument>>> = {
        SHIPPED: (id) => bench.orders.ship(id),
        DELIVERED: (id) => bench.orders.deliver(id),
        CANCELLED: (id) => bench.orders.cancel(id),
      }

      for (const from of ORDER_STATUSES) {
        for (const to of ORDER_STATUSES) {
          const legal = TRANSITIONS[from].includes(to)
          it(`${legal ? 'allows' : 'refuses'} ${from} -> ${to} in code and by raw SQL`, async () => {
            const order = await orderIn(from)
            const shard = (await bench.ports.orders.history(BigInt(order.order_id), 0, 1))[0]!.shard
            const { sql } = bench.database
            const params = [to, to, shard, BigInt(order.order_id)]
            const raw = () => sql.query(tables.text(SET_STATUS), params)
            const inCode = commands[to]
            if (legal) {
              const undo = new Error('undo')
              const attempt = sql.transaction(async (tx) => {
                await tx.query(tables.text(SET_STATUS), params)
                const rows = await tx.query(`select status from orders where order_id = ${order.order_id}`)
                expect(rows).toEqual([{ status: to }])
                throw undo
              })
              await expect(attempt).rejects.toBe(undo)
              const done = inCode === undefined ? bench.pay(order) : inCode(order.order_id)
              expect(await done).toMatchObject({ status: to, version: order.version + 1 })
              return
            }
            if (inCode !== undefined) {
              await expect(inCode(order.order_id)).rejects.toEqual(
                refused('illegal_transition', { order_status: from, wanted: to }),
              )
            }
            // Writing the status an order has already is no change.
            if (from !== to) await expect(raw()).rejects.toThrow(/can't go from/)
            expect(await bench.orders.get(order.order_id)).toEqual(order)
          })
        }
      }

      it('refuses by raw SQL an order that does not start as PENDING, and shipping without the money', async () => {
        const { sql } = bench.database
        const order = await orderIn('PENDING')
        const changes = new Map(
          Object.entries({ order_id: '1', order_number: `'x'`, status: `'PAID'`, paid_total: '2000' }),
        )
        const names = await tables.columns('orders')
        const values = names.map((name) => changes.get(name) ?? name)
        const copy = sql.query(
          `insert into orders (${names.join()}) select ${values.join()} from orders where order_id = ${order.order_id}`,
        )
        await expect(copy).rejects.toThrow(/starts as PENDING/)
        const where = `where order_id = ${order.order_id}`
        const unpaid = `update orders set status = 'PAID' ${where}`
        await expect(sql.query(unpaid)).rejects.toThrow(/something left to pay/)
        const leave = `update order_line_items set quantity_shipped = 1 ${where}`
        await expect(sql.query(leave)).rejects.toThrow(/before the order is paid/)
        // Made dearer by an edit, a PAID order has something left to pay again.
        await bench.pay(order)
        await bench.orders.edit(order.order_id, { add_items: [{ product_id: 'lens', quantity: 1 }] })
        await expect(sql.query(leave)).rejects.toThrow(/before the order is paid/)
        const shipped = `update orders set status = 'SHIPPED' ${where}`
        await expect(sql.query(shipped)).rejects.toThrow(/orders_paid_before_shipped/)
        // What went back because it was due does not pay for anything.
        await bench.orders.recordPayment({ ...ofOrder(order), captured: 2_333 })
        const refunded = `update orders set refunded_total = 1 ${where}`
        const both = sql.transaction(async (tx) => {
          await tx.query(refunded)
          await tx.query(shipped)
        })
        await expect(both).rejects.toThrow(/orders_paid_before_shipped/)
        await bench.orders.cancel(order.order_id)
        await expect(sql.query(leave)).rejects.toThrow(/before the order is paid/)
      })

      it('refuses any change of what has happened', async () => {
        const { sql } = bench.database
        await orderIn('PAID')
        for (const table of ['order_history', 'product_prices', 'stock_moves']) {
          await expect(sql.query(`update ${table} set actor = 'me'`)).rejects.toThrow(/append-only/)
          await expect(sql.query(`delete from ${table}`)).rejects.toThrow(/append-only/)
          // MySQL asks no trigger here, only for the right to drop the table.
          if (engine.name === 'mariadb') continue
          await expect(sql.transaction((tx) => tx.script(`truncate ${table}`))).rejects.toThrow(/append-only/)
        }
      })

      it('moves stock with the order: reserved, shipped, or free again', async () => {
        await bench.product('book', 10)
        const place = () => bench.place([{ product_id: 'book', quantity: 3 }])
        const [first, second] = [await place(), await place()]
        expect(await bench.orders.getStock('book')).toMatchObject({ on_hand: 10, reserved: 6 })
        await bench.orders.cancel(first.order_id)
        await bench.pay(second)
        expect(await bench.orders.getStock('book')).toMatchObject({ on_hand: 10, reserved: 3 })
        await bench.orders.ship(second.order_id)
        expect(await bench.orders.getStock('book')).toMatchObject({ on_hand: 7, reserved: 0, available: 7 })
        const [third] = [await place()]
        await expect(bench.orders.setStock('book', { on_hand: 2 })).rejects.toEqual(
          refused('insufficient_stock', { reserved: 3 }),
        )
        await bench.orders.cancel(third.order_id)
      })

      it('becomes PAID once, when its payments cover it', async () => {
        const order = await orderIn('PENDING')
        const record = (payment_intent_id: string, captured: number) =>
          bench.orders.recordPayment({ order_id: order.order_id, payment_intent_id, captured, currency: 'USD' })
        expect(await record('pi_a', 500)).toMatchObject({
          status: 'PENDING',
          payment_status: 'partially_paid',
          version: 2,
        })
        expect(await record('pi_a', 500)).toMatchObject({ version: 2 })
        expect(await record('pi_a', 300)).toMatchObject({ version: 2, paid_total: 500 })
        const rivals = await Promise.all([record('pi_b', 1_500), record('pi_b', 1_500), record('pi_b', 1_500)])
        expect(rivals.map(({ status, version }) => [status, version])).toEqual(rivals.map(() => ['PAID', 3]))
        expect(await record('pi_c', 10)).toMatchObject({
          status: 'PAID',
          payment_status: 'refund_due',
          paid_total: 2_010,
        })
        const events = (await bench.orders.history(order.order_id)).items.map((entry) => entry.event_type)
        expect(events).toEqual(['ORDER_CREATED', 'PAYMENT_RECEIVED', 'ORDER_PAID', 'PAYMENT_RECEIVED'])
        const foreign = { order_id: order.order_id, payment_intent_id: 'pi_d', captured: 1, currency: 'EUR' }
        await expect(bench.orders.recordPayment(foreign)).rejects.toEqual(refused('currency_mismatch'))
      })

      it('records a payment that comes after the cancellation, and what is due to be given back', async () => {
        const order = await orderIn('PENDING')
        await bench.orders.cancel(order.order_id, { reason: 'too slow' })
        expect(await bench.pay(order)).toMatchObject({ status: 'CANCELLED', payment_status: 'refund_due' })
        const { items } = await bench.orders.history(order.order_id)
        expect(items.at(-1)).toMatchObject({ event_type: 'PAYMENT_AFTER_CANCELLATION', details: { refund_due: 2_000 } })
        const refund = { order_id: order.order_id, payment_intent_id: `pi_${order.order_id}`, currency: 'USD' }
        const half = await bench.orders.recordRefund({ ...refund, refunded: 1_000 })
        expect(half).toMatchObject({ payment_status: 'refund_due', refunded_total: 1_000 })
        expect(await bench.orders.recordRefund({ ...refund, refunded: 2_000 })).toMatchObject({
          payment_status: 'refunded',
        })
        const more = bench.orders.recordRefund({ ...refund, refunded: 2_001 })
        await expect(more).rejects.toEqual(refused('order_amount_mismatch'))
      })

      it('tells whether an order can be paid', async () => {
        const order = await orderIn('PENDING')
        await expect(bench.orders.checkPayable(order.order_id, 2_000, 'USD')).resolves.toBeUndefined()
        for (const [amount, currency] of [
          [1_999, 'USD'],
          [2_000, 'EUR'],
        ] as const) {
          const wrong = bench.orders.checkPayable(order.order_id, amount, currency)
          await expect(wrong).rejects.toEqual(refused('order_amount_mismatch', { open_amount: 2_000 }))
        }
        await bench.orders.cancel(order.order_id)
        await expect(bench.orders.checkPayable(order.order_id, 2_000, 'USD')).rejects.toEqual(
          refused('illegal_transition'),
        )
        await expect(bench.orders.checkPayable('12', 1, 'USD')).rejects.toEqual(refused('order_not_found'))
      })

      it('answers a repeated command with its first answer, and refuses the key for another', async () => {
        const order = await orderIn('PAID')
        const context = { idempotencyKey: `ship-${order.order_id}` }
        const shipped = await bench.orders.ship(order.order_id, {}, context)
        await bench.orders.deliver(order.order_id)
        expect(await bench.orders.ship(order.order_id, {}, context)).toEqual(shipped)
        await expect(bench.orders.cancel(order.order_id, {}, context)).rejects.toEqual(
          refused('idempotency_key_reused'),
        )
      })

      it('refuses a command on another version than the one seen', async () => {
        const order = await orderIn('PAID')
        const late = bench.orders.ship(order.order_id, {}, { expectedVersion: 1 })
        await expect(late).rejects.toEqual(refused('version_mismatch', { version: 2 }))
        expect(await bench.orders.ship(order.order_id, {}, { expectedVersion: 2 })).toMatchObject({ version: 3 })
      })
    })

    describe('reading', () => {
      it('shows an order as it was at a version and at a time', async () => {
        const order = await orderIn('PENDING')
        const pendingAt = new Date(clock.now()).toISOString()
        await clock.advance(60_000)
        const paid = await bench.pay(order)
        const paidAt = new Date(clock.now()).toISOString()
        await clock.advance(60_000)
        await bench.orders.cancel(order.order_id)
        const asOf = (text: string) => bench.orders.get(order.order_id, { asOf: text })
        expect(await asOf('1')).toEqual(order)
        expect(await asOf(pendingAt)).toEqual(order)
        expect(await asOf('2')).toEqual(paid)
        expect(await asOf(paidAt)).toEqual(paid)
        expect(await asOf('3')).toEqual(await bench.orders.get(order.order_id))
        await expect(asOf('2020-01-01T00:00:00Z')).rejects.toEqual(refused('order_not_found'))
        await expect(asOf('yesterday')).rejects.toEqual(refused('invalid_input'))
      })

      it('walks the history and the list of a customer to the end', async () => {
        await bench.orders.createCustomer({ customer_id: 'bob', name: 'Bob' })
        const ids: string[] = []
        for (let n = 0; n < 5; n++) {
          ids.push((await bench.place([{ product_id: 'camera', quantity: 1 }], { customer_id: 'bob' })).order_id)
        }
        const seen: string[] = []
        for (let cursor: string | undefined; ; ) {
          const page = await bench.orders.list({ customer_id: 'bob' }, { limit: 2, cursor })
          seen.push(...page.items.map((order) => order.order_id))
          cursor = page.next_cursor
          if (cursor === undefined) break
        }
        expect(seen).toEqual(ids.reverse())
        const paid = await bench.pay(await bench.orders.get(ids[0]!))
        const first = await bench.orders.history(paid.order_id, { limit: 1 })
        const second = await bench.orders.history(paid.order_id, { limit: 1, cursor: first.next_cursor })
        expect([first.items[0]?.version, second.items[0]?.version, second.next_cursor]).toEqual([1, 2, undefined])
        await expect(bench.orders.list({}, { cursor: first.next_cursor })).rejects.toEqual(refused('invalid_cursor'))
        for (const id of ['12', 'x', '9223372036854775808']) {
          await expect(bench.orders.get(id)).rejects.toEqual(refused('order_not_found'))
          await expect(bench.orders.ship(id)).rejects.toEqual(refused('order_not_found'))
          await expect(bench.orders.history(id)).rejects.toEqual(refused('order_not_found'))
        }
      })

      it('writes nobody into the history', async () => {
        const rows = await bench.database.sql.query<{ details: object }>('select details from order_history')
        expect(rows.length).toBeGreaterThan(0)
        for (const { details } of rows)
          expect(JSON.stringify(details)).not.toMatch(/Ada|Lovelace|example\.com|Main Street/)
      })
    })

    it('agrees with itself after all of this', async () => {
      await bench.fold()
      expect(await bench.orders.verifyOrders()).toMatchObject({ ok: true, problems: [], lag: 0 })
    })
  })
}
