import type { Config } from '../core/config.ts'
import { AppError } from '../core/errors.ts'
import type { Closable } from '../core/lifecycle.ts'
import type { Metrics } from '../core/metrics.ts'
import { fromMinor } from '../core/money.ts'
import { eraseCustomer } from '../flows/erase-customer.ts'
import { orderPaymentSubscriptions } from '../flows/order-payments.ts'
import { createHttpApp } from '../http/app.ts'
import { type ApiKeys, createApiKeys } from '../http/auth.ts'
import type { HttpApp } from '../http/route.ts'
import { catalogueRoutes } from '../http/routes/catalogue.ts'
import { keyRoutes } from '../http/routes/keys.ts'
import { notificationRoutes } from '../http/routes/notifications.ts'
import { orderRoutes } from '../http/routes/orders.ts'
import { paymentBookRoutes } from '../http/routes/payment-books.ts'
import { paymentOperationRoutes } from '../http/routes/payment-operations.ts'
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
import { startHousekeeping } from './housekeeping.ts'
import type { MasterKeysPart } from './parts/master-keys.ts'
import { openOrdersPart } from './parts/orders.ts'
import { openPaymentsPart, type PaymentsPart } from './parts/payments.ts'
import { openSocialPart } from './parts/social.ts'
import { openWebhooksPart } from './parts/webhooks.ts'
import { readinessOf, statusOf, untilCaughtUp } from './status.ts'
import { STORE_NAMES } from './stores.ts'

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
  const { social, startWorkers: startSocial } = await openSocialPart(base)
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

  if (base.workers) {
    startSocial()
    ordersPart.startWorkers()
    paymentsPart.startWorkers()
    for (const subscription of subscriptions) lifecycle.own(startSubscriber({ subscription, logger }))
    webhooksPart.startWorkers()
    lifecycle.own(startHousekeeping(base, [webhooksPart.prune, payments.forgetBodies]))
  }

  const logs = [ordersPart.log, paymentsPart.log]
  const queue = await base.open('queue')
  const followed = [
    ...logs.flatMap(({ log, projections }) => projections.map(({ name }) => ({ name, store: log }))),
    ...subscriptions,
    ...webhooksPart.followed,
  ]
  const status = statusOf(base, queue, followed, webhooksPart.backlog)
  const readiness = readinessOf(base)

  return {
    ...{ config, social, orders, payments, sandbox, webhooks, queue, apiKeys, metrics, status, readiness },
    verifyPayments: paymentsPart.verify,
    masterKeys: paymentsPart.masterKeys,
    paymentProof: paymentsPart.proof,
    settlements: paymentsPart.settlements,
    sandboxSettlementCsv: paymentsPart.sandboxSettlementCsv,
    caughtUp: (onProgress) => untilCaughtUp(status, clock, onProgress, ordersPart.log.wake),
    projections: logs.flatMap(({ projections }) => projections.map(({ name }) => name)),
    async rebuild(name, onProgress = () => undefined) {
      for (const part of logs) {
        const projection = part.projections.find((candidate) => candidate.name === name)
        if (projection !== undefined) return part.rebuild(projection, onProgress)
      }
      throw new AppError('projection_not_found', `No read model is named "${name}"`)
    },
    async createHttp() {
      const routes = [
        socialRoutes(social),
        timelineRoutes(social, { heartbeatMs: base.options.streams?.heartbeatMs }),
        notificationRoutes(social),
        catalogueRoutes(orders),
        stockRoutes(orders),
        orderRoutes(orders),
        reportRoutes(orders),
        paymentRoutes(payments),
        paymentOperationRoutes(payments),
        settlementRoutes(paymentsPart.settlements),
        paymentBookRoutes(payments),
        webhookInboxRoutes(payments),
        webhookOutRoutes(webhooks),
        keyRoutes(apiKeys),
        systemRoutes({ metrics, status, readiness }),
      ]
      return lifecycle.own(await createHttpApp({ apiKeys, logger, metrics, rateLimit: config.rateLimit, routes }))
    },
    close: () => lifecycle.close(),
    [Symbol.asyncDispose]: () => lifecycle.close(),
  }
}
