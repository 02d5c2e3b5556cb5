import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CatalogueStore, OrderPorts } from '../orders/ports.ts'
import { AT_MS, aKey, aProduct, byTest } from './order-values.ts'
import type { StoreHarness } from './social-values.ts'

/** The promises of {@link CatalogueStore}, for any engine. */
export function testCatalogueStore(name: string, create: () => Promise<StoreHarness<OrderPorts>>): void {
  describe(`catalogue store on ${name}`, () => {
    let catalogue: CatalogueStore
    let close: () => Promise<void>
    beforeAll(async () => {
      const harness = await create()
      catalogue = harness.store.catalogue
      close = () => harness.close()
    })
    afterAll(() => close())

    const body = (product: { productId: string }) => ({ product_id: product.productId })
    const store = (id: string, onHand = 5) => catalogue.create(aProduct(id), onHand, byTest(), body)

    it('gives back what was stored, with its first price and its stock', async () => {
      await store('camera', 7)
      expect(await catalogue.find(['camera', 'nothing'])).toEqual([aProduct('camera')])
      expect(await catalogue.prices('camera', undefined, 10)).toEqual([
        { productId: 'camera', version: 1, price: 1_000n, currency: 'USD', validFromMs: AT_MS, actor: 'test' },
      ])
      expect(await catalogue.stock('camera')).toMatchObject({ onHand: 7, reserved: 0 })
    })

    it('refuses a known id and a known sku', async () => {
      await store('tripod')
      await expect(store('tripod')).rejects.toMatchObject({ code: 'already_exists' })
      const twin = aProduct('other-tripod', { sku: 'sku-tripod' })
      await expect(catalogue.create(twin, 1, byTest(), body)).rejects.toMatchObject({ code: 'already_exists' })
    })

    it('stores once per key and gives the same answer again', async () => {
      const first = await catalogue.create(aProduct('lens'), 1, byTest(aKey('lens')), body)
      const second = await catalogue.create(aProduct('lens-2'), 1, byTest(aKey('lens')), body)
      expect([first, second]).toEqual([
        { body: { product_id: 'lens' }, replayed: false },
        { body: { product_id: 'lens' }, replayed: true },
      ])
      const other = catalogue.create(aProduct('lens-3'), 1, byTest(aKey('lens', 2)), body)
      await expect(other).rejects.toMatchObject({ code: 'idempotency_key_reused' })
    })

    it('leaves the key of a refused product unused', async () => {
      await store('taken')
      const attempt = (id: string) => catalogue.create(aProduct(id), 1, byTest(aKey('refused')), body)
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
      expect(await catalogue.prices('phone', 2, 10)).toHaveLength(1)
    })

    it('lists by id, of one category, page by page', async () => {
      for (const id of ['z1', 'z2', 'z3']) {
        await catalogue.create(aProduct(id, { category: 'Zoo' }), 0, byTest(), body)
      }
      const page = await catalogue.list({ category: 'Zoo' }, undefined, 2)
      expect(page.map((product) => product.productId)).toEqual(['z1', 'z2'])
      const rest = await catalogue.list({ category: 'Zoo' }, 'z2', 2)
      expect(rest.map((product) => product.productId)).toEqual(['z3'])
      expect((await catalogue.list({}, 'z2', 5)).map((product) => product.productId)).toEqual(['z3'])
    })

    it('sets the units on hand', async () => {
      await store('cable', 5)
      expect(await catalogue.setOnHand('cable', 8, byTest())).toMatchObject({ kind: 'set', level: { onHand: 8 } })
      expect(await catalogue.setOnHand('cable', 8, byTest())).toMatchObject({ kind: 'set' })
      expect(await catalogue.stock('cable')).toMatchObject({ onHand: 8 })
      expect(await catalogue.setOnHand('nothing', 8, byTest())).toBeUndefined()
    })
  })
}
