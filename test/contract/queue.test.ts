import { openSqlQueue } from '../../src/engines/postgres/queue.ts'
import { testQueue } from '../../src/testing/queue.ts'
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
