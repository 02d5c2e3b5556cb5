import type { StoredRelation } from '../../social/ports.ts'

export interface StoredRelationRow {
  other_id: string
  since: Date | null
  pending: boolean
  kept_until: Date | null
  blocked_at: Date | null
  muted_at: Date | null
}

export const toStoredRelation = (row: StoredRelationRow): StoredRelation => ({
  otherId: row.other_id,
  ...(row.since === null ? {} : { follows: { since: row.since, pending: row.pending } }),
  ...(row.kept_until === null ? {} : { keptUntil: row.kept_until }),
  ...(row.blocked_at === null ? {} : { blockedAt: row.blocked_at }),
  ...(row.muted_at === null ? {} : { mutedAt: row.muted_at }),
})
