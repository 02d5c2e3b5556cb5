import type { FollowStore } from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import type { SqlClient } from '../sql/sql.ts'
export async function openFollowStore(_sql: SqlClient, _context: PortContext): Promise<FollowStore> {
  return {}
}
