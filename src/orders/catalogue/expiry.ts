import { type Closable, startLoop } from '../../core/lifecycle.ts'
import type { Logger } from '../../core/logger.ts'

/** How often holds are looked at, in milliseconds. A hold that is over can't be ordered, so nobody waits for this. */
const REST_MS = 1_000

/** Gives units of cart holds back when their time is over; several processes may do so at once. */
export function startExpiry(orders: { expireReservations(): Promise<number> }, logger: Logger): Closable {
  return startLoop({
    name: 'reservations',
    logger,
    async step() {
      await orders.expireReservations()
      return REST_MS
    },
  })
}
