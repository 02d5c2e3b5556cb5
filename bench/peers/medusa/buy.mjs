// Places orders as Medusa's checkout does it: the order is created, then its stock is reserved, under the lock of the
// inventory items or (lock: false) without it, and what can't be reserved is taken back.
import { serveBuyers } from '../../../dist-tools/bench/orders-buyers.js'
import { ADDRESS, anyCustomer, PRICE } from '../../../dist-tools/bench/orders-shop.js'
import { itemId, LOCATION, openMedusa } from './shop.mjs'

const [first_name, last_name] = ADDRESS.name.split(' ')
const shipping_address = {
  first_name,
  last_name,
  address_1: ADDRESS.line1,
  city: ADDRESS.city,
  province: ADDRESS.region,
  postal_code: ADDRESS.postal_code,
  country_code: ADDRESS.country.toLowerCase(),
}

await serveBuyers(async ({ database, lock }) => {
  const { orders, inventory, locking, close } = await openMedusa(database)

  async function reserve(order, lines) {
    const items = order.items.map((item, line) => ({
      line_item_id: item.id,
      inventory_item_id: itemId(lines[line].product),
      quantity: item.quantity,
      location_id: LOCATION,
    }))
    const create = () => inventory.createReservationItems(items)
    const keys = items.map((item) => item.inventory_item_id)
    await (lock ? locking.execute(keys, create) : create())
  }

  return {
    async buy(lines) {
      const order = await orders.createOrders({
        customer_id: anyCustomer(),
        email: 'ada@example.com',
        currency_code: 'usd',
        status: 'pending',
        shipping_address,
        items: lines.map(({ product, quantity }) => ({
          title: `Product ${product}`,
          product_id: `prod_${product}`,
          variant_id: `variant_${product}`,
          variant_sku: `SKU-${product}`,
          quantity,
          unit_price: PRICE / 100,
        })),
      })
      try {
        await reserve(order, lines)
        return true
      } catch (error) {
        await orders.deleteOrders([order.id])
        if (error.type === 'not_allowed') return false
        throw error
      }
    },
    close,
  }
})
