import { describe, expect, it } from 'vitest'
import type { Order, PlaceOrder } from '../../src/client/index.ts'
import { type ConsoleTab, PHONE, type Theme } from './browser.ts'
import type { World } from './world.ts'

const ADDRESS = { line1: '1 Linden Street', city: 'Berlin', country: 'DE' }

export function ordersTests(world: () => World): void {
  /** An order of three cups and two books of products that only these tests know. */
  async function order(input: Partial<PlaceOrder> = {}): Promise<Order> {
    const { client } = world()
    for (const [product_id, price] of [
      ['console-cup', 1_250],
      ['console-book', 2_000],
    ] as const) {
      await client
        .post('/v1/products', {
          body: {
            product_id,
            sku: product_id,
            name: `Thing ${product_id}`,
            category: 'Things',
            price,
            currency: 'USD',
            stock: 900,
          },
        })
        .catch((error: { code?: string }) => expect(error.code).toBe('already_exists'))
    }
    const items = [
      { product_id: 'console-cup', quantity: 3 },
      { product_id: 'console-book', quantity: 2 },
    ]
    return client.post('/v1/orders', { body: { guest: { name: 'Ada' }, shipping_address: ADDRESS, items, ...input } })
  }

  const now = (orderId: string) =>
    world().client.get('/v1/orders/{order_id}', { params: { path: { order_id: orderId } } })

  /** One of those whom the form offers. */
  async function customerWithAddress(): Promise<string> {
    const { client } = world()
    for (const { customer_id } of (await client.get('/v1/customers', { params: { query: { limit: 100 } } })).items) {
      const { items } = await client.get('/v1/customers/{customer_id}/addresses', { params: { path: { customer_id } } })
      if (items[0]?.line1 !== undefined) return customer_id
    }
    throw new Error('no customer has an address')
  }

  async function pay({ order_id, total_price: amount, currency }: Order): Promise<void> {
    const { client } = world()
    const payment = await client.post('/v1/payments', {
      body: { amount, currency, order_id, payment_method: { token: 'tok_ok' }, capture_method: 'automatic' },
    })
    const path = { payment_intent_id: payment.payment_intent_id }
    await client.post('/v1/payments/{payment_intent_id}/authorize', { params: { path }, body: {} })
    await expect.poll(async () => (await now(order_id)).status, { timeout: 20_000 }).toBe('PAID')
  }

  const openOrder = (tab: ConsoleTab, { order_id, order_number }: Order, query = '') =>
    tab.go(`/orders/${order_id}${query}`, `Order ${order_number}`)

  const command = (tab: ConsoleTab, name: string) => tab.page.getByRole('button', { name, exact: true })

  describe('orders', () => {
    it('are filtered by what the address says, also after a reload', async () => {
      const placed = await order()
      const tab = await world().open()
      await tab.go('/orders', 'Orders')
      await tab.page.getByLabel('Number', { exact: true }).fill(placed.order_number)
      await tab.page.getByLabel('Number', { exact: true }).press('Enter')
      const rows = tab.page.getByRole('region', { name: 'Orders, newest first' }).locator('tbody tr')
      await expect.poll(() => rows.count()).toBe(1)
      await tab.page.getByLabel('Status', { exact: true }).selectOption('CANCELLED')
      await tab.page.getByText('No order matches all of these filters').waitFor()
      expect(new URL(tab.page.url()).search).toBe(`?number=${placed.order_number}&status=CANCELLED`)
      await tab.page.reload()
      await tab.page.getByText('No order matches all of these filters').waitFor()
      expect(await tab.page.getByLabel('Number', { exact: true }).inputValue()).toBe(placed.order_number)
      await tab.page.getByRole('button', { name: 'Clear filters' }).click()
      await expect.poll(() => rows.count()).toBeGreaterThan(5)
      expect(new URL(tab.page.url()).search).toBe('')
      await tab.page.getByLabel('Customer id', { exact: true }).fill('not an id')
      await tab.page.getByRole('button', { name: 'Apply' }).click()
      await tab.page.getByRole('alert').filter({ hasText: 'invalid_input' }).waitFor()
      await tab.page.locator('.field', { hasText: 'Customer id' }).getByText('must be 1 to').waitFor()
      tab.expectSober()
      await tab.close()
    })

    it('go from placing to delivery and a return by buttons, and refuse the others in words', async () => {
      await order()
      const tab = await world().open()
      const { page } = tab
      await tab.go('/orders/new', 'Place an order')
      await page.getByLabel('Customer id', { exact: true }).fill(await customerWithAddress())
      await page.getByLabel('Address', { exact: true }).selectOption({ index: 1 })
      await page.getByLabel('City', { exact: true }).waitFor({ state: 'detached' })
      await page.getByLabel('A guest', { exact: true }).check()
      await page.getByLabel('Guest name', { exact: true }).fill('Grace')
      await page.getByLabel('Street and number', { exact: true }).fill('2 Linden Street')
      await page.getByLabel('City', { exact: true }).fill('Berlin')
      await page.getByLabel('Country', { exact: true }).fill('DE')
      await page.getByLabel('Product 1', { exact: true }).fill('console-nothing')
      await page.getByLabel('Units 1', { exact: true }).fill('2')
      await page.getByRole('button', { name: 'Place the order' }).click()
      await page.getByRole('alert').filter({ hasText: 'product_not_found' }).waitFor()
      expect(await page.getByLabel('Guest name', { exact: true }).inputValue()).toBe('Grace')
      await page.getByLabel('Product 1', { exact: true }).fill('console-cup')
      await page.getByRole('button', { name: 'Place the order' }).click()
      await page.getByRole('heading', { level: 1, name: /^Order \d+/ }).waitFor()
      const orderId = new URL(page.url()).pathname.split('/').at(-1)!
      const placed = await now(orderId)
      expect(placed).toMatchObject({ status: 'PENDING', total_price: 2_500, items: [{ quantity: 2 }] })

      await page.getByRole('button', { name: /^Ship \(not now: / }).waitFor()
      await page.getByText('An order that is PENDING can').first().waitFor()
      await pay(placed)
      await page.getByRole('listitem').filter({ hasText: 'PAIDsince' }).waitFor()

      await command(tab, 'Ship').click()
      await page.getByLabel('1. Thing console-cup', { exact: true }).fill('1')
      await page.getByLabel('Tracking URL', { exact: true }).fill('no url')
      await page.getByRole('dialog').getByRole('button', { name: 'Ship' }).click()
      await page.getByText('must be a URL that starts with').first().waitFor()
      await page.getByLabel('Tracking URL', { exact: true }).fill('https://parcels.example/1')
      await page.getByLabel('Carrier', { exact: true }).fill('Blue Van')
      await page.getByRole('dialog').getByRole('button', { name: 'Ship' }).click()
      await page.getByText('Shipped: the order is PAID, partially_shipped').waitFor()
      await page.getByRole('heading', { level: 3, name: 'Shipment 1' }).waitFor()

      await command(tab, 'Cancel').click()
      await page.getByLabel('1. Thing console-cup', { exact: true }).fill('1')
      await page.getByLabel('Reason', { exact: true }).fill('changed my mind')
      await page.getByRole('button', { name: 'Cancel these units' }).click()
      await page.getByText('Cancelled: the order is SHIPPED').waitFor()

      await command(tab, 'Deliver').click()
      await page.getByRole('button', { name: 'Mark as delivered' }).click()
      await page.getByText('Delivered: the order is DELIVERED').waitFor()

      await command(tab, 'Return').click()
      await page.getByLabel('1. Thing console-cup', { exact: true }).fill('1')
      await page.getByRole('button', { name: 'Take back' }).click()
      await page.getByText('Returned: the order is returned').waitFor()
      const ended = await now(orderId)
      expect(ended).toMatchObject({ status: 'DELIVERED', fulfillment_status: 'returned', owed_total: 0 })
      expect(ended.items[0]).toMatchObject({ quantity_shipped: 1, quantity_cancelled: 1, quantity_returned: 1 })
      expect(ended.shipments[0]).toMatchObject({ carrier: 'Blue Van', status: 'delivered' })

      await page.getByRole('button', { name: 'Check', exact: true }).click()
      await page.getByText('The history is whole, and the order is what it says').waitFor()
      tab.expectSober()
      await tab.close()
    }, 60_000)

    it('are edited, sent elsewhere and cancelled whole after a question', async () => {
      const placed = await order()
      const tab = await world().open()
      const { page } = tab
      await openOrder(tab, placed)
      await command(tab, 'Edit').click()
      await page.getByRole('button', { name: 'Add a product' }).click()
      await page.getByLabel('Product 1', { exact: true }).fill('console-book')
      await page.getByLabel('2. Thing console-book', { exact: true }).fill('2')
      await page.getByRole('button', { name: 'Change the order' }).click()
      await page.getByText('Changed: the order is PENDING').waitFor()
      const edited = await now(placed.order_id)
      expect(edited.owed_total).toBe(3 * 1_250 + 2_000)
      await command(tab, 'Change address').click()
      await page.getByLabel('City', { exact: true }).fill('Hamburg')
      await page.getByRole('button', { name: 'Change the address' }).click()
      await page.getByText('The order goes to Hamburg, DE').waitFor()
      await command(tab, 'Cancel').click()
      await page.getByRole('dialog').getByText('This can not be undone').waitFor()
      await page.getByRole('button', { name: 'Keep as it is' }).click()
      expect((await now(placed.order_id)).status).toBe('PENDING')
      await command(tab, 'Cancel').click()
      await page.getByRole('button', { name: 'Cancel the whole order' }).click()
      await page.getByText('Cancelled: the order is CANCELLED').waitFor()
      await page.getByRole('listitem').filter({ hasText: 'CANCELLEDsince' }).waitFor()
      await page.getByRole('button', { name: /^Edit \(not now: / }).waitFor()
      expect(await now(placed.order_id)).toMatchObject({ status: 'CANCELLED', shipping_address: { city: 'Hamburg' } })
      tab.expectSober()
      await tab.close()
    }, 60_000)

    it('refuse a form that was made for another version, and say so', async () => {
      const placed = await order()
      const tab = await world().open()
      await openOrder(tab, placed)
      await command(tab, 'Change address').click()
      await tab.page.getByLabel('City', { exact: true }).fill('Hamburg')
      const params = { path: { order_id: placed.order_id } }
      await world().client.post('/v1/orders/{order_id}/cancel', {
        params,
        body: { items: [{ line_no: 1, quantity: 1 }] },
      })
      await tab.page.getByRole('button', { name: 'Change the address' }).click()
      await tab.page.getByRole('alert').filter({ hasText: 'version_mismatch' }).waitFor()
      expect(await tab.page.getByLabel('City', { exact: true }).inputValue()).toBe('Hamburg')
      expect((await now(placed.order_id)).shipping_address.city).toBe('Berlin')
      await tab.close()
    })

    it('are shown as they were, marked as the past, and tell every entry of their history', async () => {
      const placed = await order()
      await pay(placed)
      const params = { path: { order_id: placed.order_id } }
      await world().client.post('/v1/orders/{order_id}/ship', { params, body: {} })
      const tab = await world().open()
      const { page } = tab
      await openOrder(tab, placed)
      const history = page.getByRole('region', { name: 'History of the order, oldest first' })
      await history.getByText('5 units in 2 lines for $77.50, to Berlin, DE').waitFor()
      await history.getByText('shipment 1: line 1 × 3, line 2 × 2').waitFor()
      await page.getByRole('button', { name: 'Earlier' }).click()
      await page.getByText('The past: this is the order as it was after version 2').waitFor()
      await page.getByText('Nothing has left yet').waitFor()
      expect(new URL(page.url()).search).toBe('?version=2')
      expect(await command(tab, 'Deliver').count()).toBe(0)
      await page.reload()
      await page.getByText('The past: this is the order as it was after version 2').waitFor()
      await page.getByLabel('Version shown', { exact: true }).press('Home')
      await page.getByText('The past: this is the order as it was after version 1').waitFor()
      await page.getByRole('listitem').filter({ hasText: 'PENDINGsince' }).waitFor()
      await page.getByRole('button', { name: 'Back to now' }).click()
      await page.getByText('The past:').waitFor({ state: 'detached' })
      await command(tab, 'Deliver').waitFor()
      tab.expectSober()
      await tab.close()
    }, 60_000)

    it('offer no command to a key that may only look', async () => {
      const placed = await order()
      const { secret } = await world().client.post('/v1/keys', { body: { name: 'looker', scopes: ['orders:read'] } })
      const tab = await world().open({ apiKey: secret })
      await tab.go('/orders', 'Orders')
      expect(await tab.page.getByRole('link', { name: 'Place an order' }).count()).toBe(0)
      await openOrder(tab, placed)
      await tab.page.getByText('This key may only look').waitFor()
      expect(await command(tab, 'Cancel').count()).toBe(0)
      tab.expectSober()
      await tab.close()
    })

    it('say that there is no such order', async () => {
      const tab = await world().open()
      await tab.go('/orders/1', 'Order')
      await tab.page.getByRole('alert').filter({ hasText: 'order_not_found' }).first().waitFor()
      await tab.close()
    })

    for (const theme of ['light', 'dark'] satisfies Theme[]) {
      it(`have pages without a fault that axe finds, which fit a phone (${theme})`, async () => {
        const placed = await order()
        await pay(placed)
        const wide = await world().open({ theme })
        const phone = await world().open({ theme, viewport: PHONE })
        for (const tab of [wide, phone]) {
          await openOrder(tab, placed)
          await tab.page.getByRole('region', { name: 'History of the order, oldest first' }).waitFor()
          await tab.expectAccessible()
          await tab.expectFits()
          await command(tab, 'Ship').click()
          await tab.page.getByRole('dialog').waitFor()
          await tab.expectAccessible()
          await openOrder(tab, placed, '?version=1')
          await tab.page.getByText('The past:').waitFor()
          await tab.expectAccessible()
          await tab.go('/orders/new', 'Place an order')
          await tab.expectAccessible()
          await tab.expectFits()
          tab.expectSober()
          await tab.close()
        }
      }, 90_000)
    }
  })
}
