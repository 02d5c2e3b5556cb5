import { AppError } from '../core/errors.ts'
import type { Attempt, ClaimedDelivery, NewEndpoint, Outcome, WebhookMessage } from '../webhooks/ports.ts'

/** A moment for stores that are told the time. */
export const WEBHOOK_NOW_MS = Date.UTC(2026, 0, 1)

let made = 0
/** An active endpoint of which there is no other. */
export function anEndpoint(more: Partial<NewEndpoint> = {}): NewEndpoint {
  made += 1
  return {
    endpointId: `whe_${String(made).padStart(22, '0')}`,
    url: 'https://shop.example/hooks',
    eventTypes: ['order.*', 'payment.*'],
    description: undefined,
    disabled: undefined,
    failingSinceMs: undefined,
    secret: new Uint8Array(32).fill(7),
    secretCreatedAtMs: WEBHOOK_NOW_MS,
    oldSecret: undefined,
    oldSecretUntilMs: undefined,
    starts: { orders: ['0'], payments: ['0'] },
    createdAtMs: WEBHOOK_NOW_MS,
    ...more,
  }
}

export const aMessage = (messageId: string): WebhookMessage => ({
  messageId,
  eventType: 'order.paid',
  body: `{"type":"order.paid","data":{"n":"${messageId}"}}`,
})

export const anAttempt = (more: Partial<Attempt> = {}): Attempt => ({
  attemptedAtMs: WEBHOOK_NOW_MS,
  durationMs: 12,
  statusCode: 200,
  error: undefined,
  response: 'ok',
  ...more,
})

/** What became of a claimed delivery; it arrived unless told otherwise. */
export const anOutcome = (claimed: ClaimedDelivery | undefined, more: Partial<Outcome> = {}): Outcome => {
  if (claimed === undefined) throw new AppError('webhook_delivery_not_found', 'nothing was claimed')
  return {
    deliveryId: claimed.deliveryId,
    claim: claimed.claim,
    endpointId: claimed.endpointId,
    endpointVersion: claimed.endpointVersion,
    status: 'delivered',
    tries: claimed.tries,
    nextAttemptAtMs: undefined,
    attempt: anAttempt(),
    gone: false,
    ...more,
  }
}
