import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import { AppError } from '../../core/errors.ts'
import type { SealedData } from '../model/events.ts'
import type { PersonalKeyStore, WrappedKey } from '../ports/personal-keys.ts'

/**
 * Personal data in events: encrypted (AES-256-GCM) under a key of the person it is about, which lies in the database
 * wrapped under a master key that does not. Whoever destroys the person's key erases what is personal in all events,
 * backups and hashes included, while every hash stays right, since it is over the ciphertext.
 */
export interface PersonalData {
  /** Encrypts under the key of the subject, which is made when there is none. Throws `master_key_missing`. */
  seal(subject: string, data: Readonly<Record<string, unknown>>): Promise<SealedData>
  /** `erased`: the key was destroyed. `locked`: this process lacks the master key. */
  open(sealed: SealedData): Promise<OpenedData>
  /** Destroys the keys of a subject; answers how many there were. */
  erase(subject: string): Promise<number>
}

export type OpenedData =
  | { readonly kind: 'open'; readonly data: Readonly<Record<string, unknown>> }
  | { readonly kind: 'erased' }
  | { readonly kind: 'locked' }

/** 256 bits, with a name that is stored beside what it has wrapped. */
export interface MasterKey {
  readonly id: string
  readonly key: Uint8Array
}

/** The first wraps new keys; all unwrap, so that a master key can be exchanged. */
export type MasterKeys = readonly [MasterKey, ...MasterKey[]]

/** For data that need not outlive this process. */
export function randomMasterKey(): MasterKey {
  return { id: `mk_${randomBytes(6).toString('hex')}`, key: randomBytes(32) }
}

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Nonce, ciphertext and tag in one. `about` is bound to it: what was moved elsewhere does not open. */
function encrypt(key: Uint8Array, about: string, plain: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(about))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: Uint8Array, about: string, box: Uint8Array): Buffer {
  const bytes = Buffer.from(box)
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES))
  decipher.setAAD(Buffer.from(about)).setAuthTag(bytes.subarray(-TAG_BYTES))
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
}

export function createPersonalData(deps: {
  readonly store: PersonalKeyStore
  readonly masterKeys: MasterKeys
  readonly clock: Clock
}): PersonalData {
  const { store, masterKeys, clock } = deps

  /** The key itself; `undefined` without its master key. */
  function unwrap({ keyId, masterKeyId }: WrappedKey, wrapped: Uint8Array): Uint8Array | undefined {
    const master = masterKeys.find(({ id }) => id === masterKeyId)
    return master === undefined ? undefined : decrypt(master.key, keyId, wrapped)
  }

  async function keyOf(subject: string): Promise<{ readonly keyId: string; readonly key: Uint8Array }> {
    const known = (await store.ofSubject(subject)) ?? (await addKey(subject))
    const key = known.wrapped === undefined ? undefined : unwrap(known, known.wrapped)
    if (key !== undefined) return { keyId: known.keyId, key }
    throw new AppError(
      'master_key_missing',
      `The personal data of ${subject} is under master key ${known.masterKeyId}, which this process does not have`,
    )
  }

  function addKey(subject: string): Promise<WrappedKey> {
    const keyId = `pk_${randomBytes(12).toString('hex')}`
    const [master] = masterKeys
    const wrapped = encrypt(master.key, keyId, randomBytes(32))
    return store.add({ keyId, subject, masterKeyId: master.id, wrapped }, clock.now())
  }

  return {
    async seal(subject, data) {
      const { keyId, key } = await keyOf(subject)
      const box = encrypt(key, keyId, Buffer.from(JSON.stringify(data)))
      return { key_id: keyId, data: box.toString('base64') }
    },
    async open({ key_id: keyId, data }) {
      const known = await store.find(keyId)
      if (known?.wrapped === undefined) return { kind: 'erased' }
      const key = unwrap(known, known.wrapped)
      if (key === undefined) return { kind: 'locked' }
      const plain = decrypt(key, keyId, Buffer.from(data, 'base64')).toString('utf8')
      return { kind: 'open', data: JSON.parse(plain) as Readonly<Record<string, unknown>> }
    },
    erase: (subject) => store.destroy(subject, clock.now()),
  }
}
