import type { UserStore } from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import type { SqlClient } from '../sql/sql.ts'
export async function openUserStore(_sql: SqlClient, _context: PortContext): Promise<UserStore> {
  return {}
}
