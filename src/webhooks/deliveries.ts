import { sha256 } from '../core/canonical-json.ts'
import type { Clock } from '../core/clock.ts'
import { type CommandContext, DEFAULT_ACTOR, idempotencyKeyOf } from '../core/command.ts'
import {
  cursorId,
  cursorTimeMs,
  decodeCursor,
  encodeCursor,
  type Page,
  type PageRequest,
  pageLimit,
  pageOf,
} from '../core/cursor.ts'
import { AppError, invalidField } from '../core/errors.ts'
import { parseId, prefixedId } from '../core/ids.ts'
import { LIMITS } from '../core/limits.ts'
import { validator } from '../core/schema.ts'
import { deliveryDocument } from './documents.ts'
import { testMessage } from './events.ts'
import type { Delivery, DeliveryKey, Endpoint, WebhookStore } from './ports.ts'
import { type DeliveryDocument, ListDeliveries, ReplayEndpoint, type ReplayReceipt } from './schemas.ts'

const checkList = validator(ListDeliveries, 'query')
const checkReplay = validator(ReplayEndpoint)

export interface DeliveriesDeps {
  readonly store: WebhookStore
  readonly clock: Clock
  /** Throws `webhook_endpoint_not_found`. */
  readonly read: (endpointId: string) => Promise<Endpoint>
  readonly onDue: (() => void) | undefined
}

const notFound = (deliveryId: string) => new AppError('webhook_delivery_not_found', `No webhook delivery ${deliveryId}`)

function timeOf(field: string, text: string): number {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw invalidField(`/${field}`, 'must be a time such as 2026-03-01T09:30:00Z')
  return ms
}

const keyOf = ({ createdAtMs, deliveryId }: DeliveryKey) => [String(createdAtMs), deliveryId]

function keyIn(list: string, cursor: string | undefined): DeliveryKey | undefined {
  const parts = decodeCursor(list, 2, cursor)
  if (parts === undefined) return undefined
  return { createdAtMs: cursorTimeMs(parts[0]!), deliveryId: cursorId(parts[1]!) }
}

/** What is, or was, sent to endpoints; trials and repeats. */
export function createDeliveries({ store, clock, read, onDue }: DeliveriesDeps) {
  async function active(endpointId: string): Promise<Endpoint> {
    const endpoint = await read(endpointId)
    if (endpoint.disabled !== undefined)
      throw new AppError('webhook_endpoint_inactive', `Webhook endpoint ${endpointId} is not active; activate it first`)
    return endpoint
  }

  async function found(deliveryId: string): Promise<Delivery> {
    const id = parseId(deliveryId)
    const delivery = id === undefined ? undefined : await store.findDelivery({ deliveryId: id })
    if (delivery === undefined) throw notFound(deliveryId)
    return delivery
  }

  return {
    /**
     * Sends a `webhook.test` event, whatever the endpoint asked for; it is tried once. The delivery tells how it ends.
     * Repeatable by `idempotencyKey`. Throws `webhook_endpoint_not_found`, `webhook_endpoint_inactive`.
     */
    async sendTest(endpointId: string, context: CommandContext = {}): Promise<DeliveryDocument> {
      await active(endpointId)
      const key = idempotencyKeyOf(context, 'TestWebhookEndpoint', { endpoint_id: endpointId })
      const id =
        key === undefined
          ? prefixedId('wht', 0, clock)
          : Buffer.from(sha256(`${context.actor ?? DEFAULT_ACTOR}\n${key.key}`)).toString('hex')
      const message = testMessage(endpointId, id, clock.now())
      const made = await store.enqueue([message], [{ endpointId, message: 0 }], clock.now())
      if (made === 0) context.onReplay?.()
      else onDue?.()
      const delivery = await store.findDelivery({ endpointId, messageId: message.messageId })
      if (delivery === undefined)
        throw new AppError('webhook_endpoint_inactive', `Webhook endpoint ${endpointId} has just been disabled`)
      return deliveryDocument(delivery)
    },

    /** Deliveries of an endpoint, newest first. Throws `webhook_endpoint_not_found`, `invalid_input`, `invalid_cursor`. */
    async deliveries(
      endpointId: string,
      filter: ListDeliveries = {},
      page: PageRequest = {},
    ): Promise<Page<DeliveryDocument>> {
      const { status } = checkList(filter)
      await read(endpointId)
      const list = `webhook_deliveries ${endpointId} ${status ?? ''}`
      const limit = pageLimit(page.limit)
      const rows = await store.deliveries(endpointId, status, keyIn(list, page.cursor), limit + 1)
      return pageOf(list, rows, limit, keyOf, deliveryDocument)
    },

    /**
     * Sends a delivery again, with the same `webhook-id` and the whole schedule of tries before it. One that is under
     * way is left alone. Throws `webhook_delivery_not_found`, `webhook_endpoint_inactive`.
     */
    async replay(deliveryId: string): Promise<DeliveryDocument> {
      const { deliveryId: id, endpointId } = await found(deliveryId)
      await active(endpointId)
      await store.replay(id, clock.now())
      onDue?.()
      return deliveryDocument(await found(deliveryId))
    },

    /**
     * Sends again what was made in a range of time, oldest first, at most {@link LIMITS.webhookReplayMax} at a time:
     * with a `next_cursor` in the answer there may be more. Throws `webhook_endpoint_not_found`,
     * `webhook_endpoint_inactive`, `invalid_input`, `invalid_cursor`.
     */
    async replayRange(endpointId: string, input: ReplayEndpoint): Promise<ReplayReceipt> {
      const { since, until, status, cursor } = checkReplay(input)
      await active(endpointId)
      const list = `webhook_replay ${endpointId} ${since} ${until ?? ''} ${status ?? ''}`
      const range = {
        sinceMs: timeOf('since', since),
        untilMs: until === undefined ? undefined : timeOf('until', until),
        statuses: status === undefined ? (['failed', 'stopped'] as const) : [status],
        after: keyIn(list, cursor),
      }
      const { replayed, last } = await store.replayRange(endpointId, range, LIMITS.webhookReplayMax, clock.now())
      if (replayed > 0) onDue?.()
      return last === undefined ? { replayed } : { replayed, next_cursor: encodeCursor(list, keyOf(last)) }
    },
  }
}
