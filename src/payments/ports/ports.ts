import type { LogStore, Projection } from '../../log/port.ts'
import type { PaymentAudit } from './audit.ts'
import type { WebhookInbox } from './inbox.ts'
import type { PersonalKeyStore } from './personal-keys.ts'
import type { PaymentProof } from './proof.ts'
import type { SandboxLedger } from './sandbox-ledger.ts'
import type { SettlementStore } from './settlements.ts'
import type { PaymentStore } from './store.ts'
import type { PaymentBooks, PaymentViews } from './views.ts'

/** All that payments need of their database. */
export interface PaymentPorts {
  readonly store: PaymentStore
  readonly views: PaymentViews
  readonly inbox: WebhookInbox
  readonly books: PaymentBooks
  readonly settlements: SettlementStore
  readonly audit: PaymentAudit
  readonly proof: PaymentProof
  readonly personalKeys: PersonalKeyStore
  /** The log of payments and the projections to be folded from it. */
  readonly log: LogStore<unknown>
  readonly projections: readonly Projection<unknown>[]
  /** The books of the sandbox processor, apart from ours though in the same database. */
  readonly sandboxLedger: SandboxLedger
}
