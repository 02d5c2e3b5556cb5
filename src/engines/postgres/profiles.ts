import type { SqlProfile } from '../sql/sql.ts'

/** The databases that speak PostgreSQL's protocol. `?profile=` in the URL picks one; a new one is a row here. */
export const PROFILES = {
  pglite: { name: 'pglite', logShards: 1, skipLocked: true, triggers: true, concurrent: false },
  postgres: { name: 'postgres', logShards: 4, skipLocked: true, triggers: true, concurrent: true },
} as const satisfies Record<string, SqlProfile>

export type ProfileName = keyof typeof PROFILES
