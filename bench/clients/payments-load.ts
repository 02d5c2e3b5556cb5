// Loads the state of one payment from its events, with the snapshots that are there.

import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { openPaymentStore } from '../../src/engines/postgres/payment-store.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import { foldStored } from '../../src/payments/commands/writer.ts'
import { serveClient } from '../client-process.ts'

const [url = '', paymentIntentId = '', version = ''] = process.argv.slice(2)

await serveClient(async () => {
  const sql = await openPg(new URL(url), PROFILES.postgres, { poolSize: 1, logger: silentLogger })
  const store = openPaymentStore(sql, systemClock, 1)
  return {
    async operation() {
      const { snapshot, events } = await store.load(paymentIntentId)
      const state = foldStored(events, snapshot?.state)
      if (state.version !== Number(version)) throw new Error(`it is at version ${state.version}, not ${version}`)
    },
    close: () => sql.close(),
  }
})
