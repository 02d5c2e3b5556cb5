import { openPaymentPorts } from '../../src/engines/postgres/payment-ports.ts'
import { testPaymentStore } from '../../src/testing/payment-ports.ts'
import { testSandboxLedger, testWebhookInbox } from '../../src/testing/processor-ports.ts'
import { sqlEngines } from '../setup/sql.ts'

for (const engine of sqlEngines()) {
  const open = async () => {
    const database = await engine.create()
    return { ports: await openPaymentPorts(database.sql, database.context), close: () => database.drop() }
  }
  testPaymentStore(engine.name, open)
  testWebhookInbox(engine.name, open)
  testSandboxLedger(engine.name, open)
}
