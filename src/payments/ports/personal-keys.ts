/** A key of one person, encrypted under a master key that is not in the database. */
export interface WrappedKey {
  readonly keyId: string
  /** Whom the data is about: a customer's id, or that of a payment without one. */
  readonly subject: string
  /** Which master key it is wrapped under. */
  readonly masterKeyId: string
  /** Gone once it is destroyed. */
  readonly wrapped: Uint8Array | undefined
}

export interface PersonalKeyStore {
  /** The living key of a subject. */
  ofSubject(subject: string): Promise<WrappedKey | undefined>
  find(keyId: string): Promise<WrappedKey | undefined>
  /** Adds a key unless its subject has a living one; answers the one that counts. */
  add(key: WrappedKey, nowMs: number): Promise<WrappedKey>
  /** Destroys the keys of a subject for good; answers how many there were. */
  destroy(subject: string, nowMs: number): Promise<number>
  /** Living keys that are wrapped under another master key. */
  notUnder(masterKeyId: string, limit: number): Promise<WrappedKey[]>
  /** Stores keys as they are wrapped now; those that were destroyed meanwhile stay so. Answers how many there were. */
  rewrap(keys: readonly WrappedKey[]): Promise<number>
}
