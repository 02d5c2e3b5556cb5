/**
 * Moves of a store from one engine to another while processes serve. What stands here is kept in the main database, where
 * every process sees it: so all agree where a store lives, whatever their configuration says.
 *
 * Words. *Phase* `copying`: every process writes to both engines and reads from the old one, while the old one's content is
 * copied. `switched`: reads go to the new one, writes still to both, so that the way back is open. `returning`: back from
 * there, reads go to the old one, writes still to both. `done`: the old one is not used any more. `cancelled`: back to the
 * old one alone. A process *acknowledges* a phase when nothing that it began in an earlier one is under way. The *mover*
 * carries a move out or cancels it: one at a time, as long as his lease lasts.
 */
export const MOVABLE_STORES = ['follows', 'timelines'] as const
export type MovableStore = (typeof MOVABLE_STORES)[number]

export const MOVE_PHASES = ['copying', 'switched', 'returning', 'done', 'cancelled'] as const
export type MovePhase = (typeof MOVE_PHASES)[number]

export interface Move {
  /** No other move has it, of this store or another. */
  readonly moveId: string
  readonly store: MovableStore
  /** Where the store was, without user and password: a process that has it elsewhere can't take part. */
  readonly from: string
  /** With its password: processes that are not configured for it open it. */
  readonly toUrl: string
  readonly phase: MovePhase
  readonly startedAt: Date
}

export interface MoveStore {
  /** At most one of each store. */
  list(): Promise<Move[]>
  /** Begins a move at `copying`. False when there is one of this store already. */
  begin(move: Pick<Move, 'store' | 'from' | 'toUrl'>, at: Date): Promise<boolean>
  /**
   * Leases a move in this phase to a mover for so many milliseconds by the clock of the database, or renews his lease.
   * False when the move is in another phase or gone, or is leased to another.
   */
  lease(move: Pick<Move, 'moveId' | 'phase'>, mover: string, ms: number): Promise<boolean>
  /** Ends the lease of this mover, if he has it. */
  release(moveId: string, mover: string): Promise<void>
  /** False when the move is not in the phase `from` (any more), or a mover is named and has not leased it. */
  advance(moveId: string, from: MovePhase, to: MovePhase, mover?: string): Promise<boolean>
  /** Forgets the move: from then on the configuration alone says where the store lives. */
  forget(moveId: string): Promise<void>
  /** This process, by its node number, holds stores that can move: from here on every move waits for it. */
  join(node: number): Promise<void>
  /** This process acts by the phase of this move; without effect when that is forgotten. */
  acknowledge(move: Pick<Move, 'moveId' | 'phase'>, node: number): Promise<void>
  /**
   * Node numbers of running processes that hold stores that can move and have not acknowledged this phase. One that was
   * killed counts until its lease ends.
   */
  waitingFor(store: MovableStore, phase: MovePhase): Promise<number[]>
}
