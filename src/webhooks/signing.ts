import { createHmac, randomBytes } from 'node:crypto'
import type { SigningSecrets } from './ports.ts'

/** 256 bits; the specification asks for at least 192. */
const SECRET_BYTES = 32

export const newSecret = (): Uint8Array => randomBytes(SECRET_BYTES)

/** A secret as its owner gets it: `whsec_` and base64. */
export const secretText = (secret: Uint8Array): string => `whsec_${Buffer.from(secret).toString('base64')}`

/**
 * `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body` (Standard Webhooks 1.0, symmetric). `seconds` is the time
 * of the try since 1970. The id must hold no full stop.
 */
export function signature(secret: Uint8Array, id: string, seconds: number, body: string): string {
  return `v1,${createHmac('sha256', secret).update(`${id}.${seconds}.${body}`).digest('base64')}`
}

/** The headers of one try: after a rotation both secrets sign, so that receivers may change theirs at any moment. */
export function signedHeaders(
  secrets: SigningSecrets,
  id: string,
  body: string,
  nowMs: number,
): Readonly<Record<string, string>> {
  const seconds = Math.floor(nowMs / 1_000)
  const { secret, oldSecret, oldSecretUntilMs = 0 } = secrets
  const signing = oldSecret !== undefined && nowMs < oldSecretUntilMs ? [secret, oldSecret] : [secret]
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signing.map((each) => signature(each, id, seconds, body)).join(' '),
  }
}
