import { type Clock, systemClock } from '../../src/core/clock.ts'
import { createIdMaker } from '../../src/core/ids.ts'
import { type Logger, silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import type { PortContext } from '../../src/engines/engine.ts'

export interface TestContextOptions {
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
  /** Processes that work side by side must differ in it. */
  readonly node?: number | undefined
}

/** What an engine is given. It knows nothing of vitest, so that processes of tests can have it, too. */
export function testContext({
  clock = systemClock,
  logger = silentLogger,
  node = 1,
}: TestContextOptions = {}): PortContext {
  return { logger, metrics: createMetrics(), clock, poolSize: 10, ids: createIdMaker({ node, clock }) }
}
