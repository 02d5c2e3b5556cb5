import { createLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { isTransient, retry } from '../../src/core/retry.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import { startProjector } from '../../src/log/projector.ts'
import { tell } from '../setup/tell.ts'
import { openProofStore, proofProjection } from './proof-log.ts'

/** Runs the projection of the proof until killed. */
export async function main(url: string, version: string): Promise<void> {
  const logger = createLogger('error')
  const sql = await openPg(new URL(url), PROFILES.postgres, { poolSize: 3, logger })
  // The test cuts connections, also those of a process that has not begun to work.
  const opening = { tries: 20, backoff: { firstMs: 10, maxMs: 100 }, retryable: isTransient }
  const store = await retry(opening, () => openProofStore(sql))
  const projection = proofProjection({ version: Number(version) })
  startProjector({ store, projection, logger, metrics: createMetrics(), pollMs: 10 })
  tell({ kind: 'started' })
  await new Promise(() => undefined)
}
