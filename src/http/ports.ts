import type { Scope } from './scopes.ts'

export interface ApiKey {
  readonly key_id: string
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly created_at: string
  readonly revoked_at: string | null
}

/** API keys, stored by the SHA-256 of their secret: a secret is shown once, when it is made. */
export interface ApiKeyStore {
  create(key: ApiKey, hash: Uint8Array): Promise<void>
  /** The key with this hash, revoked or not. */
  findByHash(hash: Uint8Array): Promise<ApiKey | undefined>
  /** All keys, oldest first. */
  list(): Promise<ApiKey[]>
  /** False when there is no such key, or it was revoked before. */
  revoke(keyId: string, at: Date): Promise<boolean>
}
