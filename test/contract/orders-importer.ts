import { systemClock } from '../../src/core/clock.ts'
import { createIdMaker } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { createOrders } from '../../src/orders/orders.ts'
import { openOrderProcess } from '../setup/order-process.ts'
import { tell } from '../setup/tell.ts'

/** A process that imports a file of orders, and tells how many it has stored. */
export async function main(url: string, file: string, node: string): Promise<void> {
  const ids = createIdMaker({ node: Number(node), clock: systemClock })
  const context = { logger: silentLogger, metrics: createMetrics(), clock: systemClock, poolSize: 4, ids }
  const database = await openOrderProcess(url, context)
  const orders = createOrders({ ports: await database.ports(context), ids, clock: systemClock })
  await orders.importOrders(file, { onProgress: ({ ordersImported }) => tell({ ordersImported }) })
  await database.close()
}
