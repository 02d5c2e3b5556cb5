import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
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
  /**
   * Encrypts under the key of the subject, which is made when there is none. `about` is what the data belongs to, e.g.
   * the id of a payment; it opens nowhere else. Throws `master_key_missing`.
   */
  seal(subject: string, about: string, data: Readonly<Record<string, unknown>>): Promise<SealedData>
  /** Never throws for what can not be opened: reading goes on without it. */
  open(sealed: SealedData, about: string): Promise<OpenedData>
  /** Destroys the keys of a subject; answers how many there were. What is opened afterwards, anywhere, is `erased`. */
  erase(subject: string): Promise<number>
  /**
   * Wraps every key under the newest master key, so that the others can be thrown away; answers how many were wrapped
   * anew. May be repeated, and run beside everything else. Throws `master_key_missing` when a key is under none of ours.
   */
  rewrap(onProgress?: (keys: number) => void): Promise<number>
}

/**
 * erased: the key was destroyed; locked: this process lacks the master key; damaged: key or data are not those that were
 * stored.
 */
export type OpenedData =
  | { readonly kind: 'open'; readonly data: Readonly<Record<string, unknown>> }
  | { readonly kind: 'erased' }
  | { readonly kind: 'locked' }
  | { readonly kind: 'damaged' }

/** 256 bits, with a name that is stored beside what it has wrapped. */
export interface MasterKey {
  readonly id: string
  readonly key: Uint8Array
}

/** The first wraps new keys; all unwrap, so that a master key can be exchanged. */
export type MasterKeys = readonly [MasterKey, ...MasterKey[]]

/** Asked again now and then, and when a key is under one that is not known: another process may have made a new one. */
export type MasterKeySource = () => Promise<MasterKeys>

/** The id is made from the key, so that two keys never go by one name. */
export function masterKeyOf(key: Uint8Array): MasterKey {
  return { id: `mk_${createHash('sha256').update('fanfold master key\n').update(key).digest('hex').slice(0, 16)}`, key }
}

export const randomMasterKey = (): MasterKey => masterKeyOf(randomBytes(32))

const NONCE_BYTES = 12
const TAG_BYTES = 16

const REWRAP_BATCH = 500

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
  readonly masterKeys: MasterKeys | MasterKeySource
  readonly clock: Clock
}): PersonalData {
  const { store, clock } = deps
  const masterKeys = knownMasterKeys(deps.masterKeys, clock)

  /** The key itself; `undefined` without its master key. */
  async function unwrap({ keyId, masterKeyId }: WrappedKey, wrapped: Uint8Array): Promise<Uint8Array | undefined> {
    const master = await masterKeys.named(masterKeyId)
    return master === undefined ? undefined : decrypt(master.key, keyId, wrapped)
  }

  async function keyOf(subject: string): Promise<{ readonly keyId: string; readonly key: Uint8Array }> {
    const known = (await store.ofSubject(subject)) ?? (await addKey(subject))
    const key = known.wrapped === undefined ? undefined : await unwrap(known, known.wrapped)
    if (key !== undefined) return { keyId: known.keyId, key }
    throw masterKeyMissing(known)
  }

  /** Of several that add the first key of a subject at once, all get the one that was stored. */
  async function addKey(subject: string): Promise<WrappedKey> {
    const keyId = `pk_${randomBytes(12).toString('hex')}`
    const master = await masterKeys.newest()
    const wrapped = encrypt(master.key, keyId, randomBytes(32))
    return store.add({ keyId, subject, masterKeyId: master.id, wrapped }, clock.now())
  }

  async function rewrapped(known: WrappedKey, master: MasterKey): Promise<WrappedKey> {
    const key = known.wrapped === undefined ? undefined : await unwrap(known, known.wrapped)
    if (key === undefined) throw masterKeyMissing(known)
    return { ...known, masterKeyId: master.id, wrapped: encrypt(master.key, known.keyId, key) }
  }

  return {
    async seal(subject, about, data) {
      const { keyId, key } = await keyOf(subject)
      const box = encrypt(key, boundTo(keyId, about), Buffer.from(JSON.stringify(data)))
      return { key_id: keyId, data: box.toString('base64') }
    },
    async open({ key_id: keyId, data }, about) {
      const known = await store.find(keyId)
      if (known?.wrapped === undefined) return { kind: 'erased' }
      const master = await masterKeys.named(known.masterKeyId)
      if (master === undefined) return { kind: 'locked' }
      try {
        const key = decrypt(master.key, keyId, known.wrapped)
        const plain = decrypt(key, boundTo(keyId, about), Buffer.from(data, 'base64')).toString('utf8')
        return { kind: 'open', data: JSON.parse(plain) as Readonly<Record<string, unknown>> }
      } catch {
        // What fails here is the tag: somebody has changed the row, or moved it.
        return { kind: 'damaged' }
      }
    },
    erase: (subject) => store.destroy(subject, clock.now()),
    async rewrap(onProgress = () => undefined) {
      const master = await masterKeys.newest()
      let done = 0
      for (;;) {
        const keys = await store.notUnder(master.id, REWRAP_BATCH)
        if (keys.length === 0) return done
        done += await store.rewrap(await Promise.all(keys.map((key) => rewrapped(key, master))))
        onProgress(done)
      }
    },
  }
}

const MASTER_KEYS_MS = 30_000
/** A key that nobody has is not looked for with every payment that is read. */
const MISSING_KEY_MS = 1_000

function knownMasterKeys(source: MasterKeys | MasterKeySource, clock: Clock) {
  const read = typeof source === 'function' ? source : async () => source
  let known: Promise<MasterKeys> | undefined
  let readAtMs = 0

  function readWhenOlder(ageMs: number): Promise<MasterKeys> {
    if (known === undefined || clock.now() - readAtMs > ageMs) {
      readAtMs = clock.now()
      const reading = read()
      known = reading
      reading.catch(() => {
        if (known === reading) known = undefined
      })
    }
    return known
  }
  return {
    async newest(): Promise<MasterKey> {
      return (await readWhenOlder(MASTER_KEYS_MS))[0]
    },
    async named(id: string): Promise<MasterKey | undefined> {
      const find = (keys: MasterKeys) => keys.find((key) => key.id === id)
      return find(await readWhenOlder(MASTER_KEYS_MS)) ?? find(await readWhenOlder(MISSING_KEY_MS))
    },
  }
}

const boundTo = (keyId: string, about: string) => `${keyId}\n${about}`

function masterKeyMissing({ keyId, masterKeyId }: WrappedKey): AppError {
  return new AppError(
    'master_key_missing',
    `The key ${keyId} is under master key ${masterKeyId}, which this program was not given; add it to the key folder's ` +
      'master.keys (or FANFOLD_MASTER_KEYS), or erase the data for good by erasing the customer',
  )
}
