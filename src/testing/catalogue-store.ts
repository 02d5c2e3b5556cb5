import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CatalogueStore, MAIN_LOCATION, type OrderPorts } from '../orders/ports.ts'
import { AT_MS, aKey, aProduct, byTest } from './order-values.ts'
import type { StoreHarness } from './social-values.ts'

/** The promises of {@link CatalogueStore}, for any engine. */
export function testCatalogueStore(name: string, create: () => Promise<StoreHarness<OrderPorts>>): void {
  describe(`catalogue store on ${name}`, () => {
    let catalogue: CatalogueStore
    let ports: OrderPorts
    let close: () => Promise<void>
    beforeAll(async () => {
      const harness = await create()
      ports = harness.store
      catalogue = ports.catalogue
      close = () => harness.close()
    })
    afterAll(() => close())

    const body = (product: { productId: string }) => ({ product_id: product.productId })
    const main = (onHand: number) => ({ locationId: MAIN_LOCATION, onHand })
    const store = (id: string, onHand = 5) => catalogue.create(aProduct(id), main(onHand), byTest(), body)

    it('gives back what was stored, with its first price and its stock', async () => {
      await store('camera', 7)
      expect(await catalogue.find(['camera', 'nothing'])).toEqual([aProduct('camera')])
      expect(await catalogue.prices('camera', undefined, 10)).toEqual([
        { productId: 'camera', version: 1, price: 1_000n, currency: 'USD', validFromMs: AT_MS, actor: 'test' },
      ])
      const level = { productId: 'camera', locationId: MAIN_LOCATION, onHand: 7, reserved: 0 }
      expect(await ports.stock.levels(['camera'])).toEqual([level])
    })

    it('refuses a known id and a known sku', async () => {
      await store('tripod')
      await expect(store('tripod')).rejects.toMatchObject({ code: 'already_exists' })
      const twin = aProduct('other-tripod', { sku: 'sku-tripod' })
      await expect(catalogue.create(twin, main(1), byTest(), body)).rejects.toMatchObject({ code: 'already_exists' })
    })

    it('stores once per key and gives the same answer again', async () => {
      const first = await catalogue.create(aProduct('lens'), main(1), byTest(aKey('lens')), body)
      const second = await catalogue.create(aProduct('lens-2'), main(1), byTest(aKey('lens')), body)
      expect([first, second]).toEqual([
        { body: { product_id: 'lens' }, replayed: false },
        { body: { product_id: 'lens' }, replayed: true },
      ])
      const other = catalogue.create(aProduct('lens-3'), main(1), byTest(aKey('lens', 2)), body)
      await expect(other).rejects.toMatchObject({ code: 'idempotency_key_reused' })
    })

    it('leaves the key of a refused product unused', async () => {
      await store('taken')
      const attempt = (id: string) => catalogue.create(aProduct(id), main(1), byTest(aKey('refused')), body)
      await expect(attempt('taken')).rejects.toMatchObject({ code: 'already_exists' })
      expect(await attempt('free')).toMatchObject({ replayed: false })
    })

    it('changes only the version it was decided from, and appends each new price', async () => {
      await store('phone')
      const changed = await catalogue.change('phone', 1, { price: 900n }, byTest())
      expect(changed).toMatchObject({ price: 900n, version: 2, name: 'Name of phone' })
      expect(await catalogue.change('phone', 1, { price: 800n }, byTest())).toBeUndefined()
      expect(await catalogue.change('phone', 2, { name: 'Phone', active: false }, byTest())).toMatchObject({
        version: 3,
      })
      const prices = await catalogue.prices('phone', undefined, 10)
      expect(prices.map(({ version, price }) => [version, price])).toEqual([
        [2, 900n],
        [1, 1_000n],
      ])
      expect(await catalogue.prices('phone', { version: 2, currency: 'USD' }, 10)).toHaveLength(1)
    })

    it('lists by id, of one category, page by page', async () => {
      for (const id of ['z1', 'z2', 'z3']) {
        await catalogue.create(aProduct(id, { category: 'Zoo' }), main(0), byTest(), body)
      }
      const page = await catalogue.list({ category: 'Zoo' }, undefined, 2)
      expect(page.map((product) => product.productId)).toEqual(['z1', 'z2'])
      const rest = await catalogue.list({ category: 'Zoo' }, 'z2', 2)
      expect(rest.map((product) => product.productId)).toEqual(['z3'])
      expect((await catalogue.list({}, 'z2', 5)).map((product) => product.productId)).toEqual(['z3'])
    })

    it('keeps the prices of each currency, and when one ended', async () => {
      await catalogue.create(aProduct('globe', { prices: { EUR: 900n, JPY: 150n } }), main(1), byTest(), body)
      expect(await catalogue.find(['globe'])).toMatchObject([{ prices: { EUR: 900n, JPY: 150n } }])
      await catalogue.change('globe', 1, { name: 'Globe' }, byTest())
      const changed = await catalogue.change('globe', 2, { price: 1_100n, prices: { EUR: 950n } }, byTest())
      expect(changed).toMatchObject({ price: 1_100n, prices: { EUR: 950n }, version: 3 })
      expect(await catalogue.find(['globe'])).toEqual([changed])
      const prices = await catalogue.prices('globe', undefined, 10)
      const history = [
        [3, 'EUR', 950n],
        [3, 'JPY', undefined],
        [3, 'USD', 1_100n],
        [1, 'EUR', 900n],
        [1, 'JPY', 150n],
        [1, 'USD', 1_000n],
      ]
      expect(prices.map(({ version, currency, price }) => [version, currency, price])).toEqual(history)
      const rest = await catalogue.prices('globe', { version: 3, currency: 'JPY' }, 2)
      expect(rest).toEqual(prices.slice(2, 4))
    })

    it('refuses a location that is not there, and leaves nothing behind', async () => {
      const elsewhere = { locationId: 'nowhere', onHand: 1 }
      const attempt = catalogue.create(aProduct('lamp'), elsewhere, byTest(aKey('lamp')), body)
      await expect(attempt).rejects.toMatchObject({ code: 'location_not_found' })
      expect(await catalogue.find(['lamp'])).toEqual([])
      expect(await catalogue.create(aProduct('lamp'), main(1), byTest(aKey('lamp')), body)).toMatchObject({
        replayed: false,
      })
    })
  })
}
