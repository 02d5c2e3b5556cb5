import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import type { Move, MovePhase, MoveStore } from './port.ts'

const RENEW_MS = 1_000

/** A mover's hold of a move: while it lasts nobody else carries the move out, and no other move of the store begins. */
export interface Hold {
  /** False when another holds the move, or it is not in this phase any more. */
  take(): Promise<boolean>
  /**
   * To be called before whatever the mover writes. Throws `move_unfinished` when the move was cancelled or the hold is
   * lost, and the signal's reason when that has aborted.
   */
  proceed(): Promise<void>
  /** Takes the move to its next phase. Throws `move_unfinished` as {@link Hold.proceed} does. */
  advance(to: MovePhase): Promise<void>
  /** From here on nothing proceeds, and others may take the move. */
  release(): Promise<void>
}

export function createHold(
  moves: MoveStore,
  { moveId, store, phase: first }: Move,
  clock: Clock,
  signal: AbortSignal | undefined,
): Hold {
  const mover = randomUUID()
  let phase = first
  let heldAt: number | undefined
  let taking: Promise<boolean> | undefined

  async function lease(): Promise<boolean> {
    const at = clock.now()
    const isHeld = await moves.lease({ moveId, phase }, mover, LIMITS.moveLeaseMs)
    heldAt = isHeld ? at : undefined
    return isHeld
  }
  function isFresh(): boolean {
    const age = heldAt === undefined ? RENEW_MS : clock.now() - heldAt
    // A clock that was set back says nothing.
    return age >= 0 && age < RENEW_MS
  }
  const lost = () => new AppError('move_unfinished', `The move of ${store} was cancelled or is carried out elsewhere`)

  return {
    take: lease,
    async proceed() {
      signal?.throwIfAborted()
      if (isFresh()) return
      // Once lost it stays lost, also when nobody else has it by now: the move may have gone on meanwhile.
      if (heldAt === undefined) throw lost()
      taking ??= lease().finally(() => {
        taking = undefined
      })
      if (!(await taking)) throw lost()
    },
    async advance(to) {
      if (!(await moves.advance(moveId, phase, to, mover))) throw lost()
      phase = to
    },
    async release() {
      heldAt = undefined
      await moves.release(moveId, mover)
    },
  }
}
