import type { Fanfold } from '../app/fanfold.ts'
import type { DemoClock } from './clock.ts'
import { fillOrders } from './fill-orders.ts'
import { fillImported, fillShop } from './fill-shop.ts'
import { fillFeed, fillPeople } from './fill-social.ts'
import { markBegun, markComplete, type Plan } from './marker.ts'
import { addDeadLetter, addEndpoint, addSettlement } from './operations.ts'
import { fillOutcomes } from './outcomes.ts'
import { createRandom } from './random.ts'
import { createScene } from './scene.ts'
import { SIZES } from './size.ts'
import { makeWorld } from './world.ts'

export interface PlayOptions {
  /** Opened with `workers: false` and this clock. */
  readonly fanfold: Fanfold
  readonly clock: DemoClock
  readonly plan: Plan
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((label: string, done: number, total: number) => void) | undefined
}

/**
 * Fills a database with the world of a plan, through the commands that everybody uses, each as of its moment of the past
 * year; then starts the background work, and resolves when that has caught up. A world that is complete is left as it
 * is; one that was broken off is completed. Throws the signal's reason when it is told to stop.
 */
export async function playDemo(options: PlayOptions): Promise<void> {
  const { fanfold, clock, plan, signal, onProgress } = options
  if (plan.state === 'complete') return fanfold.startWorkers()
  const size = SIZES[plan.sizeName]
  const nowMs = await markBegun(fanfold, plan)
  const world = makeWorld(plan.seed, size, nowMs)
  const isResumed = plan.state === 'begun'
  const scene = createScene({ fanfold, clock, world, nowMs, isResumed, signal, onProgress })
  await fillPeople(scene)
  await fillFeed(scene, size.readers)
  await fillShop(scene)
  await fillImported(scene)
  await fillOrders(scene)
  await addEndpoint(scene)
  await fillOutcomes(scene, size.outcomes, createRandom(plan.seed).fork('outcomes'))
  await addDeadLetter(scene)
  await fanfold.startWorkers()
  await untilCaughtUp(fanfold, signal, onProgress)
  await addSettlement(scene)
  await markComplete(fanfold)
}

async function untilCaughtUp(
  fanfold: Fanfold,
  signal: AbortSignal | undefined,
  onProgress: PlayOptions['onProgress'],
): Promise<void> {
  let most = 0
  let stop = () => {}
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
    signal?.addEventListener('abort', stop, { once: true })
  })
  await Promise.race([
    stopped,
    fanfold.caughtUp((left) => {
      most = Math.max(most, left)
      onProgress?.('read models', most - left, most)
    }),
  ])
  signal?.removeEventListener('abort', stop)
  signal?.throwIfAborted()
}
