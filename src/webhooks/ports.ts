import type { IdempotencyKey } from '../core/command.ts'
import type { LogName } from '../log/port.ts'

/** Why an endpoint gets nothing: it was asked to, answered 410, or failed for {@link LIMITS.webhookFailingDays} days. */
export const DISABLED_REASONS = ['request', 'gone', 'failing'] as const
export type DisabledReason = (typeof DISABLED_REASONS)[number]

/** `waiting` for its next try or under way; `failed` after the last; `stopped` because its endpoint was disabled. */
export const DELIVERY_STATUSES = ['waiting', 'delivered', 'failed', 'stopped'] as const
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number]

/** Last event of each shard, by index, that an endpoint does not get; as text, for JSON has no 64-bit numbers. */
export type LogStarts = Readonly<Record<LogName, readonly string[]>>

export interface SigningSecrets {
  readonly secret: Uint8Array
  /** Signs beside the other until `oldSecretUntilMs`. */
  readonly oldSecret: Uint8Array | undefined
  readonly oldSecretUntilMs: number | undefined
}

/** What may change in the life of an endpoint. Times in milliseconds since 1970. */
export interface EndpointState extends SigningSecrets {
  readonly url: string
  /** Names of events, or `order.*`, `payment.*`. */
  readonly eventTypes: readonly string[]
  readonly description: string | undefined
  /** `undefined` while the endpoint is active. */
  readonly disabled: { readonly reason: DisabledReason; readonly atMs: number } | undefined
  /** First failure after the last success. */
  readonly failingSinceMs: number | undefined
  readonly secretCreatedAtMs: number
  readonly starts: LogStarts
}

export interface NewEndpoint extends EndpointState {
  readonly endpointId: string
  readonly createdAtMs: number
}

export interface Endpoint extends EndpointState {
  readonly endpointId: string
  /** Raised by each change. */
  readonly version: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** What an active endpoint wants. */
export interface Audience {
  readonly endpointId: string
  readonly eventTypes: readonly string[]
  readonly starts: LogStarts
}

/** An event as it is sent. */
export interface WebhookMessage {
  /** The `webhook-id`: the same for every try and every endpoint. */
  readonly messageId: string
  readonly eventType: string
  /** JSON, sent byte by byte as it is. */
  readonly body: string
}

/** One try, as people see it. */
export interface Attempt {
  readonly attemptedAtMs: number
  readonly durationMs: number
  /** Absent when there was no answer. */
  readonly statusCode: number | undefined
  readonly error: string | undefined
  /** Beginning of the body of the answer. */
  readonly response: string | undefined
}

export interface Delivery {
  readonly deliveryId: bigint
  readonly endpointId: string
  readonly messageId: string
  readonly eventType: string
  readonly status: DeliveryStatus
  readonly nextAttemptAtMs: number | undefined
  /** All tries there were; `attempts` holds the last {@link LIMITS.webhookAttemptsKept}. */
  readonly attemptCount: number
  readonly attempts: readonly Attempt[]
  readonly createdAtMs: number
}

/** A delivery that this process, and for the time of the lease no other, is to send. */
export interface ClaimedDelivery extends WebhookMessage, SigningSecrets {
  readonly deliveryId: bigint
  /** Proves the claim. */
  readonly claim: number
  readonly tries: number
  readonly attemptCount: number
  readonly endpointId: string
  readonly endpointVersion: number
  readonly url: string
}

/** How a try ended, and what follows. */
export interface Outcome {
  readonly deliveryId: bigint
  readonly claim: number
  readonly endpointId: string
  readonly endpointVersion: number
  readonly status: Exclude<DeliveryStatus, 'stopped'>
  readonly tries: number
  /** With `waiting` only. */
  readonly nextAttemptAtMs: number | undefined
  readonly attempt: Attempt
  /** The endpoint wants no more. */
  readonly gone: boolean
}

export interface ReplayRange {
  /** By the time at which deliveries were made; `untilMs` itself is not in it. */
  readonly sinceMs: number
  readonly untilMs: number | undefined
  readonly statuses: readonly DeliveryStatus[]
  readonly after: DeliveryKey | undefined
}

/** Where a list of deliveries stands. */
export interface DeliveryKey {
  readonly createdAtMs: number
  readonly deliveryId: bigint
}

export interface Once<Body> {
  readonly body: Body
  readonly replayed: boolean
}

/** Endpoints and deliveries. Every method is one transaction. Deleted endpoints are not found by any. */
export interface WebhookStore {
  /**
   * Once per key; `present` makes what is kept with it, which must hold no secret. Throws `too_many_webhook_endpoints`,
   * `idempotency_key_reused`.
   */
  create<Body>(
    endpoint: NewEndpoint,
    key: IdempotencyKey | undefined,
    present: (endpoint: Endpoint) => Body,
  ): Promise<Once<Body>>
  /** Once per key, alone on the endpoint: `decide` sees it as it is and may throw. `undefined`: there is none. */
  change<Body>(
    endpointId: string,
    key: IdempotencyKey | undefined,
    decide: (endpoint: Endpoint) => EndpointState,
    nowMs: number,
    present: (endpoint: Endpoint) => Body,
  ): Promise<Once<Body> | undefined>
  find(endpointId: string): Promise<Endpoint | undefined>
  /** Ascending by id, after `after`. */
  list(after: string | undefined, limit: number): Promise<Endpoint[]>
  /** Forgets address and secrets; nothing is claimed any more. False when there is none. */
  remove(endpointId: string, nowMs: number): Promise<boolean>

