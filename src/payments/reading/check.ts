import type { Clock } from '../../core/clock.ts'
import { paymentNotFound } from '../commands/writer.ts'
import type { PaymentAudit } from '../ports/audit.ts'
import type { PaymentStore } from '../ports/store.ts'
import { findingsOf, type PaymentFinding } from '../verify/findings.ts'
import type { PaymentCheck } from './list-schemas.ts'

export interface PaymentChecker {
  /**
   * Whether one payment is what its events say: hashes chained, head, operations, snapshots, read models and ledger equal
   * to the fold; all as of one moment. `payment_not_found`. It is the part of `fanfold verify payments` that is about one
   * payment: who rewrites a whole chain is found by the seals over the log.
   */
  check(paymentIntentId: string): Promise<PaymentCheck>
}

const NO_HEAD: PaymentFinding = { kind: 'head', message: 'has events, but no head' }

export function createPaymentChecker(deps: {
  readonly audit: Pick<PaymentAudit, 'find'>
  readonly store: Pick<PaymentStore, 'events'>
  readonly clock: Clock
}): PaymentChecker {
  const { audit, store, clock } = deps
  return {
    async check(id) {
      const checked_at = new Date(clock.now()).toISOString()
      const audited = await audit.find(id)
      const events = audited?.events ?? (await store.events(id, 0))
      if (audited === undefined && events.length === 0) throw paymentNotFound(id)
      const findings = audited === undefined ? [NO_HEAD] : [...findingsOf(audited).findings]
      return { payment_intent_id: id, ok: findings.length === 0, events: events.length, findings, checked_at }
    },
  }
}
