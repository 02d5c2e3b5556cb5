import type { OrderPorts } from '../../orders/ports.ts'
import type { PortContext } from '../engine.ts'
import { openCatalogueStore } from './catalogue-store.ts'
import type { MysqlClient } from './client-mysql2.ts'
import { openCustomerStore } from './customer-store.ts'
import { openLogStore } from './log-store.ts'
import { auditOrders } from './order-audit.ts'
import { openOrderExportStore } from './order-export.ts'
import { openOrderImportStore } from './order-import.ts'
import { orderSearchProjection } from './order-search.ts'
import { openOrderStore } from './order-store.ts'
import { salesReportProjection } from './report-projection.ts'
import { openSalesReportStore } from './report-store.ts'
import { openStockStore } from './stock-store.ts'

/** The stores of orders, and their log with the projections that follow it. */
export async function openOrderPorts(sql: MysqlClient, context: PortContext): Promise<OrderPorts> {
  const log = await openLogStore(sql, 'orders')
  await log.register(salesReportProjection)
  await log.register(orderSearchProjection)
  return {
    catalogue: openCatalogueStore(sql, context),
    stock: openStockStore(sql, log.shards, context),
    customers: openCustomerStore(sql),
    orders: openOrderStore(sql, log.shards, context),
    imports: openOrderImportStore(sql, context),
    exports: openOrderExportStore(sql),
    report: openSalesReportStore(sql),
    audit: (work) => auditOrders(sql, work),
    log,
    projections: [salesReportProjection, orderSearchProjection],
  }
}
