import type { Clock } from '../../core/clock.ts'
import { decomposeId, firstIdAt, ID_EPOCH_MS } from '../../core/ids.ts'
import type { FollowStore, PostStore } from '../ports.ts'

const AT_ONCE = 5_000

/** All items of a list that is read by key. */
async function everything<Item>(
  fetch: (after: string | undefined, limit: number) => Promise<Item[]>,
  keyOf: (item: Item) => string,
): Promise<Item[]> {
  const all: Item[] = []
  for (let after: string | undefined; ; ) {
    const items = await fetch(after, AT_ONCE)
    all.push(...items)
    const last = items.at(-1)
    if (last === undefined || items.length < AT_ONCE) return all
    after = keyOf(last)
  }
}

/** Everybody a user follows. */
export async function allFollowees(follows: FollowStore, userId: string): Promise<string[]> {
  const items = await everything(
    (after, limit) => follows.followees(userId, after, limit),
    (item) => item.userId,
  )
  return items.map((item) => item.userId)
}

/** Everybody whose posts may be due in a user's timeline: himself, whom he follows, whom he left with the past kept. */
export async function authorsOf(follows: FollowStore, userId: string): Promise<string[]> {
  const followees = await allFollowees(follows, userId)
  // Afterwards, so that whoever is unfollowed meanwhile, with the past kept, is in one of the two.
  const kept = await everything(
    (after, limit) => follows.kept(userId, after, limit),
    (item) => item.userId,
  )
  return [...new Set([userId, ...followees, ...kept.map((item) => item.userId)])]
}

/** Fewer authors than this are asked for all they have: the widening would cost more than it saves. */
const FEW_AUTHORS = 64
const DAY_MS = 86_400_000
const HORIZONS_MS = [DAY_MS, 8 * DAY_MS, 64 * DAY_MS]

/**
 * Ids of the newest posts of these authors below an id, newest first: the naive pull query. Of thousands of authors few
 * have posted lately, so it looks at the last day first, then further and further back.
 */
export async function newestOf(
  posts: PostStore,
  clock: Clock,
  authorIds: readonly string[],
  below: bigint | undefined,
  limit: number,
): Promise<bigint[]> {
  if (authorIds.length >= FEW_AUTHORS) {
    const from = below === undefined ? clock.now() : Math.min(clock.now(), decomposeId(below).timestampMs)
    for (const horizon of HORIZONS_MS) {
      if (from - horizon <= ID_EPOCH_MS) break
      const found = await posts.idsByAuthors(authorIds, below, limit, firstIdAt(from - horizon))
      if (found.length >= limit) return found
    }
  }
  return posts.idsByAuthors(authorIds, below, limit)
}
