import type { Clock } from '../core/clock.ts'
import { type CommandContext, checkExpectedVersion, idempotencyKeyOf } from '../core/command.ts'
import { decodeCursor, type Page, type PageRequest, pageLimit, pageOf } from '../core/cursor.ts'
import { AppError } from '../core/errors.ts'
import { prefixedId } from '../core/ids.ts'
import { LIMITS } from '../core/limits.ts'
import { validator } from '../core/schema.ts'
import type { LogStore } from '../log/port.ts'
import { createDeliveries } from './deliveries.ts'
import { endpointDocument } from './documents.ts'
import { ALL_EVENT_TYPES } from './events.ts'
import type { Guard } from './guard.ts'
import type { Endpoint, EndpointState, LogStarts, Once, WebhookStore } from './ports.ts'
import { ChangeEndpoint, CreateEndpoint, type EndpointDocument, type EndpointWithSecret } from './schemas.ts'
import { newSecret, secretText } from './signing.ts'

const checkCreate = validator(CreateEndpoint)
const checkChange = validator(ChangeEndpoint)

const HOUR_MS = 3_600_000
const STOP_ROWS = 1_000

export interface WebhooksDeps {
  readonly store: WebhookStore
  readonly guard: Guard
  readonly clock: Clock
  readonly orderLog: LogStore<unknown>
  readonly paymentLog: LogStore<unknown>
  /** A hint that something is due. */
  readonly onDue?: () => void
}

const notFound = (endpointId: string) => new AppError('webhook_endpoint_not_found', `No webhook endpoint ${endpointId}`)

/** The endpoint as a request wants it to be. */
function changed(
  endpoint: Endpoint,
  request: ChangeEndpoint,
  { url = endpoint.url, starts, nowMs }: { url: string | undefined; starts: LogStarts | undefined; nowMs: number },
): EndpointState {
  const { event_types = endpoint.eventTypes, description = endpoint.description, active } = request
  const disabled =
    active === undefined
      ? endpoint.disabled
      : active
        ? undefined
        : (endpoint.disabled ?? { reason: 'request' as const, atMs: nowMs })
  // Another address, or a new beginning, has not failed yet.
  const isSwitchedOn = active === true && endpoint.disabled !== undefined
  const isFresh = url !== endpoint.url || isSwitchedOn
  return {
    ...endpoint,
    url,
    eventTypes: [...new Set(event_types)],
    description: description ?? undefined,
    disabled,
    failingSinceMs: isFresh ? undefined : endpoint.failingSinceMs,
    starts: (isSwitchedOn ? starts : undefined) ?? endpoint.starts,
  }
}

/**
 * Webhooks to others, after Standard Webhooks 1.0: endpoints, and deliveries to them. Every event of orders and payments
 * is sent to each endpoint that asked for it, at least once and in no particular order. Documents are those of the HTTP API.
 */
