import { INSUFFICIENT_PRIVILEGE, sqlState } from '../engines/sql/sql.ts'
import type { Move, MoveStore } from '../moves/port.ts'

/**
 * The moves of stores. Who may only read the database may not read the URLs, which have passwords: his configuration must
 * say where the stores are.
 */
export async function knownMoves(moves: MoveStore, readOnly: boolean): Promise<readonly Move[]> {
  try {
    return await moves.list()
  } catch (error) {
    if (readOnly && sqlState(error) === INSUFFICIENT_PRIVILEGE) return []
    throw error
  }
}
