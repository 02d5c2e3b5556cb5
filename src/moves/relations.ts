import type { StoredRelation } from '../social/ports.ts'

const times = (relation: StoredRelation | undefined) =>
  [relation?.follows?.since, relation?.keptUntil, relation?.blockedAt, relation?.mutedAt].map(
    (time) => time?.getTime() ?? 0,
  )

/** Whether a follow is pending is left out: it changes by itself, and doing a backfill twice changes nothing. */
function same(one: StoredRelation | undefined, other: StoredRelation | undefined): boolean {
  const theirs = times(other)
  return times(one).every((time, index) => time === theirs[index])
}

/** How `there` must be changed to be as `here`; both are what one user set towards the same others. */
export function differing(here: readonly StoredRelation[], there: readonly StoredRelation[]): StoredRelation[] {
  const wanted = new Map(here.map((relation) => [relation.otherId, relation]))
  const found = new Map(there.map((relation) => [relation.otherId, relation]))
  return [...new Set([...wanted.keys(), ...found.keys()])]
    .filter((otherId) => !same(wanted.get(otherId), found.get(otherId)))
    .map((otherId) => wanted.get(otherId) ?? { otherId })
}
