import { openSqlQueue } from '../../src/engines/postgres/queue.ts'
import { testQueue } from '../../src/testing/queue.ts'
import { openRabbitTestQueue, ownRabbitUrl, rabbitServer, removeRabbitQueues } from '../setup/rabbitmq.ts'
import { sqlEngines } from '../setup/sql.ts'

for (const engine of sqlEngines()) {
  testQueue(engine.name, async () => {
    const database = await engine.create()
    return {
      open: (options) => openSqlQueue(database.sql, database.context, { ...options, pollMs: 50 }),
      close: () => database.drop(),
    }
  })
}

const rabbitUrl = rabbitServer()
if (rabbitUrl !== undefined) {
  testQueue('rabbitmq', async () => {
    const url = ownRabbitUrl(rabbitUrl)
    return {
      capabilities: { countsWorkElsewhere: false },
      open: (options) => openRabbitTestQueue(url, options),
      close: () => removeRabbitQueues(url),
    }
  })
}
