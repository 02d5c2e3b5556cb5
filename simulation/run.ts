import { sha256 } from '../src/core/canonical-json.ts'
import { checkAtRest } from './checks/at-rest.ts'
import { Violation } from './checks/witness.ts'
import { seededRandom } from './engine/random.ts'
import { withVirtualRuntime } from './engine/runtime.ts'
import { createTimeline } from './engine/timeline.ts'
import { actOnce, type Cast, createCast, heal } from './world/actions.ts'
import { bringToRest, passTime } from './world/passing.ts'
import { createWorld } from './world/world.ts'

export interface Run {
  readonly seed: number
  readonly steps: number
  /** Steps that were taken; one more than asked for is the coming to rest. */
  readonly taken: number
  /** SHA-256 of the trace, in hexadecimal: the same for the same seed, steps and program. */
  readonly hash: string
  readonly violation: Violation | undefined
  readonly trace: readonly string[]
  /** Facts that came about, by type. */
  readonly events: ReadonlyMap<string, number>
}

const START_MS = Date.UTC(2026, 0, 1)

async function play(cast: Cast, steps: number, onStep: (step: number) => void): Promise<void> {
  const { world } = cast
  for (let step = 1; step <= steps; step++) {
    onStep(step)
    await actOnce(cast)
    await passTime(cast)
    if (world.witness.violation !== undefined) return
  }
  onStep(steps + 1)
  heal(cast)
  await bringToRest(cast)
  if (world.witness.violation === undefined) await checkAtRest(cast)
}

/**
 * Runs one seed to its end, or to the first rule that does not hold. The same seed does the same every time, whether it is
 * traced or not; without a trace there is no hash of it either.
 */
export async function run(seed: number, steps: number, isTraced = true): Promise<Run> {
  const random = seededRandom(seed)
  const timeline = createTimeline(START_MS)
  const trace: string[] = []
  let taken = 0
  const world = await withVirtualRuntime(timeline, random, async () => {
    const line = (text: () => string) => {
      if (isTraced) trace.push(`${taken} +${timeline.now() - START_MS} ${text()}`)
    }
    const made = createWorld(timeline, random, line)
    try {
      await play(createCast(made), steps, (step) => {
        taken = step
      })
    } catch (error) {
      if (error instanceof Violation) return made
      if (made.witness.violation === undefined) throw error
    }
    return made
  })
  const events = new Map<string, number>()
  for (const { type } of world.tables.logs.flat()) events.set(type, (events.get(type) ?? 0) + 1)
  const hash = Buffer.from(sha256(trace.join('\n'))).toString('hex')
  return { seed, steps, taken, hash, violation: world.witness.violation, trace, events }
}
