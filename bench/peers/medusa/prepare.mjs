// Migrates a database and fills it with stock: [{product, units}] as JSON in a file.
import { readFile } from 'node:fs/promises'
import { itemId, LOCATION, migrate, openMedusa } from './shop.mjs'

const [url, file] = process.argv.slice(2)
const ITEMS_PER_CALL = 500

const stocked = JSON.parse(await readFile(file, 'utf8'))
await migrate(url)
const { inventory, close } = await openMedusa(url)
for (let from = 0; from < stocked.length; from += ITEMS_PER_CALL) {
  const some = stocked.slice(from, from + ITEMS_PER_CALL)
  await inventory.createInventoryItems(some.map(({ product }) => ({ id: itemId(product), sku: `SKU-${product}` })))
  const level = ({ product, units }) => ({
    inventory_item_id: itemId(product),
    location_id: LOCATION,
    stocked_quantity: units,
  })
  await inventory.createInventoryLevels(some.map(level))
}
await close()
