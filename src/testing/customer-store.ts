import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CustomerStore, OrderPorts, StoredAddress } from '../orders/ports.ts'
import { AT_MS, aCustomer, aKey, byTest } from './order-values.ts'
import type { StoreHarness } from './social-values.ts'

const anAddress = (customerId: string, addressId: string): StoredAddress => ({
  addressId,
  customerId,
  name: 'Ada',
  line1: '1 Main Street',
  city: 'New York',
  country: 'US',
  createdAtMs: AT_MS,
})

/** The promises of {@link CustomerStore}, for any engine; what erasing does to orders is not among them. */
export function testCustomerStore(name: string, create: () => Promise<StoreHarness<OrderPorts>>): void {
  describe(`customer store on ${name}`, () => {
    let customers: CustomerStore
    let close: () => Promise<void>
    beforeAll(async () => {
      const harness = await create()
      customers = harness.store.customers
      close = () => harness.close()
    })
    afterAll(() => close())

    const body = () => ({})
    const store = (id: string) => customers.create(aCustomer(id), byTest(), body)

    it('gives back what was stored', async () => {
      await store('ada')
      expect(await customers.find(['ada', 'nobody'])).toEqual([aCustomer('ada')])
      await customers.create(aCustomer('bob', { email: undefined }), byTest(), body)
      expect(await customers.find(['bob'])).toMatchObject([{ email: undefined }])
    })

    it('lists by id, page by page, guests among them, without those that were erased', async () => {
      for (const id of ['list-1', 'list-2', 'list-3']) await store(id)
      await customers.create(aCustomer('list-4', { guest: true }), byTest(), body)
      await customers.erase('list-2', AT_MS)
      const [first, ...others] = await customers.list('list-', 2)
      expect([first, ...others]).toEqual([aCustomer('list-1'), aCustomer('list-3')])
      expect((await customers.list('list-3', 1)).map(({ customerId, guest }) => [customerId, guest])).toEqual([
        ['list-4', true],
      ])
    })

    it('refuses a known id, and repeats the answer of a known key', async () => {
      await store('eve')
      await expect(store('eve')).rejects.toMatchObject({ code: 'already_exists' })
      const first = await customers.create(aCustomer('kim'), byTest(aKey('kim')), () => ({ n: 1 }))
      const again = await customers.create(aCustomer('kim'), byTest(aKey('kim')), () => ({ n: 2 }))
      expect([first, again]).toEqual([
        { body: { n: 1 }, replayed: false },
        { body: { n: 1 }, replayed: true },
      ])
    })

    it('keeps addresses of customers, in pages by id', async () => {
      await store('zoe')
      for (const id of ['a1', 'a2', 'a3']) await customers.addAddress(anAddress('zoe', id), byTest(), body)
      const keys = [
        { customerId: 'zoe', addressId: 'a2' },
        { customerId: 'ada', addressId: 'a2' },
      ]
      expect(await customers.findAddresses(keys)).toEqual([anAddress('zoe', 'a2')])
      expect(await customers.addresses('zoe', undefined, 2)).toHaveLength(2)
      expect((await customers.addresses('zoe', 'a2', 2)).map((address) => address.addressId)).toEqual(['a3'])
      expect(await customers.addAddress(anAddress('nobody', 'a1'), byTest(), body)).toBeUndefined()
    })

    it('forgets an erased customer, whose id stays taken', async () => {
      await store('max')
      await customers.addAddress(anAddress('max', 'a1'), byTest(), body)
      expect(await customers.erase('max', AT_MS)).toBe(true)
      expect(await customers.find(['max'])).toEqual([])
      expect(await customers.addresses('max', undefined, 5)).toEqual([])
      expect(await customers.addAddress(anAddress('max', 'a2'), byTest(), body)).toBeUndefined()
      await expect(store('max')).rejects.toMatchObject({ code: 'already_exists' })
      expect(await customers.erase('max', AT_MS)).toBe(true)
      expect(await customers.erase('nobody', AT_MS)).toBe(false)
    })
  })
}
