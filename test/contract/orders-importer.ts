import { systemClock } from '../../src/core/clock.ts'
import { createIdMaker } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { openOrderPorts } from '../../src/engines/postgres/order-ports.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import { createOrders } from '../../src/orders/orders.ts'
import { tell } from '../setup/tell.ts'

/** A process that imports a file of orders, and tells how many it has stored. */
export async function main(url: string, file: string, node: string): Promise<void> {
  const sql = await openPg(new URL(url), PROFILES.postgres, { poolSize: 4, logger: silentLogger })
  const ids = createIdMaker({ node: Number(node), clock: systemClock })
  const context = { logger: silentLogger, metrics: createMetrics(), clock: systemClock, poolSize: 4, ids }
  const ports = await openOrderPorts(sql, context)
  const orders = createOrders({ ports, ids, clock: systemClock })
  await orders.importOrders(file, { onProgress: ({ ordersImported }) => tell({ ordersImported }) })
  await sql.close()
}
