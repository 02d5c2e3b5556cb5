import { openWebhookStore } from '../../src/engines/postgres/webhook-out-store.ts'
import { testWebhookStore } from '../../src/testing/webhook-out-store.ts'
import { sqlEngines } from '../setup/sql.ts'

for (const engine of sqlEngines()) {
  testWebhookStore(engine.name, async () => {
    const database = await engine.create()
    return { store: openWebhookStore(database.sql), close: () => database.drop() }
  })
}
