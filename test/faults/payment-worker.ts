import { fakeClock } from '../../src/core/clock.ts'
import type { FaultPoint } from '../../src/payments/processing/operations.ts'
import { DEEDS } from '../setup/payment-cutoffs.ts'
import { openPaymentWorld } from './payment-world.ts'

function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => undefined)
}

/**
 * Does deed number `n` to a payment, and is killed at the given moment of its operation: or (`statement`) before
 * statement number `at` of what brings the read models up to date.
 */
export async function main(
  url: string,
  master: string,
  nowMs: string,
  id: string,
  n: string,
  idempotencyKey: string,
  at: string,
): Promise<void> {
  const deed = DEEDS[Number(n)]
  if (deed === undefined) throw new Error(`there is no deed ${n}`)
  const statement = Number(at)
  let statements = 0
  let isProjecting = false
  const world = await openPaymentWorld(url, master, fakeClock(Number(nowMs)), {
    async beforeStatement() {
      statements += 1
      if (isProjecting && statements === statement) await die()
    },
  })
  const payments = world.process({
    faults(point: FaultPoint, { kind }) {
      return point === at && kind === deed.kind ? die() : undefined
    },
  })
  await deed.run(payments, id, { idempotencyKey })
  isProjecting = true
  statements = 0
  await world.project()
  await world.close()
}
