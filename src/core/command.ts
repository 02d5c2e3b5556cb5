import { sha256, sortedJson } from './canonical-json.ts'
import { holdsCardNumber } from './card-number.ts'
import { AppError, invalidField } from './errors.ts'
import { LIMITS } from './limits.ts'

/** Who sends a command, and how it may be repeated. Every field is optional in the library. */
export interface CommandContext {
  /** Written into histories: the id of an API key, or a name given by the library's caller. Default `library`. */
  readonly actor?: string
  readonly requestId?: string
  /**
   * The same key with the same command is carried out once; a repeat gets the first answer. Unique per `actor`.
   * Kept at least {@link LIMITS.idempotencyKeyDays} days.
   */
  readonly idempotencyKey?: string | undefined
  /** The version the caller has seen (`If-Match`); another one is refused with `version_mismatch`. */
  readonly expectedVersion?: number | undefined
  /** Called when the answer is that of an earlier command with the same key. */
  readonly onReplay?: () => void
}

export const DEFAULT_ACTOR = 'library'

/** What is stored of a key: its scope, itself, and a fingerprint of the command it was used for. */
export interface IdempotencyKey {
  readonly scope: string
  readonly key: string
  /** SHA-256 of the command's name and its input. */
  readonly fingerprint: Uint8Array
}

/** The key of a command, if the caller gave one. `command` is its name in the design, e.g. `PlaceOrder`. */
export function idempotencyKeyOf(context: CommandContext, command: string, input: unknown): IdempotencyKey | undefined {
  const key = context.idempotencyKey
  if (key === undefined) return undefined
  if (key.length === 0 || key.length > LIMITS.idempotencyKeyCharsMax || !/^[\x21-\x7e]+$/.test(key)) {
    throw invalidField(
      'header/idempotency-key',
      `must be 1 to ${LIMITS.idempotencyKeyCharsMax} visible ASCII characters`,
    )
  }
  if (holdsCardNumber(key)) throw new AppError('card_number_refused', 'The Idempotency-Key looks like a card number')
  const fingerprint = sha256(`${command}\n${sortedJson(input)}`)
  return { scope: context.actor ?? DEFAULT_ACTOR, key, fingerprint }
}

/** A stored key as a later request finds it. */
export interface StoredKey {
  readonly fingerprint: Uint8Array
  /** Absent while the command is still running. */
  readonly response: { readonly status: number; readonly body: unknown } | undefined
  readonly operationId: string | undefined
  readonly leaseUntilMs: number | undefined
}

export type KeyVerdict =
  | { readonly kind: 'replay'; readonly status: number; readonly body: unknown }
  /** The command stopped half-way and its lease ran out: go on with the same operation. */
  | { readonly kind: 'take_over'; readonly operationId: string | undefined }

/**
 * What a stored key means for a request that brings it again. The order matters: first the fingerprint, then whether it
 * is finished, then whether it is running (draft-ietf-httpapi-idempotency-key-header).
 */
export function judgeKey(request: IdempotencyKey, stored: StoredKey, nowMs: number): KeyVerdict {
  if (Buffer.compare(request.fingerprint, stored.fingerprint) !== 0) {
    throw new AppError(
      'idempotency_key_reused',
      `Idempotency-Key "${request.key}" was used for a different request; use a new key`,
    )
  }
  if (stored.response !== undefined) return { kind: 'replay', ...stored.response }
  if (stored.leaseUntilMs !== undefined && stored.leaseUntilMs > nowMs) {
    throw new AppError('idempotency_key_in_use', undefined, {
      retryAfterMs: Math.max(1_000, stored.leaseUntilMs - nowMs),
    })
  }
  return { kind: 'take_over', operationId: stored.operationId }
}

/** Refuses a version other than the one the caller has seen. */
export function checkExpectedVersion(context: CommandContext, actual: number): void {
  const expected = context.expectedVersion
  if (expected !== undefined && expected !== actual) {
    throw new AppError('version_mismatch', `The resource is at version ${actual}, not ${expected}; read it again`, {
      data: { version: actual },
    })
  }
}
