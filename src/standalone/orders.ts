/** The order model alone: `import { openOrders } from 'fanfold/orders'`. */
import { type Alone, openAlone } from '../app/alone.ts'
import type { FanfoldOptions } from '../app/base.ts'
import { ORDER_STORES, openOrdersPart } from '../app/parts/orders.ts'
import type { Orders } from '../orders/orders.ts'

export type { FanfoldOptions } from '../app/base.ts'
export type { Orders } from '../orders/orders.ts'
export type * from '../orders/schemas.ts'

/** Opens products, orders and the sales report, without the other models. Options and errors as for `createFanfold`. */
export function openOrders(options: FanfoldOptions = {}): Promise<Alone<{ readonly orders: Orders }>> {
  return openAlone(options, ORDER_STORES, async (base) => {
    const { orders, startWorkers } = await openOrdersPart(base)
    return { model: { orders }, startWorkers }
  })
}
