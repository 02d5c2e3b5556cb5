import type { Clock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import type { Copy } from './copying.ts'
import type { MovableStore, MovePhase, MoveStore } from './port.ts'

const ASK_AGAIN_MS = 200

export type MoveStep = 'waiting' | 'copying' | 'comparing'

export interface MoveOptions {
  /** What is done now, and how far it has come: processes that are waited for, or users. */
  readonly onProgress?: (step: MoveStep, done: number) => void
  readonly signal?: AbortSignal
}

export interface Moved {
  readonly store: MovableStore
  /** Relations or timelines. */
  readonly copied: number
  /** Those that differed afterwards, in all passes, and were mended. */
  readonly mended: number
}

/**
 * Takes a move from the phase where it stands to its end; after a crash the same call goes on. The store is used all the
 * while. Throws `move_unfinished` when the two engines do not come to agree: then nothing was switched.
 */
export async function carryOut(
  moves: MoveStore,
  store: MovableStore,
  copy: Copy,
  clock: Clock,
  options: MoveOptions,
): Promise<Moved> {
  const { signal, onProgress = () => undefined } = options

  async function everybody(phase: MovePhase): Promise<void> {
    for (;;) {
      const waiting = await moves.waitingFor(store, phase)
      if (waiting.length === 0) return
      onProgress('waiting', waiting.length)
      signal?.throwIfAborted()
      await clock.sleep(ASK_AGAIN_MS)
    }
  }
  async function advance(from: MovePhase, to: MovePhase): Promise<void> {
    if (!(await moves.advance(store, from, to)))
      throw new AppError('move_unfinished', `The move of ${store} was cancelled or is carried out elsewhere`)
  }
  async function untilEqual(): Promise<number> {
    let mended = 0
    for (let pass = 0; pass < LIMITS.moveSettleTriesMax; pass++) {
      const differed = await copy.mend((users) => onProgress('comparing', users), signal)
      if (differed === 0) return mended
      mended += differed
    }
    throw new AppError(
      'move_unfinished',
      `${store} still differ after ${LIMITS.moveSettleTriesMax} comparisons; nothing was switched: run the move again`,
    )
  }

  let copied = 0
  let mended = 0
  let phase = (await moves.list()).find((move) => move.store === store)?.phase
  if (phase === 'copying') {
    await everybody('copying')
    copied = await copy.copy((users) => onProgress('copying', users), signal)
    mended = await untilEqual()
    await advance('copying', 'switched')
    phase = 'switched'
  }
  if (phase === 'switched') {
    await everybody('switched')
    await advance('switched', 'done')
    phase = 'done'
  }
  if (phase !== 'done') throw new AppError('move_unfinished', `There is no move of ${store} to carry out`)
  await everybody('done')
  return { store, copied, mended }
}

/** Goes back to the old engine, which has had every write. Throws `move_unfinished` when the move is done already. */
export async function cancel(moves: MoveStore, store: MovableStore, clock: Clock, options: MoveOptions): Promise<void> {
  const { signal, onProgress = () => undefined } = options
  const isCancelled =
    (await moves.advance(store, 'copying', 'cancelled')) || (await moves.advance(store, 'switched', 'cancelled'))
  const phase = (await moves.list()).find((move) => move.store === store)?.phase
  if (!isCancelled && phase !== 'cancelled')
    throw new AppError('move_unfinished', `There is no move of ${store} that can still be cancelled`)
  for (let waiting = await moves.waitingFor(store, 'cancelled'); waiting.length > 0; ) {
    onProgress('waiting', waiting.length)
    signal?.throwIfAborted()
    await clock.sleep(ASK_AGAIN_MS)
    waiting = await moves.waitingFor(store, 'cancelled')
  }
  await moves.forget(store)
}
