import type { OrderPorts } from '../../orders/ports.ts'
import type { PortContext } from '../engine.ts'
import type { SqlClient } from '../sql/sql.ts'
import { openCatalogueStore } from './catalogue-store.ts'
import { openCustomerStore } from './customer-store.ts'
import { openLogStore } from './log-store.ts'
import { auditOrders } from './order-audit.ts'
import { openOrderStore } from './order-store.ts'
import { salesReportProjection } from './report-projection.ts'
import { openSalesReportStore } from './report-store.ts'

/** The stores of orders, and their log with the projections that follow it. */
export async function openOrderPorts(sql: SqlClient, context: PortContext): Promise<OrderPorts> {
  const log = await openLogStore(sql, 'orders')
  await log.register(salesReportProjection)
  return {
    catalogue: openCatalogueStore(sql, context),
    customers: openCustomerStore(sql),
    orders: openOrderStore(sql, log.shards, context),
    report: openSalesReportStore(sql),
    audit: (work) => auditOrders(sql, work),
    log,
    projections: [salesReportProjection],
  }
}
