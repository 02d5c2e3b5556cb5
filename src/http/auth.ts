import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { AppError, invalidField } from '../core/errors.ts'
import type { ApiKey, ApiKeyStore } from './ports.ts'
import { SCOPES, type Scope } from './scopes.ts'

/** How long a look-up of a key is trusted; a revoked key stops working within this time, in milliseconds. */
const CACHE_MS = 1_000
const CACHE_KEYS_MAX = 10_000

export interface ApiKeys {
  /** The key behind an `Authorization` header. Throws `unauthenticated`. */
  authenticate(header: string | undefined): Promise<ApiKey>
  /** Makes a key; `secret` is told once and never again. */
  create(name: string, scopes: readonly Scope[]): Promise<ApiKey & { secret: string }>
  list(): Promise<ApiKey[]>
  /** Throws `api_key_not_found`. */
  revoke(keyId: string): Promise<void>
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

export function createApiKeys(options: {
  readonly store: ApiKeyStore
  readonly clock: Clock
  /** A secret that always works, with every scope (FANFOLD_API_KEY). */
  readonly bootstrapSecret?: string | undefined
}): ApiKeys {
  const { store, clock } = options
  const bootstrapHash =
    options.bootstrapSecret === undefined ? undefined : hashOf(options.bootstrapSecret).toString('hex')
  const bootstrapKey: ApiKey = {
    key_id: 'bootstrap',
    name: 'FANFOLD_API_KEY',
    scopes: ['admin'],
    created_at: new Date(clock.now()).toISOString(),
    revoked_at: null,
  }
  const cache = new Map<string, { key: ApiKey | undefined; until: number }>()

  async function find(secret: string): Promise<ApiKey | undefined> {
    const hash = hashOf(secret)
    const id = hash.toString('hex')
    if (id === bootstrapHash) return bootstrapKey
    const cached = cache.get(id)
    if (cached !== undefined && cached.until > clock.now()) return cached.key
    const key = await store.findByHash(hash)
    if (cache.size >= CACHE_KEYS_MAX) cache.clear()
    cache.set(id, { key, until: clock.now() + CACHE_MS })
    return key
  }

  return {
    async authenticate(header) {
      const secret = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(header ?? '')?.[1]
      if (secret === undefined) {
        throw new AppError('unauthenticated', 'Send an API key: Authorization: Bearer <key>')
      }
      const key = await find(secret)
      if (key === undefined) throw new AppError('unauthenticated', 'This API key is not known')
      if (key.revoked_at !== null) throw new AppError('unauthenticated', 'This API key was revoked')
      return key
    },
    async create(name, scopes) {
      if (name.length < 1 || name.length > 100) throw invalidField('/name', 'must have 1 to 100 characters')
      if (scopes.length === 0) throw invalidField('/scopes', 'must name at least one scope')
      const unknown = scopes.find((scope) => !SCOPES.includes(scope))
      if (unknown !== undefined)
        throw invalidField('/scopes', `"${unknown}" is no scope; scopes are ${SCOPES.join(', ')}`)
      const secret = `ff_${randomBytes(24).toString('base64url')}`
      const key: ApiKey = {
        key_id: `key_${randomBytes(9).toString('base64url')}`,
        name,
        scopes: [...new Set(scopes)],
        created_at: new Date(clock.now()).toISOString(),
        revoked_at: null,
      }
      await store.create(key, hashOf(secret))
      return { ...key, secret }
    },
    list: () => store.list(),
    async revoke(keyId) {
      if (!(await store.revoke(keyId, new Date(clock.now())))) {
        throw new AppError('api_key_not_found', `No API key ${keyId} is in force`)
      }
      cache.clear()
    },
  }
}
