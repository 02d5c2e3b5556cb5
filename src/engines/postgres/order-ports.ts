import type { OrderPorts } from '../../orders/ports.ts'
import type { PortContext } from '../engine.ts'
import type { SqlClient } from '../sql/sql.ts'
export async function openOrderPorts(_sql: SqlClient, _context: PortContext): Promise<OrderPorts> {
  return {}
}
