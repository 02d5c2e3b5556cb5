import { openBase } from '../../src/app/base.ts'
import type { Moves } from '../../src/app/parts/moves.ts'
import { openSocialPart, SOCIAL_STORES } from '../../src/app/parts/social.ts'
import type { ConfigOptions } from '../../src/core/config.ts'
import { createEngines, portOf } from '../../src/engines/registry.ts'
import type { FollowStore, TimelineStore } from '../../src/social/ports.ts'
import type { Social } from '../../src/social/social.ts'
import { testContext } from '../setup/context.ts'

/** The social model as one process has it, with the stores as they move. */
export interface ProcessUnderTest {
  readonly social: Social
  readonly moves: Moves
  close(): Promise<void>
}

export async function openProcess(options: ConfigOptions & { workers?: boolean }): Promise<ProcessUnderTest> {
  const base = await openBase(options, SOCIAL_STORES)
  const close = () => base.lifecycle.close()
  try {
    const { social, moves, startWorkers } = await openSocialPart(base)
    if (base.workers) startWorkers()
    return { social, moves, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The stores at a URL as they are, without any move. */
export async function openRaw(
  url: string,
): Promise<{ follows: FollowStore; timelines: TimelineStore; close(): Promise<void> }> {
  const engines = createEngines({ ...testContext(), poolSize: 2 })
  const engine = await engines.open(url)
  await engine.migrate()
  const lacking = () => {
    throw new Error(`${engine.name} lacks it`)
  }
  const context = testContext()
  return {
    follows: engine.ports.follows === undefined ? (lacking as never) : await portOf(engine, 'follows')(context),
    timelines: engine.ports.timelines === undefined ? (lacking as never) : await portOf(engine, 'timelines')(context),
    close: () => engines.close(),
  }
}