  /** Of the endpoints that are active. */
  audiences(): Promise<Audience[]>
  /**
   * Makes the deliveries of `targets` (pairs of endpoint and index into `messages`), due at once. Repeatable: one that was
   * made before, or whose endpoint is not active, is passed over. Answers how many were made.
   */
  enqueue(
    messages: readonly WebhookMessage[],
    targets: readonly { readonly endpointId: string; readonly message: number }[],
    nowMs: number,
  ): Promise<number>
  /**
   * Takes due deliveries of active endpoints, the longest due first, until `leaseUntilMs`. Of one endpoint at most
   * `perEndpoint` less what `busy` says. No two claims take the same before its lease is over.
   */
  claim(
    nowMs: number,
    leaseUntilMs: number,
    perEndpoint: number,
    busy: ReadonlyMap<string, number>,
  ): Promise<ClaimedDelivery[]>
  /**
   * Writes outcomes down, those whose claim still holds. A success ends the failing of the endpoint; a failure begins it,
   * or disables the endpoint when it began before `failingBeforeMs`. `gone` disables it unless it was changed since the
   * claim. Answers the endpoints that were disabled.
   */
  record(
    outcomes: readonly Outcome[],
    nowMs: number,
    failingBeforeMs: number,
  ): Promise<{ endpointId: string; reason: DisabledReason }[]>
  /** Turns up to `limit` waiting deliveries of endpoints that are not active, or of one of these, to `stopped`; how many. */
  stopWaiting(limit: number, endpointId?: string): Promise<number>

  /** Newest first, below `before`; of one status if given. */
  deliveries(
    endpointId: string,
    status: DeliveryStatus | undefined,
    before: DeliveryKey | undefined,
    limit: number,
  ): Promise<Delivery[]>
  findDelivery(by: { deliveryId: bigint } | { endpointId: string; messageId: string }): Promise<Delivery | undefined>
  /** Makes a delivery due now, with the whole schedule before it; one that is being sent is left alone. */
  replay(deliveryId: bigint, nowMs: number): Promise<void>
  /** The same for up to `limit` of a range, oldest first; answers how many, and the last one when there may be more. */
  replayRange(
    endpointId: string,
    range: ReplayRange,
    limit: number,
    nowMs: number,
  ): Promise<{ replayed: number; last: DeliveryKey | undefined }>

  /** Deletes up to `limit` deliveries made before `beforeMs` or of deleted endpoints, and these when nothing is left. */
  prune(beforeMs: number, limit: number): Promise<number>
  /** Waiting deliveries of active endpoints, counted up to `max`, and since when the longest due has been due. */
  backlog(max: number): Promise<{ waiting: number; dueSinceMs: number | undefined }>
}
