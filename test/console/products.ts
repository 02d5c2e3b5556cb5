import { describe, expect, it } from 'vitest'
import type { Product } from '../../src/client/index.ts'
import { PHONE, type Theme } from './browser.ts'
import type { World } from './world.ts'

export function productsTests(world: () => World): void {
  const productOf = (id: string) =>
    world().client.get('/v1/products/{product_id}', { params: { path: { product_id: id } } })

  const create = (): Promise<Product> => {
    const body = {
      sku: crypto.randomUUID(),
      name: 'Shelf lamp',
      category: 'Console lamps',
      price: 1_900,
      currency: 'USD',
      stock: 7,
    }
    return world().client.post('/v1/products', { body })
  }

  describe('products', () => {
    it('are added with an amount as people write it, and listed by category', async () => {
      const sku = crypto.randomUUID()
      const tab = await world().open()
      const { page } = tab
      await tab.go('/products', 'Products')
      await page.getByRole('button', { name: 'Add a product' }).click()
      await page.getByRole('dialog').getByLabel('SKU', { exact: true }).fill(sku)
      await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Floor lamp')
      await page.getByRole('dialog').getByLabel('Category', { exact: true }).fill('Console lamps')
      await page.getByLabel('Price of one unit in EUR', { exact: true }).fill('12.345')
      await page.getByText('must be an amount such as 12.50').waitFor()
      await page.getByRole('button', { name: 'Add the product' }).click()
      await page.getByRole('alert').filter({ hasText: 'invalid_input' }).waitFor()
      await page.getByLabel('Price of one unit in EUR', { exact: true }).fill('12.5')
      await page.getByRole('button', { name: 'Add the product' }).click()
      await page.getByRole('heading', { level: 1, name: 'Floor lamp' }).waitFor()
      const id = new URL(page.url()).pathname.split('/').at(-1)!
      expect(await productOf(id)).toMatchObject({ sku, price: 1_250, currency: 'EUR' })
      await page.getByText('€12.50').first().waitFor()
      await tab.go('/products?category=Console%20lamps', 'Products')
      const rows = page.getByRole('region', { name: 'Products, by id' }).locator('tbody tr')
      await rows.filter({ hasText: 'Floor lamp' }).first().waitFor()
      expect(await rows.filter({ hasNotText: 'Console lamps' }).count()).toBe(0)
      tab.expectSober()
      await tab.close()
    })

    it('change their price and their stock, and show what was before', async () => {
      const { product_id: id } = await create()
      const tab = await world().open()
      const { page } = tab
      await tab.go(`/products/${id}`, 'Shelf lamp')
      await page.getByRole('button', { name: 'Change price' }).click()
      await page.getByLabel('New price of one unit in USD', { exact: true }).fill('21')
      await page.getByText('That is $21.00').waitFor()
      await page.getByRole('dialog').getByRole('button', { name: 'Change the price' }).click()
      await page.getByText('The price is $21.00 from now on').waitFor()
      const prices = page.getByRole('region', { name: 'Prices, newest first' }).locator('tbody tr')
      await expect
        .poll(async () => (await prices.allTextContents()).map((text) => /\$[\d.]+/.exec(text)?.[0]))
        .toEqual(['$21.00', '$19.00'])
      await page
        .getByRole('img', { name: 'Price of one unit over time, in USD. Newest: Price in USD: $21.00' })
        .waitFor()

      await page.getByRole('button', { name: 'Set stock' }).click()
      await page.getByLabel('Units on hand', { exact: true }).fill('-1')
      await page.getByRole('button', { name: 'Set the stock' }).click()
      expect(
        await page
          .getByLabel('Units on hand', { exact: true })
          .evaluate((input: HTMLInputElement) => input.validity.rangeUnderflow),
      ).toBe(true)
      await page.getByLabel('Units on hand', { exact: true }).fill('12')
      await page.getByRole('button', { name: 'Set the stock' }).click()
      await page.getByText('12 units are on hand at main').waitFor()
      const moves = page.getByRole('region', { name: 'Stock moves, newest first' }).locator('tbody tr')
      await moves.filter({ hasText: 'adjust' }).filter({ hasText: '+5' }).waitFor()
      const stock = await world().client.get('/v1/products/{product_id}/stock', {
        params: { path: { product_id: id } },
      })
      expect(stock).toMatchObject({ on_hand: 12, available: 12 })
      expect(await productOf(id)).toMatchObject({ price: 2_100, version: 2 })
      tab.expectSober()
      await tab.close()
    })

    for (const theme of ['light', 'dark'] satisfies Theme[]) {
      it(`have a page without a fault that axe finds, which fits a phone (${theme})`, async () => {
        const { product_id: id } = await create()
        for (const viewport of [undefined, PHONE]) {
          const tab = await world().open({ theme, ...(viewport === undefined ? {} : { viewport }) })
          await tab.go(`/products/${id}`, 'Shelf lamp')
          await tab.page.getByRole('region', { name: 'Stock moves, newest first' }).waitFor()
          await tab.expectAccessible()
          await tab.expectFits()
          await tab.page.getByRole('button', { name: 'Set stock' }).click()
          await tab.expectAccessible()
          tab.expectSober()
          await tab.close()
        }
      }, 60_000)
    }
  })
}
