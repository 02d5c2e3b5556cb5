import { startExpiry } from '../../orders/catalogue/expiry.ts'
import { createOrders, type Orders } from '../../orders/orders.ts'
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

export async function openOrdersPart(base: Base): Promise<OrdersPart> {
  const ports = await base.open('orders')
  const log = await openLogPart(base, ports.log, ports.projections, { everyMs: base.config.reportEvery })
  const orders = createOrders({ ports, ids: base.ids, clock: base.clock, timeZone: base.config.storeTimeZone })
  return {
    orders,
    log,
    startWorkers() {
      log.startProjectors()
      base.lifecycle.own(startExpiry(orders, base.logger))
      base.lifecycle.own(startReportUpkeep(orders, base.logger))
    },
  }
}
