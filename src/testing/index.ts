/**
 * The contract suites of the ports, for whoever writes an engine: each takes a name and a factory, and runs with vitest
 * against a real server. `fakeClock` moves time by hand.
 */
export { type FakeClock, fakeClock } from '../core/clock.ts'
export { testCatalogueStore } from './catalogue-store.ts'
export { testCustomerStore } from './customer-store.ts'
export { testFanoutLedger } from './fanout-ledger.ts'
export { testFollowStore } from './follow-store.ts'
export { testFollowerDays } from './follower-days.ts'
export { type FoldedRow, type LogHarness, testLog } from './log.ts'
export { testOrderStore } from './order-store.ts'
export { type PaymentHarness, testPaymentStore, testSandboxLedger, testWebhookInbox } from './payment-ports.ts'
export { testPostContent } from './post-content.ts'
export { testPostLikes } from './post-likes.ts'
export { testPostNotices } from './post-notices.ts'
export { testPostOutboxes } from './post-outboxes.ts'
export { testPostStore } from './post-store.ts'
export { type QueueHarness, type QueueTestOptions, testQueue } from './queue.ts'
export type { StoreHarness } from './social-values.ts'
export { testTimelineStore } from './timeline-store.ts'
export { testUserStore } from './user-store.ts'
