import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { canonicalJson, sha256 } from '../core/canonical-json.ts'

/**
 * Signed heads of a log. The chain of a shard folds the hashes of its events in the order of the log, and a seal says:
 * at this time, this was the chain up to this event. Who rewrites what a seal covers needs the key, which is not in the
 * database, and who drops a seal contradicts the copies of it kept elsewhere.
 */
export interface Seal {
  readonly log: string
  readonly shard: number
  /** Number of the seal in its shard, from 1 without gaps. */
  readonly number: number
  /** The last event it covers; it covers all from 1. */
  readonly eventId: bigint
  readonly chainHash: Uint8Array
  readonly sealedAtMs: number
  /** {@link sealHash} of the seal before in this shard; 32 zero bytes in the first. */
  readonly previous: Uint8Array
  /** {@link keyIdOf} the public key that verifies it. */
  readonly keyId: string
  /** Ed25519 over {@link sealBytes}, 64 bytes. */
  readonly signature: Uint8Array
}

export type UnsignedSeal = Omit<Seal, 'keyId' | 'signature'>

/** A private key for seals, and its name. */
export interface SealKey {
  readonly id: string
  readonly privateKey: KeyObject
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** SHA-256 over the chain up to the event before and the hash of the event; the first follows 32 zero bytes. */
export function chainHash(before: Uint8Array, eventHash: Uint8Array): Uint8Array {
  return createHash('sha256').update(before).update(eventHash).digest()
}

/** What is signed: canonical JSON (RFC 8785) of an array, in UTF-8. */
export function sealBytes(seal: UnsignedSeal & Pick<Seal, 'keyId'>): Buffer {
  const text = canonicalJson([
    'fanfold-seal-1',
    seal.log,
    seal.shard,
    seal.number,
    String(seal.eventId),
    hex(seal.chainHash),
    new Date(seal.sealedAtMs).toISOString(),
    hex(seal.previous),
    seal.keyId,
  ])
  return Buffer.from(text)
}

export const sealHash = (seal: UnsignedSeal & Pick<Seal, 'keyId'>): Uint8Array => sha256(sealBytes(seal))

/** The first 32 hexadecimal digits of SHA-256 over the public key as DER (SubjectPublicKeyInfo). */
export function keyIdOf(publicKey: KeyObject): string {
  return hex(sha256(publicKey.export({ type: 'spki', format: 'der' }))).slice(0, 32)
}

export function sealKeyOf(privateKey: KeyObject): SealKey {
  return { id: keyIdOf(createPublicKey(privateKey)), privateKey }
}

export function newSealKey(): SealKey {
  return sealKeyOf(generateKeyPairSync('ed25519').privateKey)
}

export function signSeal(seal: UnsignedSeal, key: SealKey): Seal {
  const named = { ...seal, keyId: key.id }
  return { ...named, signature: sign(null, sealBytes(named), key.privateKey) }
}

export function hasGoodSignature(seal: Seal, publicKey: KeyObject): boolean {
  return verify(null, sealBytes(seal), publicKey, seal.signature)
}

/** A seal as a line of JSON has it; hashes and the signature in hexadecimal digits, the time as RFC 3339. */
export interface SealDocument {
  readonly kind: 'seal'
  readonly log: string
  readonly shard: number
  readonly seal_number: number
  readonly event_id: string
  readonly chain_hash: string
  readonly sealed_at: string
  readonly previous: string
  readonly key_id: string
  readonly signature: string
}

export function toSealDocument(seal: Seal): SealDocument {
  return {
    kind: 'seal',
    log: seal.log,
    shard: seal.shard,
    seal_number: seal.number,
    event_id: String(seal.eventId),
    chain_hash: hex(seal.chainHash),
    sealed_at: new Date(seal.sealedAtMs).toISOString(),
    previous: hex(seal.previous),
    key_id: seal.keyId,
    signature: hex(seal.signature),
  }
}

const HASH = /^[0-9a-f]{64}$/
const FORM: Readonly<Record<keyof SealDocument, (value: unknown) => boolean>> = {
  kind: (value) => value === 'seal',
  log: (value) => typeof value === 'string',
  shard: (value) => Number.isSafeInteger(value),
  seal_number: (value) => Number.isSafeInteger(value) && Number(value) > 0,
  event_id: (value) => /^\d{1,18}$/.test(String(value)),
  chain_hash: (value) => HASH.test(String(value)),
  sealed_at: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  previous: (value) => HASH.test(String(value)),
  key_id: (value) => typeof value === 'string',
  signature: (value) => /^[0-9a-f]{128}$/.test(String(value)),
}

/** `undefined` when the value has not the form of a seal. */
export function fromSealDocument(value: object): Seal | undefined {
  const fields = value as SealDocument
  if (!Object.entries(FORM).every(([name, fits]) => fits(fields[name as keyof SealDocument]))) return undefined
  return {
    log: fields.log,
    shard: fields.shard,
    number: fields.seal_number,
    eventId: BigInt(fields.event_id),
    chainHash: Buffer.from(fields.chain_hash, 'hex'),
    sealedAtMs: Date.parse(fields.sealed_at),
    previous: Buffer.from(fields.previous, 'hex'),
    keyId: fields.key_id,
    signature: Buffer.from(fields.signature, 'hex'),
  }
}
