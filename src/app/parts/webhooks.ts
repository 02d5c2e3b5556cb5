import { LIMITS } from '../../core/limits.ts'
import type { LogStore } from '../../log/port.ts'
import { collectorName, registerCollector, startCollector } from '../../webhooks/collector.ts'
import { createGuard } from '../../webhooks/guard.ts'
import { createPoster } from '../../webhooks/post.ts'
import { createSender } from '../../webhooks/sender.ts'
import { createWebhooks, type Webhooks } from '../../webhooks/webhooks.ts'
import type { Base } from '../base.ts'
import type { Followed } from '../status.ts'

export interface WebhooksPart {
  readonly webhooks: Webhooks
  /** How far the events of each log have become deliveries. */
  readonly followed: readonly Followed[]
  /** Deliveries that wait, and how long the longest due has been due; also sets the gauges. */
  backlog(): Promise<{ waiting: number; late_seconds: number }>
  /** Forgets up to `limit` old deliveries; answers how many. */
  prune(limit: number): Promise<number>
  startWorkers(): void
}

const DAY_MS = 86_400_000
const BACKLOG_COUNTED = 10_000

/** Webhooks follow the logs of both models, wherever these live. */
export async function openWebhooksPart(
  base: Base,
  logs: { readonly orderLog: LogStore<unknown>; readonly paymentLog: LogStore<unknown> },
): Promise<WebhooksPart> {
  const { config, clock, logger, metrics, lifecycle } = base
  const store = await base.open('webhooks')
  const guard = createGuard({ allowHttp: config.webhookAllowHttp, allowPrivate: config.webhookAllowPrivate })
  const followed = [logs.orderLog, logs.paymentLog]
  for (const log of followed) await registerCollector({ log })
  let onDue = () => {}
  return {
    webhooks: createWebhooks({ ...logs, store, guard, clock, onDue: () => onDue() }),
    followed: followed.map((log) => ({ name: collectorName(log), store: log })),
    async backlog() {
      const { waiting, dueSinceMs } = await store.backlog(BACKLOG_COUNTED)
      const lateSeconds = dueSinceMs === undefined ? 0 : Math.max(0, clock.now() - dueSinceMs) / 1_000
      metrics.webhooksWaiting.set(waiting)
      metrics.webhooksLateSeconds.set(lateSeconds)
      return { waiting, late_seconds: lateSeconds }
    },
    prune: (limit) => store.prune(clock.now() - LIMITS.webhookDeliveryDays * DAY_MS, limit),
    startWorkers() {
      const sender = createSender({ store, poster: createPoster({ guard, clock }), clock, logger, metrics })
      const sending = lifecycle.own('the sender of webhooks', sender.start())
      onDue = () => sending.wake()
      for (const log of followed)
        lifecycle.own('a collector of webhooks', startCollector({ log, store, clock, logger, onMade: () => onDue() }))
    },
  }
}
