import type { PaymentPorts } from '../../payments/ports.ts'
import type { PortContext } from '../engine.ts'
import type { SqlClient } from '../sql/sql.ts'
export async function openPaymentPorts(_sql: SqlClient, _context: PortContext): Promise<PaymentPorts> {
  return {}
}
