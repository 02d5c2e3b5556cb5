import type { EngineContext, PortContext } from '../../src/engines/engine.ts'
import { type MysqlClient, openMysql } from '../../src/engines/mysql/client-mysql2.ts'
import * as mysqlLog from '../../src/engines/mysql/log-store.ts'
import * as mysqlOrders from '../../src/engines/mysql/order-ports.ts'
import * as mysqlProjection from '../../src/engines/mysql/report-projection.ts'
import * as mysqlReport from '../../src/engines/mysql/report-store.ts'
import { targetOf } from '../../src/engines/mysql/target.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import * as postgresLog from '../../src/engines/postgres/log-store.ts'
import * as postgresOrders from '../../src/engines/postgres/order-ports.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import * as postgresProjection from '../../src/engines/postgres/report-projection.ts'
import * as postgresReport from '../../src/engines/postgres/report-store.ts'
import type { SqlClient } from '../../src/engines/sql/sql.ts'
import type { LogStore, Projection } from '../../src/log/port.ts'
import type { OrderPorts, SalesReportStore } from '../../src/orders/ports.ts'

/** A database of orders as a process of its own opens it, without the test runner. */
export interface OrderProcess {
  ports(context: PortContext): Promise<OrderPorts>
  log(): Promise<LogStore<unknown>>
  readonly projection: Projection<unknown>
  report(): SalesReportStore
  close(): Promise<void>
}

/** `wrap` may change what the client does; it must leave whatever it does not know as it is. */
export async function openOrderProcess(
  url: string,
  options: Pick<EngineContext, 'poolSize' | 'logger'>,
  wrap: <Client extends SqlClient>(sql: Client) => Client = (sql) => sql,
): Promise<OrderProcess> {
  if (url.startsWith('mysql:')) {
    const real: MysqlClient = await openMysql(targetOf(new URL(url)), options)
    const sql = wrap(real)
    return {
      ports: (context) => mysqlOrders.openOrderPorts(sql, context),
      log: () => mysqlLog.openLogStore(sql, 'orders'),
      projection: mysqlProjection.salesReportProjection,
      report: () => mysqlReport.openSalesReportStore(sql),
      close: () => real.close(),
    }
  }
  const real = await openPg(new URL(url), PROFILES.postgres, options)
  const sql = wrap(real)
  return {
    ports: (context) => postgresOrders.openOrderPorts(sql, context),
    log: () => postgresLog.openLogStore(sql, 'orders'),
    projection: postgresProjection.salesReportProjection,
    report: () => postgresReport.openSalesReportStore(sql),
    close: () => real.close(),
  }
}