export function createWebhooks(deps: WebhooksDeps) {
  const { store, guard, clock, orderLog, paymentLog } = deps

  async function read(endpointId: string): Promise<Endpoint> {
    const endpoint = await store.find(endpointId)
    if (endpoint === undefined) throw notFound(endpointId)
    return endpoint
  }

  async function checkedUrl(text: string): Promise<string> {
    const url = guard.parse(text)
    await guard.addressesOf(url)
    return url.href
  }

  async function starts(): Promise<LogStarts> {
    const [orders, payments] = await Promise.all([orderLog.heads(), paymentLog.heads()])
    return { orders: orders.map(String), payments: payments.map(String) }
  }

  /**
   * The answer that tells a secret. It is not kept with the idempotency key: a repeat gets it from the endpoint, as long
   * as it is the secret that the first answer told.
   */
  async function withSecret(
    { body, replayed }: Once<EndpointDocument>,
    context: CommandContext,
    made: Uint8Array,
  ): Promise<EndpointWithSecret> {
    if (!replayed) return { ...body, secret: secretText(made) }
    context.onReplay?.()
    const now = await store.find(body.endpoint_id)
    const isSame = now !== undefined && endpointDocument(now).secret_created_at === body.secret_created_at
    return isSame ? { ...body, secret: secretText(now.secret) } : body
  }

  return {
    /**
     * Registers an endpoint; it gets the events from now on. The answer holds its `secret`, which is not told again.
     * Repeatable by `idempotencyKey`. Throws `invalid_input`, `webhook_url_refused`, `too_many_webhook_endpoints`,
     * `idempotency_key_reused`.
     */
    async create(input: CreateEndpoint, context: CommandContext = {}): Promise<EndpointWithSecret> {
      const request = checkCreate(input)
      const key = idempotencyKeyOf(context, 'CreateWebhookEndpoint', request)
      const url = await checkedUrl(request.url)
      const createdAtMs = clock.now()
      const endpoint = {
        endpointId: prefixedId('whe', 0, clock),
        url,
        eventTypes: [...new Set(request.event_types ?? ALL_EVENT_TYPES)],
        description: request.description,
        disabled: undefined,
        failingSinceMs: undefined,
        secret: newSecret(),
        secretCreatedAtMs: createdAtMs,
        oldSecret: undefined,
        oldSecretUntilMs: undefined,
        starts: await starts(),
        createdAtMs,
      }
      return withSecret(await store.create(endpoint, key, endpointDocument), context, endpoint.secret)
    },

    /** Throws `webhook_endpoint_not_found`. */
    async get(endpointId: string): Promise<EndpointDocument> {
      return endpointDocument(await read(endpointId))
    },

    /** Endpoints, oldest first. Throws `invalid_cursor`. */
    async list(page: PageRequest = {}): Promise<Page<EndpointDocument>> {
      const list = 'webhook_endpoints'
      const limit = pageLimit(page.limit)
      const [after] = decodeCursor(list, 1, page.cursor) ?? []
      const rows = await store.list(after, limit + 1)
      return pageOf(list, rows, limit, ({ endpointId }) => [endpointId], endpointDocument)
    },

    /**
     * Changes an endpoint. With `active: false` it gets nothing any more, and what waits is stopped; with `true` it gets
     * the events from then on. Throws `invalid_input`, `webhook_url_refused`, `webhook_endpoint_not_found`,
     * `version_mismatch`.
     */
    async update(endpointId: string, input: ChangeEndpoint, context: CommandContext = {}): Promise<EndpointDocument> {
      const request = checkChange(input)
      const url = request.url === undefined ? undefined : await checkedUrl(request.url)
      // What waited when it was disabled is over, also when the process that disabled it died before it had stopped it.
      if (request.active === true && (await read(endpointId)).disabled !== undefined) await stopWaiting(endpointId)
      const heads = request.active === true ? await starts() : undefined
      const nowMs = clock.now()
      const decide = (endpoint: Endpoint) => {
        checkExpectedVersion(context, endpoint.version)
        return changed(endpoint, request, { url, starts: heads, nowMs })
      }
      const outcome = await store.change(endpointId, undefined, decide, nowMs, endpointDocument)
      if (outcome === undefined) throw notFound(endpointId)
      if (request.active === false) await stopWaiting(endpointId)
      return outcome.body
    },

    /** Nothing is sent to it any more, and its deliveries are forgotten. Throws `webhook_endpoint_not_found`. */
    async delete(endpointId: string): Promise<void> {
      if (!(await store.remove(endpointId, clock.now()))) throw notFound(endpointId)
    },

    /**
     * Gives an endpoint a new secret and tells it. The old one signs beside it for {@link LIMITS.webhookOldSecretHours}
     * hours; one that was older still ends at once. Repeatable by `idempotencyKey`. Throws
     * `webhook_endpoint_not_found`, `version_mismatch`, `idempotency_key_reused`.
     */
    async rotateSecret(endpointId: string, context: CommandContext = {}): Promise<EndpointWithSecret> {
      const key = idempotencyKeyOf(context, 'RotateWebhookSecret', { endpoint_id: endpointId })
      const nowMs = clock.now()
      const secret = newSecret()
      const decide = (endpoint: Endpoint): EndpointState => {
        checkExpectedVersion(context, endpoint.version)
        const oldSecretUntilMs = nowMs + LIMITS.webhookOldSecretHours * HOUR_MS
        return { ...endpoint, secret, secretCreatedAtMs: nowMs, oldSecret: endpoint.secret, oldSecretUntilMs }
      }
      const outcome = await store.change(endpointId, key, decide, nowMs, endpointDocument)
      if (outcome === undefined) throw notFound(endpointId)
      return withSecret(outcome, context, secret)
    },

    ...createDeliveries({ store, clock, read, onDue: deps.onDue }),
  }

  async function stopWaiting(endpointId: string): Promise<void> {
    while ((await store.stopWaiting(STOP_ROWS, endpointId)) === STOP_ROWS);
  }
}

export type Webhooks = ReturnType<typeof createWebhooks>
