import type { Clock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import { type Loop, startLoop } from '../../core/lifecycle.ts'
import type { Logger } from '../../core/logger.ts'
import type { PaymentWriter } from '../commands/writer.ts'
import type { PaymentStore } from '../ports/store.ts'
import type { OperationRunner } from './operations.ts'
import { checkDelayMs, OPERATION_LEASE_MS } from './schedule.ts'

/**
 * Brings every operation to an end: it asks processors what became of calls without an answer (after 2 s, 10 s, 1 min,
 * 5 min, 30 min, 2 h, 12 h, then daily), also of those whose process died; applies webhooks that wait; and ends
 * authorizations whose time is over.
 */
export interface Recovery {
  /** Does what is due now; answers how many operations and messages it looked at. */
  runDue(): Promise<number>
  /** Runs in the background until closed. Several processes may. */
  start(): Loop
  /** A hint that something is due now; the loop finds it anyway. */
  wake(): void
}

const POLL_MS = 500
const CLAIM_BATCH = 20

export function createRecovery(deps: {
  readonly store: PaymentStore
  readonly writer: PaymentWriter
  readonly operations: OperationRunner
  readonly webhooks: { applyDue(): Promise<number> }
  readonly clock: Clock
  readonly logger: Logger
}): Recovery {
  const { store, writer, operations, webhooks, clock, logger } = deps

  async function resolveDue(): Promise<number> {
    const nowMs = clock.now()
    const rows = await store.claimOperations(nowMs, nowMs + 2 * OPERATION_LEASE_MS, CLAIM_BATCH)
    await Promise.all(
      rows.map(async (row) => {
        try {
          await operations.resolve(row, 'recovery')
        } catch (error) {
          logger.error(
            { err: error, op_id: row.opId },
            `operation ${row.opId} could not be recovered: ${messageOf(error)}`,
          )
          await store.postpone(row.opId, row.attempts + 1, clock.now() + checkDelayMs(row.attempts + 1))
        }
      }),
    )
    return rows.length
  }

  /** Ends authorizations whose time is over. What has an operation under way is looked at again. */
  async function expireDue(): Promise<number> {
    const nowMs = clock.now()
    const ids = await store.claimExpired(nowMs, nowMs + 2 * OPERATION_LEASE_MS, CLAIM_BATCH)
    for (const paymentIntentId of ids) {
      try {
        await writer.change({ paymentIntentId, command: { type: 'ExpireAuthorization', nowMs }, actor: 'expiry' })
      } catch (error) {
        const fields = { err: error, payment_intent_id: paymentIntentId }
        logger.error(fields, `the authorization of ${paymentIntentId} could not be ended: ${messageOf(error)}`)
      }
    }
    return ids.length
  }

  async function runDue(): Promise<number> {
    return (await webhooks.applyDue()) + (await resolveDue()) + (await expireDue())
  }

  let loop: Loop | undefined
  return {
    runDue,
    start() {
      loop = startLoop({
        name: 'payment recovery',
        logger,
        async step() {
          return (await runDue()) > 0 ? 0 : POLL_MS
        },
      })
      return loop
    },
    wake: () => loop?.wake(),
  }
}
