import type { LogStore, Projection } from '../log/port.ts'
import type { AuditView } from './ports/audit.ts'
import type { CatalogueStore } from './ports/catalogue.ts'
import type { CustomerStore } from './ports/customers.ts'
import type { OrderExportStore } from './ports/exports.ts'
import type { OrderImportStore } from './ports/imports.ts'
import type { OrderStore } from './ports/orders.ts'
import type { SalesReportStore } from './ports/report.ts'
import type { StockStore } from './ports/stock.ts'

/**
 * The stores of the order model. Money is `bigint` in minor units, days are `YYYY-MM-DD` in the store's time zone.
 *
 * Words. *On hand*: units that lie at a location. *Reserved*: of those, what orders and cart holds have taken. *Leg*: one
 * signed amount of an event. *Booked*: counted in the report, from the moment an order is paid.
 */
export interface OrderPorts {
  readonly catalogue: CatalogueStore
  readonly stock: StockStore
  readonly customers: CustomerStore
  readonly orders: OrderStore
  readonly imports: OrderImportStore
  readonly exports: OrderExportStore
  readonly report: SalesReportStore
  /** One consistent view of everything, for `verify`; writers go on meanwhile. */
  audit<T>(work: (view: AuditView) => Promise<T>): Promise<T>
  /** The log of orders and what is folded from it. The transaction type belongs to the engine. */
  readonly log: LogStore<unknown>
  readonly projections: readonly Projection<unknown>[]
}

export * from './ports/audit.ts'
export * from './ports/catalogue.ts'
export * from './ports/customers.ts'
export * from './ports/exports.ts'
export * from './ports/imports.ts'
export * from './ports/orders.ts'
export * from './ports/report.ts'
export * from './ports/stock.ts'
