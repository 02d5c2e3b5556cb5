import { openOrderPorts } from '../../src/engines/postgres/order-ports.ts'
import { testCatalogueStore } from '../../src/testing/catalogue-store.ts'
import { testCustomerStore } from '../../src/testing/customer-store.ts'
import { testOrderChanges } from '../../src/testing/order-changes.ts'
import { testOrderStore } from '../../src/testing/order-store.ts'
import { testStockStore } from '../../src/testing/stock-store.ts'
import { sqlEngines } from '../setup/sql.ts'

for (const engine of sqlEngines()) {
  const create = async () => {
    const database = await engine.create()
    return { store: await openOrderPorts(database.sql, database.context), close: () => database.drop() }
  }
  testCatalogueStore(engine.name, create)
  testCustomerStore(engine.name, create)
  testStockStore(engine.name, create)
  testOrderStore(engine.name, create)
  testOrderChanges(engine.name, create)
}
