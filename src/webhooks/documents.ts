import type { Attempt, Delivery, Endpoint } from './ports.ts'
import type { DeliveryDocument, EndpointDocument } from './schemas.ts'

const time = (ms: number) => new Date(ms).toISOString()
const timeOrNull = (ms: number | undefined) => (ms === undefined ? null : time(ms))

/** An endpoint without its secrets. */
export function endpointDocument(endpoint: Endpoint): EndpointDocument {
  const { disabled } = endpoint
  return {
    endpoint_id: endpoint.endpointId,
    url: endpoint.url,
    event_types: [...endpoint.eventTypes],
    description: endpoint.description ?? null,
    active: disabled === undefined,
    disabled_reason: disabled?.reason ?? null,
    disabled_at: timeOrNull(disabled?.atMs),
    failing_since: timeOrNull(endpoint.failingSinceMs),
    secret_created_at: time(endpoint.secretCreatedAtMs),
    old_secret_until: timeOrNull(endpoint.oldSecretUntilMs),
    version: endpoint.version,
    created_at: time(endpoint.createdAtMs),
    updated_at: time(endpoint.updatedAtMs),
  }
}

const attemptDocument = (attempt: Attempt) => ({
  attempted_at: time(attempt.attemptedAtMs),
  duration_ms: attempt.durationMs,
  status_code: attempt.statusCode ?? null,
  error: attempt.error ?? null,
  response: attempt.response ?? null,
})

export function deliveryDocument(delivery: Delivery): DeliveryDocument {
  return {
    delivery_id: String(delivery.deliveryId),
    endpoint_id: delivery.endpointId,
    webhook_id: delivery.messageId,
    event_type: delivery.eventType,
    status: delivery.status,
    next_attempt_at: timeOrNull(delivery.nextAttemptAtMs),
    attempt_count: delivery.attemptCount,
    attempts: delivery.attempts.map(attemptDocument),
    created_at: time(delivery.createdAtMs),
  }
}
