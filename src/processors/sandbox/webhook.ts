import { createHmac, timingSafeEqual } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { validator } from '../../core/schema.ts'
import type { WebhookEvent, WebhookRequest, WebhookSubject } from '../../payments/processing/processor.ts'
import { failureOf } from './messages.ts'

/** `t=<seconds>,v1=<hex>`: HMAC-SHA256 over the time, a dot and the raw body, as many processors do it. */
export const SIGNATURE_HEADER = 'sandbox-signature'
const TOLERANCE_SECONDS = 300

export interface SignedWebhook {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

function mac(secret: string, seconds: string, body: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(`${seconds}.`).update(body).digest()
}

function invalid(why: string): AppError {
  return new AppError('invalid_signature', `The webhook is refused: ${why}`)
}

export function signWebhook(body: string, secret: string, nowMs: number): SignedWebhook {
  const seconds = String(Math.floor(nowMs / 1_000))
  const signature = mac(secret, seconds, Buffer.from(body)).toString('hex')
  return { headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: `t=${seconds},v1=${signature}` }, body }
}

function checkSignature({ headers, body }: WebhookRequest, secret: string, nowMs: number): void {
  const match = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(headers[SIGNATURE_HEADER] ?? '')
  if (match === null) throw invalid(`the header ${SIGNATURE_HEADER} is missing or malformed`)
  const [, seconds = '', signature = ''] = match
  if (!timingSafeEqual(mac(secret, seconds, body), Buffer.from(signature, 'hex')))
    throw invalid('its signature is wrong')
  if (Math.abs(nowMs / 1_000 - Number(seconds)) > TOLERANCE_SECONDS) throw invalid('its signature is too old')
}

const text = Type.String({ maxLength: LIMITS.reasonCharsMax })
const amount = Type.Integer({ minimum: 0, maximum: Number(LIMITS.amountMinorMax) })

const OperationData = Type.Object({
  ...{ key: text, reference: text, status: text, amount, currency: text },
  ...{ code: Type.Optional(text), message: Type.Optional(text), expires_at_ms: Type.Optional(Type.Integer()) },
})
const DisputeData = Type.Object({
  ...{ dispute_id: text, payment_intent_id: text, amount, currency: text, reason: text, reference: text },
  status: Type.Union([Type.Literal('open'), Type.Literal('won'), Type.Literal('lost')]),
  evidence_due_ms: Type.Integer(),
})
const checkEnvelope = validator(Type.Object({ id: text, type: text, data: Type.Object({}) }))
const checkOperation = validator(OperationData)
const checkDispute = validator(DisputeData)

function operationSubject(data: Static<typeof OperationData>): WebhookSubject | undefined {
  const { key, reference, status, currency, code = 'failed', message = 'It failed', expires_at_ms: expiresAtMs } = data
  if (status === 'failed') return { kind: 'operation', key, outcome: failureOf(code, message) }
  if (status !== 'succeeded') return undefined
  const until = expiresAtMs === undefined ? {} : { expiresAtMs }
  const outcome = { kind: 'succeeded', amount: BigInt(data.amount), currency, reference, ...until } as const
  return { kind: 'operation', key, outcome }
}

function disputeSubject(data: Static<typeof DisputeData>): WebhookSubject {
  const { dispute_id: disputeId, payment_intent_id: paymentIntentId, currency, reason, reference, status } = data
  const fact = { disputeId, paymentIntentId, amount: BigInt(data.amount), currency, reason, reference, status }
  return { kind: 'dispute', fact: { ...fact, evidenceDueMs: data.evidence_due_ms } }
}

/** Checks who sent it and reads it. What is signed but not ours to read is refused like what is not signed. */
export function readWebhook(request: WebhookRequest, secret: string, nowMs: number): WebhookEvent {
  checkSignature(request, secret, nowMs)
  try {
    const { id: eventId, type, data } = checkEnvelope(JSON.parse(Buffer.from(request.body).toString('utf8')))
    if (type.startsWith('operation.')) return { eventId, type, about: operationSubject(checkOperation(data)) }
    if (type.startsWith('dispute.')) return { eventId, type, about: disputeSubject(checkDispute(data)) }
    return { eventId, type, about: undefined }
  } catch (error) {
    if (error instanceof AppError && error.code === 'card_number_refused') throw error
    throw invalid('its body is not a message of the sandbox')
  }
}
