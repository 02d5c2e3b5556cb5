import type { PostStore } from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import type { SqlClient } from '../sql/sql.ts'
export async function openPostStore(_sql: SqlClient, _context: PortContext): Promise<PostStore> {
  return {}
}
