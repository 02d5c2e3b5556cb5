import type { Clock } from '../core/clock.ts'
import { AppError } from '../core/errors.ts'
import { orderIdOf } from './lifecycle/change.ts'
import type { OrderCheck } from './lifecycle/schemas.ts'
import type { OrderPorts } from './ports.ts'
import { checkOne } from './verify.ts'

export function createOrderChecker({ ports, clock }: { ports: Pick<OrderPorts, 'audit'>; clock: Clock }) {
  return {
    /**
     * Whether one order is what its history says, and each entry of the history what its hash says; as of one moment. It is
     * the part of `verifyOrders` that goes order by order. Throws `order_not_found`.
     */
    async checkOrder(id: string): Promise<OrderCheck> {
      const orderId = orderIdOf(id)
      const checkedAt = new Date(clock.now()).toISOString()
      const [audited] = await ports.audit((view) => view.orders(orderId - 1n, 1))
      if (audited === undefined || audited.orderId !== orderId) throw new AppError('order_not_found', `No order ${id}`)
      const findings = checkOne(audited)
      return {
        order_id: String(orderId),
        ok: findings.length === 0,
        events: audited.history.length,
        findings,
        checked_at: checkedAt,
      }
    },
  }
}
