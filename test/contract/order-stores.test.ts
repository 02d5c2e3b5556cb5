import { testCatalogueStore } from '../../src/testing/catalogue-store.ts'
import { testCustomerStore } from '../../src/testing/customer-store.ts'
import { testOrderChanges } from '../../src/testing/order-changes.ts'
import { testOrderStore } from '../../src/testing/order-store.ts'
import { testStockStore } from '../../src/testing/stock-store.ts'
import { orderEngines } from '../setup/orders.ts'

for (const engine of orderEngines()) {
  const create = async () => {
    const database = await engine.create()
    return { store: await database.openPorts(database.context), close: () => database.drop() }
  }
  testCatalogueStore(engine.name, create)
  testCustomerStore(engine.name, create)
  testStockStore(engine.name, create)
  testOrderStore(engine.name, create)
  testOrderChanges(engine.name, create)
}
