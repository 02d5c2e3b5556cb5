import type { PaymentPorts } from '../../payments/ports/ports.ts'
import type { PortContext } from '../engine.ts'
import type { SqlClient } from '../sql/sql.ts'
import { openLogStore } from './log-store.ts'
import { openPaymentAudit } from './payment-audit.ts'
import { openPaymentBooks } from './payment-books.ts'
import { PAYMENT_PROJECTIONS } from './payment-projections.ts'
import { openPaymentProof } from './payment-proof.ts'
import { openPaymentStore } from './payment-store.ts'
import { openPaymentViews } from './payment-views.ts'
import { openPersonalKeys } from './personal-keys.ts'
import { openSandboxLedger } from './sandbox-ledger.ts'
import { openSettlementStore } from './settlement-store.ts'
import { openWebhookInbox } from './webhook-inbox.ts'

export async function openPaymentPorts(sql: SqlClient, context: PortContext): Promise<PaymentPorts> {
  const log = await openLogStore(sql, 'payments')
  // Reads go to the views, which show nothing before their projections are registered.
  for (const projection of PAYMENT_PROJECTIONS) await log.register(projection)
  return {
    store: openPaymentStore(sql, context.clock, log.shards),
    views: openPaymentViews(sql, log.shards),
    inbox: openWebhookInbox(sql),
    books: openPaymentBooks(sql),
    settlements: openSettlementStore(sql),
    audit: openPaymentAudit(sql),
    proof: openPaymentProof(sql),
    personalKeys: openPersonalKeys(sql),
    log,
    projections: PAYMENT_PROJECTIONS,
    sandboxLedger: openSandboxLedger(sql, context.ids),
  }
}
