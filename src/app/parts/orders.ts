import type { Metrics } from '../../core/metrics.ts'
import { startExpiry } from '../../orders/catalogue/expiry.ts'
import { createOrders, type Orders } from '../../orders/orders.ts'
import type { OrderPorts } from '../../orders/ports.ts'
import { startReportUpkeep } from '../../orders/report/upkeep.ts'
import type { Base } from '../base.ts'
import { type LogPart, openLogPart } from './log.ts'

/** The stores of the order model. */
export const ORDER_STORES = ['orders'] as const

export interface OrdersPart {
  readonly orders: Orders
  readonly log: LogPart
  startWorkers(): void
}

/** Each order placed, and each change of one, is an event. */
function counted(ports: OrderPorts, { appendedEvents }: Metrics): OrderPorts {
  const { orders } = ports
  return {
    ...ports,
    orders: {
      ...orders,
      async place(placement) {
        const outcome = await orders.place(placement)
        if (outcome.kind === 'placed') appendedEvents.inc({ log: 'orders' })
        return outcome
      },
      async change(change) {
        const outcome = await orders.change(change)
        if (outcome.kind === 'changed') appendedEvents.inc({ log: 'orders' })
        return outcome
      },
    },
  }
}

export async function openOrdersPart(base: Base): Promise<OrdersPart> {
  const ports = counted(await base.open('orders'), base.metrics)
  const log = await openLogPart(base, ports.log, ports.projections, { everyMs: base.config.reportEvery })
  const orders = createOrders({ ports, ids: base.ids, clock: base.clock, timeZone: base.config.storeTimeZone })
  return {
    orders,
    log,
    startWorkers() {
      log.startProjectors()
      base.lifecycle.own('expiry of cart holds', startExpiry(orders, base.logger))
      base.lifecycle.own('upkeep of the report', startReportUpkeep(orders, base.logger))
    },
  }
}
