import type { Queue } from '../../queue/port.ts'
import type { PortContext } from '../engine.ts'
import type { SqlClient } from '../sql/sql.ts'
export async function openSqlQueue(_sql: SqlClient, _context: PortContext): Promise<Queue> {
  throw new Error('soon')
}
