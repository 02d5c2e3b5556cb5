import type { Clock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import type { Copy } from './copying.ts'
import { createHold, type Hold } from './hold.ts'
import type { MovableStore, Move, MovePhase, MoveStore } from './port.ts'

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

/** Resolves when every process has acknowledged the phase. */
async function everybody(
  moves: MoveStore,
  hold: Hold,
  store: MovableStore,
  phase: MovePhase,
  clock: Clock,
  onProgress: MoveOptions['onProgress'],
): Promise<void> {
  for (;;) {
    const waiting = await moves.waitingFor(store, phase)
    // Afterwards, so that those were the acknowledgements of this move.
    await hold.proceed()
    if (waiting.length === 0) return
    onProgress?.('waiting', waiting.length)
    await clock.sleep(ASK_AGAIN_MS)
  }
}

/**
 * Takes a move from the phase where it stands to its end; after a crash the same call goes on. The store is used all the
 * while. Throws `move_unfinished` when another carries the move out, when it is cancelled meanwhile, and when the two
 * engines do not come to agree: then nothing was switched.
 */
export async function carryOut(
  moves: MoveStore,
  move: Move,
  copy: Copy,
  clock: Clock,
  options: MoveOptions,
): Promise<Moved> {
  const { store } = move
  const { signal, onProgress = () => undefined } = options
  const hold = createHold(moves, move, clock, signal)
  const everybodyIn = (phase: MovePhase) => everybody(moves, hold, store, phase, clock, onProgress)

  async function untilEqual(): Promise<number> {
    let mended = 0
    for (let pass = 0; pass < LIMITS.moveSettleTriesMax; pass++) {
      const differed = await copy.mend((users) => onProgress('comparing', users), hold.proceed)
      if (differed === 0) return mended
      mended += differed
    }
    throw new AppError(
      'move_unfinished',
      `${store} still differ after ${LIMITS.moveSettleTriesMax} comparisons; nothing was switched: run the move again`,
    )
  }

  if (!(await hold.take()))
    throw new AppError(
      'move_unfinished',
      `The move of ${store} is carried out by another process; if that was killed, its hold ends within ` +
        `${LIMITS.moveLeaseMs / 1_000} seconds: try again then`,
    )
  try {
    let { phase } = move
    let copied = 0
    let mended = 0
    if (phase === 'copying') {
      await everybodyIn('copying')
      copied = await copy.copy((users) => onProgress('copying', users), hold.proceed)
      mended = await untilEqual()
      await hold.advance('switched')
      phase = 'switched'
    }
    if (phase === 'switched') {
      await everybodyIn('switched')
      await hold.advance('done')
    }
    await everybodyIn('done')
    return { store, copied, mended }
  } finally {
    await hold.release()
  }
}

/**
 * Goes back to the old engine, which has had every write; whoever carries the move out is stopped. Throws
 * `move_unfinished` when the move is done already.
 */
export async function cancel(moves: MoveStore, store: MovableStore, clock: Clock, options: MoveOptions): Promise<void> {
  const { signal, onProgress = () => undefined } = options
  const find = async (moveId?: string) =>
    (await moves.list()).find((move) => move.store === store && (moveId ?? move.moveId) === move.moveId)
  const found = await find()
  if (found !== undefined && !(await moves.advance(found.moveId, 'copying', 'cancelled')))
    // Not at once to the old engine alone: others still take the new one for the one that counts.
    await moves.advance(found.moveId, 'switched', 'returning')
  let move = await find(found?.moveId)
  if (move?.phase !== 'returning' && move?.phase !== 'cancelled')
    throw new AppError('move_unfinished', `There is no move of ${store} that can still be cancelled`)

  let hold = createHold(moves, move, clock, signal)
  while (!(await hold.take())) {
    onProgress('waiting', 1)
    signal?.throwIfAborted()
    await clock.sleep(ASK_AGAIN_MS)
    move = await find(move.moveId)
    // Somebody else has cancelled it to its end.
    if (move === undefined) return
    hold = createHold(moves, move, clock, signal)
  }
  try {
    if (move.phase === 'returning') {
      await everybody(moves, hold, store, 'returning', clock, onProgress)
      await hold.advance('cancelled')
    }
    await everybody(moves, hold, store, 'cancelled', clock, onProgress)
    await moves.forget(move.moveId)
  } finally {
    await hold.release()
  }
}
