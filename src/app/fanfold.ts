import type { Config } from '../core/config.ts'
import { AppError } from '../core/errors.ts'
import type { Closable } from '../core/lifecycle.ts'
import type { Metrics } from '../core/metrics.ts'
import { fromMinor } from '../core/money.ts'
import { eraseCustomer } from '../flows/erase-customer.ts'
import { orderPaymentSubscriptions } from '../flows/order-payments.ts'
import { createHttpApp } from '../http/app.ts'
import { type ApiKeys, createApiKeys } from '../http/auth.ts'
import { consoleRoutes } from '../http/console.ts'
import type { HttpApp } from '../http/route.ts'
import { catalogueRoutes } from '../http/routes/catalogue.ts'
import { deadLetterRoutes } from '../http/routes/dead-letters.ts'
import { jobRoutes } from '../http/routes/jobs.ts'
import { keyRoutes } from '../http/routes/keys.ts'
import { notificationRoutes } from '../http/routes/notifications.ts'
import { orderRoutes } from '../http/routes/orders.ts'
import { paymentBookRoutes } from '../http/routes/payment-books.ts'
import { paymentOperationRoutes } from '../http/routes/payment-operations.ts'
import { paymentReadingRoutes } from '../http/routes/payment-reading.ts'
import { paymentRoutes } from '../http/routes/payments.ts'
import { reportRoutes } from '../http/routes/reports.ts'
import { settlementRoutes } from '../http/routes/settlements.ts'
import { socialRoutes } from '../http/routes/social.ts'
import { stockRoutes } from '../http/routes/stock.ts'
import { type Readiness, type SystemStatus, systemRoutes } from '../http/routes/system.ts'
import { timelineRoutes } from '../http/routes/timelines.ts'
import { webhookInboxRoutes } from '../http/routes/webhook-inbox.ts'
import { webhookOutRoutes } from '../http/routes/webhooks-out.ts'
import { startSubscriber } from '../log/subscriber.ts'
import type { Orders } from '../orders/orders.ts'
import type { Payments } from '../payments/payments.ts'
import type { Sandbox } from '../processors/sandbox/sandbox.ts'
import type { Queue } from '../queue/port.ts'
import type { Social } from '../social/social.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'
import { type Base, type FanfoldOptions, openBase } from './base.ts'
import { createDeadLetters, type DeadLetters } from './dead-letters.ts'
import { createFigures } from './figures.ts'
import { startHousekeeping } from './housekeeping.ts'
import { jobWork } from './job-work.ts'
import { createJobs, type Jobs } from './jobs.ts'
import type { MasterKeysPart } from './parts/master-keys.ts'
import type { Moves } from './parts/moves.ts'
import { openOrdersPart } from './parts/orders.ts'
import { openPaymentsPart, type PaymentsPart } from './parts/payments.ts'
import { openRelayPart } from './parts/relay.ts'
import { openSocialPart } from './parts/social.ts'
import { openWebhooksPart } from './parts/webhooks.ts'
import { leftOver, readinessOf, type StatusParts, statusOf, untilCaughtUp } from './status.ts'
import { STORE_NAMES } from './stores.ts'

/** Enough to see that there are any, and to show progress. */
const FANOUTS_COUNTED = 10_000

