import type { TimelineStore } from '../../social/ports.ts'
import type { PortContext } from '../engine.ts'
import type { SqlClient } from '../sql/sql.ts'
export async function openTimelineStore(_sql: SqlClient, _context: PortContext): Promise<TimelineStore> {
  return {}
}
