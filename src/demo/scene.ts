import type { Fanfold } from '../app/fanfold.ts'
import type { CommandContext } from '../core/command.ts'
import { isAppError } from '../core/errors.ts'
import { backoffMs } from '../core/retry.ts'
import type { DemoClock } from './clock.ts'
import type { World } from './world.ts'

/** Who did it, in histories; also the scope of the idempotency keys. */
export const ACTOR = 'demo'

const TRIES = 20
const BACKOFF = { firstMs: 50, maxMs: 2_000 }

export interface Scene {
  readonly fanfold: Fanfold
  readonly world: World
  /** The present of the world: nothing happens after it. Milliseconds since the epoch. */
  readonly nowMs: number
  /** Whether an earlier run was broken off: what it did is not to be done again. */
  readonly isResumed: boolean
  /** Carries out something as of so long before now; again while somebody is in the way for a moment. */
  act<T>(agoMs: number, work: () => Promise<T>): Promise<T>
  /** Works a list off, some at a time, in its order; stops when the demo is told to. */
  each<T>(
    label: string,
    items: readonly T[],
    atOnce: number,
    work: (item: T) => Promise<unknown>,
    /** What the items are a part of, for the progress. */
    whole?: { readonly done: number; readonly total: number },
  ): Promise<void>
  /** Throws when the demo is told to stop. */
  checkGoingOn(): void
}

export interface SceneOptions {
  readonly fanfold: Fanfold
  readonly clock: DemoClock
  readonly world: World
  readonly nowMs: number
  readonly isResumed: boolean
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((label: string, done: number, total: number) => void) | undefined
}

export const keyed = (key: string): CommandContext => ({ actor: ACTOR, idempotencyKey: key })

export function createScene(options: SceneOptions): Scene {
  const { fanfold, clock, world, nowMs, isResumed, signal, onProgress } = options
  // Ids of the past hold their millisecond: those of the broken-off run shall not be met.
  const shiftMs = isResumed ? 1 + Math.floor(Math.random() * 900) : 0
  const checkGoingOn = () => signal?.throwIfAborted()

  async function act<T>(agoMs: number, work: () => Promise<T>): Promise<T> {
    let atMs = nowMs - agoMs + shiftMs
    for (let tries = 1; ; tries++) {
      try {
        return await clock.at(atMs, work)
      } catch (error) {
        if (!isAppError(error) || tries === TRIES || signal?.aborted) throw error
        // A run that was killed holds its key for a while, by the clock of the world.
        if (error.code === 'idempotency_key_in_use') atMs += (error.retryAfterMs ?? 1_000) + 1_000
        else if (error.status !== 503) throw error
        await clock.sleep(backoffMs(tries, BACKOFF), signal)
      }
    }
  }

  return {
    ...{ fanfold, world, nowMs, isResumed, act, checkGoingOn },
    async each(label, items, atOnce, work, whole = { done: 0, total: items.length }) {
      let next = 0
      let { done } = whole
      onProgress?.(label, done, whole.total)
      async function takeTurns(): Promise<void> {
        while (next < items.length) {
          checkGoingOn()
          const item = items[next]!
          next += 1
          try {
            await work(item)
          } catch (error) {
            // The others need not begin what comes behind.
            next = items.length
            throw error
          }
          done += 1
          onProgress?.(label, done, whole.total)
        }
      }
      const turns = await Promise.allSettled(Array.from({ length: atOnce }, takeTurns))
      const failed = turns.find((turn) => turn.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    },
  }
}
