import { createHmac, timingSafeEqual } from 'node:crypto'
import { AppError } from '../../core/errors.ts'
import { fromMinor } from '../../core/money.ts'
import type { SandboxEntry } from '../../payments/ports/sandbox-ledger.ts'
import type { ProcessorOutcome, WebhookEvent, WebhookRequest } from '../../payments/processing/processor.ts'

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

/** The message about an entry that has been settled. */
export function settledMessage(entry: SandboxEntry): string {
  const { key, reference, status, amount, currency, code, message } = entry
  const data = { key, reference, status, amount: fromMinor(amount), currency, code, message }
  return JSON.stringify({ id: `evt_${key}_${status}`, type: `operation.${status}`, data })
}

function checkSignature({ headers, body }: WebhookRequest, secret: string, nowMs: number): void {
  const match = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(headers[SIGNATURE_HEADER] ?? '')
  if (match === null) throw invalid(`the header ${SIGNATURE_HEADER} is missing or malformed`)
  const [, seconds = '', signature = ''] = match
  if (!timingSafeEqual(mac(secret, seconds, body), Buffer.from(signature, 'hex')))
    throw invalid('its signature is wrong')
  if (Math.abs(nowMs / 1_000 - Number(seconds)) > TOLERANCE_SECONDS) throw invalid('its signature is too old')
}

interface Message {
  readonly id: string
  readonly type: string
  readonly data: {
    readonly key: string
    readonly reference: string
    readonly status: string
    readonly amount: number
    readonly currency: string
    readonly code?: string
    readonly message?: string
  }
}

function parseMessage(body: Uint8Array): Message {
  try {
    const message = JSON.parse(Buffer.from(body).toString('utf8')) as Message
    if (typeof message.id === 'string' && typeof message.type === 'string' && typeof message.data?.key === 'string')
      return message
  } catch {
    // Falls through: what is signed but not ours to read is refused like what is not signed.
  }
  throw invalid('its body is not a message of the sandbox')
}

function outcomeOf({ data }: Message): ProcessorOutcome | undefined {
  const { reference, currency } = data
  if (data.status === 'succeeded') return { kind: 'succeeded', amount: BigInt(data.amount), currency, reference }
  if (data.status === 'failed')
    return { kind: 'failed', code: data.code ?? 'failed', message: data.message ?? 'It failed' }
  return undefined
}

export function readWebhook(request: WebhookRequest, secret: string, nowMs: number): WebhookEvent {
  checkSignature(request, secret, nowMs)
  const message = parseMessage(request.body)
  const outcome = outcomeOf(message)
  const about = outcome === undefined ? undefined : { kind: 'operation' as const, key: message.data.key, outcome }
  return { eventId: message.id, type: message.type, about }
}
