import type { SocialStores } from './deps.ts'
import { allFollowees, createHomeReader } from './home-timeline.ts'
import { belongsHome, STRANGERS } from './policy.ts'
import type { PostProblem } from './ports.ts'

export interface VerifyOptions {
  /** Only these users' timelines. */
  readonly userIds?: readonly string[]
  /** Only about this share of all timelines, from above 0 to 1. */
  readonly sample?: number
  /** Timelines looked at so far. */
  readonly onProgress?: (timelines: number) => void
  readonly signal?: AbortSignal
}

export type TimelineFindingKind =
  /** Due and not shown to the reader. */
  | 'missing'
  /** Shown and not due. */
  | 'extra'
  /** Shown twice. */
  | 'duplicate'
  /** Shown in the wrong place. */
  | 'misplaced'
  /** Due, hidden from the reader just now (muted, blocked), and not stored: it would be missing later. */
  | 'not_stored'

export interface TimelineFinding {
  readonly kind: TimelineFindingKind
  readonly user_id: string
  readonly post_id: string
}

export interface CountFinding {
  readonly kind: PostProblem['what']
  readonly post_id: string
  readonly stored: number
  readonly actual: number
}

export interface SocialReport {
  readonly ok: boolean
  readonly timelines: number
  /** Entries that the readers saw. */
  readonly entries: number
  readonly posts: number
  readonly missing: number
  readonly extra: number
  readonly duplicate: number
  readonly misplaced: number
  readonly not_stored: number
  readonly wrong_counts: number
  /** Entries not there yet because the fan-out of their post is under way. */
  readonly pending: number
  /** The first of what was found. */
  readonly findings: readonly (TimelineFinding | CountFinding)[]
}

const USERS_AT_ONCE = 500
const IDS_AT_ONCE = 5_000
const POSTS_AT_ONCE = 1_000
const FINDINGS_LISTED = 1_000
const CACHED_IDS_MAX = 2_000_000

/**
 * Compares what readers see, walking each timeline to its end, with the naive pull query: every post of everybody
 * followed. What differs is looked at once more, with fresh eyes, so that writes going on meanwhile are no findings.
 */
export async function verifySocial(stores: SocialStores, options: VerifyOptions): Promise<SocialReport> {
  const findings: (TimelineFinding | CountFinding)[] = []
  const totals = { missing: 0, extra: 0, duplicate: 0, misplaced: 0, not_stored: 0 }
  const authors = createAuthorCache(stores)
  let timelines = 0
  let entries = 0
  let pending = 0

  for await (const userId of usersToVerify(stores, options)) {
    options.signal?.throwIfAborted()
    let looked = await lookAt(stores, authors, userId)
    if (looked.findings.length > 0) {
      authors.forget()
      looked = await lookAt(stores, authors, userId)
    }
    const late = new Set(await stores.posts.ledger.pending(looked.findings.map((finding) => BigInt(finding.post_id))))
    for (const finding of looked.findings) {
      const absent = finding.kind === 'missing' || finding.kind === 'not_stored'
      if (absent && late.has(BigInt(finding.post_id))) {
        pending += 1
        continue
      }
      totals[finding.kind] += 1
      if (findings.length < FINDINGS_LISTED) findings.push(finding)
    }
    timelines += 1
    entries += looked.entries
    options.onProgress?.(timelines)
  }

  const counts = await auditCounts(stores, options.signal)
  findings.push(...counts.findings.slice(0, FINDINGS_LISTED - findings.length))
  const wrong = counts.findings.length
  const ok = wrong === 0 && Object.values(totals).every((total) => total === 0)
  return { ok, timelines, entries, posts: counts.posts, ...totals, wrong_counts: wrong, pending, findings }
}

async function* usersToVerify({ users }: SocialStores, options: VerifyOptions): AsyncGenerator<string> {
  if (options.userIds !== undefined) {
    yield* options.userIds
    return
  }
  const share = options.sample ?? 1
  for (let after: string | undefined; ; ) {
    const userIds = await users.ids(after, USERS_AT_ONCE)
    for (const userId of userIds) if (share >= 1 || Math.random() < share) yield userId
    after = userIds.at(-1)
    if (userIds.length < USERS_AT_ONCE) return
  }
}