export interface Fanfold extends Closable, AsyncDisposable {
  readonly config: Config
  readonly social: Social
  readonly orders: Orders
  readonly payments: Payments
  /** Compares payments, their log, its seals, their read models and the processor's books. */
  readonly verifyPayments: PaymentsPart['verify']
  /** Seals of the log of payments, and its export for a check elsewhere. */
  readonly paymentProof: PaymentsPart['proof']
  /** Settlement files of payment processors, compared with payments. */
  readonly settlements: PaymentsPart['settlements']
  /** A settlement file of the sandbox's books, for trying that out. */
  readonly sandboxSettlementCsv: PaymentsPart['sandboxSettlementCsv']
  /** The exchange of the key under which the keys of personal data are encrypted. */
  readonly masterKeys: MasterKeysPart
  /** The sandbox processor: its books, and the settling of its asynchronous payments. */
  readonly sandbox: Sandbox
  /** Webhooks to others: endpoints, and what was sent to them. */
  readonly webhooks: Webhooks
  readonly queue: Queue
  /** Messages that were given up on. */
  readonly deadLetters: DeadLetters
  /** Verifications and rebuilds in the background of this process. */
  readonly jobs: Omit<Jobs, 'close'>
  /** Moves of stores to other engines. */
  readonly moves: Moves
  readonly apiKeys: ApiKeys
  readonly metrics: Metrics
  /** The HTTP server over these services, not yet listening; it is closed with the rest. */
  createHttp(): Promise<HttpApp>
  /** Engines, read models and queues, as `GET /v1/system` answers. */
  status(): Promise<SystemStatus>
  readiness(): Promise<Readiness>
  /**
   * Resolves when the background work of this process has caught up: queues empty, read models at the head of their logs.
   * `onProgress` tells what is left. With work in dead letters or delayed it waits for the latter.
   */
  caughtUp(onProgress?: (left: number) => void): Promise<void>
  /** Starts the background work of an app that was opened with `workers: false`; once, and not when it only reads. */
  startWorkers(): Promise<void>
  /** Names of the read models that can be rebuilt. */
  readonly projections: readonly string[]
  /** Rebuilds a read model beside the live one, which is read meanwhile. Throws `projection_not_found`. */
  rebuild(projection: string, onProgress?: (folded: number) => void): Promise<number>
}

/**
 * Opens Fanfold as a library: engines by their URLs, the three models, and (unless `workers: false`) their background
 * work. Throws `invalid_config`, `engine_unreachable`, `engine_unsupported`, `driver_missing`, `data_folder_in_use`,
 * `schema_outdated`. Close it when done: `await fanfold.close()`, or `await using`.
 */
export async function createFanfold(options: FanfoldOptions = {}): Promise<Fanfold> {
  const base = await openBase(options, STORE_NAMES)
  try {
    return await assemble(base)
  } catch (error) {
    await base.lifecycle.close().catch(() => undefined)
    throw error
  }
}

