import { createHash } from 'node:crypto'
import { LIMITS } from '../core/limits.ts'
import type { SocialDeps } from './deps.ts'
import { type BadLine, createBadLines, type LineSource, lineBatches, type OnImportProgress } from './import-source.ts'
import type { Edge, StoredUser } from './ports.ts'
import type { Backfill } from './timelines/backfill.ts'

export interface ImportFollowsOptions {
  readonly onProgress?: OnImportProgress
  readonly signal?: AbortSignal
}

export interface ImportFollowsReport {
  readonly lines: number
  readonly follows_added: number
  /** Edges that were there before, or stood twice in the source. */
  readonly follows_present: number
  readonly users_added: number
  readonly bad_lines: number
  /** The first of them. */
  readonly bad: readonly BadLine[]
}

const LINES_AT_ONCE = 4_000
const USER_ID = new RegExp(`^[A-Za-z0-9_.:-]{1,${LIMITS.externalIdCharsMax}}$`)

/** An edge, a reason why the line is none, or nothing for an empty line or a comment (`#`). */
function parseLine(text: string): Edge | string | undefined {
  const line = text.trim()
  if (line === '' || line.startsWith('#')) return undefined
  const [followerId, followeeId, ...rest] = line.split(/[\s,;]+/)
  if (followerId === undefined || followeeId === undefined || rest.length > 0) return 'is not two user ids'
  if (!USER_ID.test(followerId) || !USER_ID.test(followeeId)) return 'holds something that cannot be a user id'
  if (followerId === followeeId) return 'follows himself'
  return { followerId, followeeId }
}

/** A handle for a user of whom only the id is known. */
function handleFor(userId: string, plain: boolean): string {
  const handle = `user_${userId}`
  if (plain && handle.length <= LIMITS.handleCharsMax && /^\w+$/.test(handle)) return handle
  return `user_${createHash('sha256').update(userId).digest('hex').slice(0, 20)}`
}

/**
 * Adds the edges of lines `follower followee` (separated by blanks, a comma or a semicolon). The limit on follows of
 * one user is not applied: an import is trusted.
 */
export async function importFollows(
  deps: SocialDeps,
  backfill: Backfill,
  source: LineSource,
  options: ImportFollowsOptions,
): Promise<ImportFollowsReport> {
  const { users, follows, clock } = deps
  const bad = createBadLines()
  const known = new Set<string>()
  let lines = 0
  let added = 0
  let present = 0
  let usersAdded = 0

  async function addMissing(userIds: readonly string[]): Promise<void> {
    const createdAt = new Date(clock.now())
    // A second try for the few whose handle somebody else has.
    for (const plain of [true, false]) {
      const unknown = userIds.filter((id) => !known.has(id))
      if (unknown.length === 0) return
      for (const user of await users.find(unknown)) known.add(user.userId)
      const missing = unknown.filter((id) => !known.has(id))
      const drafts = missing.map(
        (id): StoredUser => ({ userId: id, handle: handleFor(id, plain), name: id, createdAt }),
      )
      const created = await users.insertMany(drafts)
      usersAdded += created.length
      for (const id of created) known.add(id)
    }
  }

  for await (const batch of lineBatches(source, LINES_AT_ONCE, options.onProgress)) {
    options.signal?.throwIfAborted()
    lines += batch.length
    const parsed: (Edge & { line: number })[] = []
    for (const { number, text } of batch) {
      const edge = parseLine(text)
      if (typeof edge === 'string') bad.add(number, edge)
      else if (edge !== undefined) parsed.push({ ...edge, line: number })
    }
    await addMissing([...new Set(parsed.flatMap((edge) => [edge.followerId, edge.followeeId]))].sort())
    const edges = parsed.filter(({ followerId, followeeId, line }) => {
      const whole = known.has(followerId) && known.has(followeeId)
      if (!whole) bad.add(line, 'names a user who is being erased')
      return whole
    })
    const fresh = await follows.followMany(edges, new Date(clock.now()))
    await backfill.many(fresh)
    added += fresh.length
    present += edges.length - fresh.length
  }
  return {
    lines,
    follows_added: added,
    follows_present: present,
    users_added: usersAdded,
    bad_lines: bad.count,
    bad: bad.listed,
  }
}