interface AuthorCache {
  /** Ids of all posts of an author. */
  idsOf(authorId: string): Promise<readonly bigint[]>
  forget(): void
}

/** Popular authors stand in thousands of timelines; their posts are read once. */
function createAuthorCache({ posts }: SocialStores): AuthorCache {
  let cache = new Map<string, readonly bigint[]>()
  let cached = 0
  const forget = () => {
    cache = new Map()
    cached = 0
  }
  return {
    forget,
    async idsOf(authorId) {
      const known = cache.get(authorId)
      if (known !== undefined) return known
      const ids: bigint[] = []
      for (;;) {
        const page = await posts.idsByAuthors([authorId], ids.at(-1), IDS_AT_ONCE)
        ids.push(...page)
        if (page.length < IDS_AT_ONCE) break
      }
      if (cached > CACHED_IDS_MAX) forget()
      cache.set(authorId, ids)
      cached += ids.length
      return ids
    },
  }
}

async function lookAt(stores: SocialStores, authors: AuthorCache, userId: string) {
  const { follows, timelines } = stores
  const shown = await walk(stores, userId)
  const followees = await allFollowees(follows, userId)
  const relations = await follows.relations(userId, followees)
  const due = new Set<bigint>()
  const hidden = new Set<bigint>()
  for (const authorId of [userId, ...followees]) {
    const visible = belongsHome({ userId: authorId }, userId, relations.get(authorId) ?? STRANGERS)
    for (const id of await authors.idsOf(authorId)) (visible ? due : hidden).add(id)
  }

  const findings: TimelineFinding[] = []
  const found = (kind: TimelineFindingKind, id: bigint) =>
    findings.push({ kind, user_id: userId, post_id: id.toString() })
  const seen = new Set<bigint>()
  let last: bigint | undefined
  for (const id of shown) {
    if (seen.has(id)) found('duplicate', id)
    else if (!due.has(id)) found('extra', id)
    else if (last !== undefined && id > last) found('misplaced', id)
    seen.add(id)
    last = id
  }
  for (const id of due) if (!seen.has(id)) found('missing', id)
  if (hidden.size > 0) {
    const { ids: stored, floor } = await storedEntries(timelines, userId)
    for (const id of hidden) if (id > floor && !stored.has(id)) found('not_stored', id)
  }
  return { findings, entries: shown.length }
}

/** What a reader sees who walks all pages. */
async function walk(stores: SocialStores, userId: string): Promise<bigint[]> {
  const home = createHomeReader(stores)
  const shown: bigint[] = []
  for (;;) {
    const page = await home.read(userId, shown.at(-1), POSTS_AT_ONCE)
    shown.push(...page.map((post) => post.postId))
    if (page.length < POSTS_AT_ONCE) return shown
  }
}

async function storedEntries(timelines: SocialStores['timelines'], userId: string) {
  const ids = new Set<bigint>()
  for (let below: bigint | undefined; ; ) {
    const { postIds, floor } = await timelines.read(userId, below, IDS_AT_ONCE)
    for (const id of postIds) ids.add(id)
    below = postIds.at(-1)
    if (postIds.length < IDS_AT_ONCE) return { ids, floor }
  }
}

async function auditCounts({ posts }: SocialStores, signal: AbortSignal | undefined) {
  const findings: CountFinding[] = []
  let checked = 0
  for (let after: bigint | undefined; ; ) {
    signal?.throwIfAborted()
    const page = await posts.audit(after, POSTS_AT_ONCE)
    checked += page.checked
    for (const { postId, what, stored, actual } of page.problems) {
      findings.push({ kind: what, post_id: postId.toString(), stored, actual })
    }
    if (page.last === undefined) return { posts: checked, findings }
    after = page.last
  }
}