async function assemble(base: Base): Promise<Fanfold> {
  const { config, logger, metrics, clock, lifecycle } = base
  const apiKeys = createApiKeys({ store: await base.open('apiKeys'), clock, bootstrapSecret: config.apiKey })
  const { social, moves, startWorkers: startSocial } = await openSocialPart(base)
  const { orders: ordersAlone, ...ordersPart } = await openOrdersPart(base)
  const { payments, sandbox, ...paymentsPart } = await openPaymentsPart(base, {
    checkPayable: (orderId, amount, currency) => ordersAlone.checkPayable(orderId, fromMinor(amount), currency),
  })

  // Both know the customer; whoever erases him means both.
  const erase = (customerId: string) => eraseCustomer({ orders: ordersAlone, payments }, customerId)
  const orders = { ...ordersAlone, eraseCustomer: erase }
  const subscriptions = orderPaymentSubscriptions({
    ...{ orders, payments, logger },
    orderLog: ordersPart.log.log,
    paymentLog: paymentsPart.log.log,
  })
  for (const { name, store } of subscriptions) await store.register({ name, version: 1 })
  const { webhooks, ...webhooksPart } = await openWebhooksPart(base, {
    orderLog: ordersPart.log.log,
    paymentLog: paymentsPart.log.log,
  })
  const relay = await openRelayPart(base, [ordersPart.log.log, paymentsPart.log.log])

  let hasWorkers = false
  async function startWorkers(): Promise<void> {
    if (hasWorkers || base.options.readOnly === true) return
    hasWorkers = true
    base.workers = true
    startSocial()
    ordersPart.startWorkers()
    paymentsPart.startWorkers()
    for (const subscription of subscriptions)
      lifecycle.own(`subscriber ${subscription.name}`, startSubscriber({ subscription, logger }))
    webhooksPart.startWorkers()
    await relay.startWorkers()
    lifecycle.own('housekeeping', startHousekeeping(base, [webhooksPart.prune, payments.forgetBodies]))
  }
  if (base.workers) await startWorkers()

  const logs = [ordersPart.log, paymentsPart.log]
  const queue = await base.open('queue')
  const followed = [
    ...logs.flatMap(({ log, projections }) => projections.map(({ name }) => ({ name, store: log }))),
    ...subscriptions,
    ...webhooksPart.followed,
    ...relay.followed,
  ]
  const { store: paymentStore } = await base.open('payments')
  const figures = createFigures(metrics, clock, { sweeps: () => base.workers })
  const statusParts: StatusParts = {
    ...{ queue, followed, figures, webhooks: webhooksPart.backlog },
    reviews: async (limit) => (await paymentStore.findOperations({ status: 'review' }, limit)).length,
  }
  const status = statusOf(base, statusParts)
  const readiness = readinessOf(base)
  const { ledger } = await base.open('posts')
  const fanouts = async () => (await ledger.backlog(FANOUTS_COUNTED)).posts

  const projectionOf = (name: string) => {
    for (const part of logs) {
      const projection = part.projections.find((candidate) => candidate.name === name)
      if (projection !== undefined) return { part, projection }
    }
    throw new AppError('projection_not_found', `No read model is named "${name}"`)
  }
  const rebuildable = {
    projections: logs.flatMap(({ projections }) => projections.map(({ name }) => name)),
    async rebuild(name: string, onProgress: (folded: number) => void = () => undefined) {
      const { part, projection } = projectionOf(name)
      return part.rebuild(projection, onProgress)
    },
    async rebuilt(name: string) {
      const { part, projection } = projectionOf(name)
      return part.rebuilt(projection)
    },
  }
  const workOf = jobWork({ social, orders, verifyPayments: paymentsPart.verify, ...rebuildable })
  const jobs = lifecycle.own('jobs', createJobs({ clock, logger, workOf }))
  const deadLetters = createDeadLetters(queue)

  return {
    ...{ deadLetters, jobs },
    ...{ config, social, orders, payments, sandbox, webhooks, queue, moves, apiKeys, metrics, status, readiness },
    startWorkers,
    verifyPayments: paymentsPart.verify,
    masterKeys: paymentsPart.masterKeys,
    paymentProof: paymentsPart.proof,
    settlements: paymentsPart.settlements,
    sandboxSettlementCsv: paymentsPart.sandboxSettlementCsv,
    caughtUp: (onProgress) =>
      untilCaughtUp(() => leftOver(base, statusParts), fanouts, clock, onProgress, ordersPart.log.wake),
    projections: rebuildable.projections,
    rebuild: rebuildable.rebuild,
    async createHttp() {
      lifecycle.own('figures', figures.start(logger))
      const routes = [
        socialRoutes(social),
        timelineRoutes(social, { heartbeatMs: base.options.streams?.heartbeatMs }),
        notificationRoutes(social),
        catalogueRoutes(orders),
        stockRoutes(orders),
        orderRoutes(orders),
        reportRoutes(orders),
        paymentRoutes(payments),
        paymentReadingRoutes(payments),
        paymentOperationRoutes(payments),
        settlementRoutes(paymentsPart.settlements),
        paymentBookRoutes(payments),
        webhookInboxRoutes(payments),
        webhookOutRoutes(webhooks),
        consoleRoutes({ storeTimeZone: config.storeTimeZone }),
        keyRoutes(apiKeys),
        deadLetterRoutes(deadLetters),
        jobRoutes(jobs),
        systemRoutes({ metrics, status, readiness, samples: figures.samples }),
      ]
      return lifecycle.own(
        'the HTTP server',
        await createHttpApp({ apiKeys, logger, metrics, rateLimit: config.rateLimit, routes }),
      )
    },
    close: () => lifecycle.close(),
    [Symbol.asyncDispose]: () => lifecycle.close(),
  }
}
