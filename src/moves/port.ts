/**
 * Moves of a store from one engine to another while processes serve. What stands here is kept in the main database, where
 * every process sees it: so all agree where a store lives, whatever their configuration says.
 *
 * Words. *Phase* `copying`: every process writes to both engines and reads from the old one, while the old one's content is
 * copied. `switched`: reads go to the new one, writes still to both, so that the way back is open. `done`: the old one is
 * not used any more. `cancelled`: back to the old one alone. A process *acknowledges* a phase when nothing that it began
 * in an earlier one is under way.
 */
export const MOVABLE_STORES = ['follows', 'timelines'] as const
export type MovableStore = (typeof MOVABLE_STORES)[number]

export const MOVE_PHASES = ['copying', 'switched', 'done', 'cancelled'] as const
export type MovePhase = (typeof MOVE_PHASES)[number]

export interface Move {
  readonly store: MovableStore
  /** With its password: processes that are not configured for it open it. */
  readonly toUrl: string
  readonly phase: MovePhase
  readonly startedAt: Date
}

export interface MoveStore {
  /** At most one of each store. */
  list(): Promise<Move[]>
  /** Begins a move at `copying`. False when there is one of this store already. */
  begin(move: Pick<Move, 'store' | 'toUrl'>, at: Date): Promise<boolean>
  /** False when the move is not in the phase `from` (any more). */
  advance(store: MovableStore, from: MovePhase, to: MovePhase): Promise<boolean>
  /** Forgets the move: from then on the configuration alone says where the store lives. */
  forget(store: MovableStore): Promise<void>
  /** This process, by its node number, acts by this phase. */
  acknowledge(store: MovableStore, node: number, phase: MovePhase): Promise<void>
  /** Node numbers of running processes that have not acknowledged this phase. One that was killed counts until its lease ends. */
  waitingFor(store: MovableStore, phase: MovePhase): Promise<number[]>
}
