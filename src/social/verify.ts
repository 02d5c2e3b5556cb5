import type { Clock } from '../core/clock.ts'
import type { SocialStores } from './deps.ts'
import { belongsHome, isRepost, mayShowRoot, STRANGERS } from './policy.ts'
import type { PostProblem, StoredPost } from './ports.ts'
import { relationsTo } from './reposts.ts'
import { createHomeReader, type HomeReader, isRepeated, type Place, placeBehind, TOP } from './timelines/home.ts'
import { createOutboxes } from './timelines/outboxes.ts'
import { authorsOf } from './timelines/sources.ts'

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
const TIMELINES_AT_ONCE = 8
const IDS_AT_ONCE = 1_000
const POSTS_AT_ONCE = 1_000
const FINDINGS_LISTED = 1_000
const CACHED_POSTS_MAX = 500_000

/**
 * Compares what readers see, walking each timeline to its end, with the naive pull query: every post of everybody
 * followed. What differs is looked at once more, with fresh eyes, so that writes going on meanwhile are no findings.
 */
export async function verifySocial(stores: SocialStores, clock: Clock, options: VerifyOptions): Promise<SocialReport> {
  const findings: (TimelineFinding | CountFinding)[] = []
  const totals = { missing: 0, extra: 0, duplicate: 0, misplaced: 0, not_stored: 0 }
  // Each reader begins with nothing in memory.
  const newReader = () => createHomeReader(stores, createOutboxes(stores, clock), clock, { visit: false })
  let home = newReader()
  const authors = createAuthorCache(stores)
  let timelines = 0
  let entries = 0
  let pending = 0

  async function verify(userId: string): Promise<void> {
    options.signal?.throwIfAborted()
    let looked = await lookAt(stores, home, authors, userId)
    if (looked.findings.length > 0) {
      authors.forget()
      home = newReader()
      looked = await lookAt(stores, home, authors, userId)
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

  const userIds = usersToVerify(stores, options)
  const verifier = async () => {
    for await (const userId of userIds) await verify(userId)
  }
  await all(Array.from({ length: TIMELINES_AT_ONCE }, verifier))

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

/** When one fails the error is thrown once the others have ended, too. */
async function all(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work)
  await Promise.all(work)
}

interface AuthorCache {
  /** All posts of these authors. */
  postsOf(authorIds: readonly string[]): Promise<StoredPost[]>
  forget(): void
}

/** Popular authors stand in thousands of timelines; their posts are read once. */
function createAuthorCache({ posts }: SocialStores): AuthorCache {
  let cache = new Map<string, Promise<readonly StoredPost[]>>()
  let cached = 0
  const forget = () => {
    cache = new Map()
    cached = 0
  }

  async function readAll(authorIds: readonly string[]): Promise<Map<string, StoredPost[]>> {
    const byAuthor = new Map<string, StoredPost[]>(authorIds.map((authorId) => [authorId, []]))
    for (let below: bigint | undefined; ; ) {
      const ids = await posts.idsByAuthors(authorIds, below, IDS_AT_ONCE)
      for (const post of await posts.find(ids)) byAuthor.get(post.userId)!.push(post)
      cached += ids.length
      below = ids.at(-1)
      if (ids.length < IDS_AT_ONCE) return byAuthor
    }
  }

  return {
    forget,
    async postsOf(authorIds) {
      if (cached > CACHED_POSTS_MAX) forget()
      const known = cache
      const unknown = authorIds.filter((authorId) => !known.has(authorId))
      if (unknown.length > 0) {
        const reading = readAll(unknown)
        for (const authorId of unknown) {
          const theirs = reading.then((byAuthor) => byAuthor.get(authorId)!)
          // A failure is told where it is waited for.
          theirs.catch(() => known.delete(authorId))
          known.set(authorId, theirs)
        }
      }
      return (await Promise.all(authorIds.map((authorId) => known.get(authorId)!))).flat()
    },
  }
}

/** What should be in a timeline: what a walk shows, in its order, and what is hidden from it just now. */
async function dueIn(stores: SocialStores, authors: AuthorCache, userId: string) {
  const { follows, posts } = stores
  const authorIds = await authorsOf(follows, userId)
  const written = await authors.postsOf(authorIds)
  const rootIds = new Set(written.flatMap((post) => post.repostOf ?? []))
  const roots = new Map<bigint, StoredPost>()
  for (const slice of slices([...rootIds], IDS_AT_ONCE)) {
    for (const root of await posts.find(slice)) roots.set(root.postId, root)
  }
  const relations = await relationsTo(follows, userId, [...written, ...roots.values()])
  const relationTo = (authorId: string) => relations.get(authorId) ?? STRANGERS
  const isShown = (post: StoredPost) => {
    if (!belongsHome(post, userId, relationTo(post.userId))) return false
    if (!isRepost(post)) return true
    const root = roots.get(post.repostOf!)
    return root !== undefined && mayShowRoot(root, userId, relationTo(root.userId))
  }

  const due = new Set<bigint>()
  const hidden: StoredPost[] = []
  let place: Place = TOP
  for (const post of written.sort((a, b) => (a.postId < b.postId ? 1 : -1))) {
    if (!isShown(post)) {
      // Hidden, but delivered: of somebody followed.
      if (relationTo(post.userId).follows) hidden.push(post)
    } else if (!isRepeated(post, place)) {
      due.add(post.postId)
      place = placeBehind(post, place)
    }
  }
  return { due, hidden }
}

async function lookAt(stores: SocialStores, home: HomeReader, authors: AuthorCache, userId: string) {
  const shown = await walk(home, userId)
  const { due, hidden } = await dueIn(stores, authors, userId)
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
  const pushed = hidden.filter((post) => post.mode === 'push')
  if (pushed.length > 0) {
    const stored = await storedEntries(stores.timelines, userId)
    if (stored !== undefined) {
      for (const { postId } of pushed) {
        if (postId > stored.floor && !stored.ids.has(postId)) found('not_stored', postId)
      }
    }
  }
  return { findings, entries: shown.length }
}

/** What a reader sees who walks all pages. */
async function walk(home: HomeReader, userId: string): Promise<bigint[]> {
  const shown: bigint[] = []
  for (let place: Place | undefined = TOP; place !== undefined; ) {
    const page = await home.read(userId, place, POSTS_AT_ONCE)
    shown.push(...page.posts.map((post) => post.postId))
    place = page.next
  }
  return shown
}

/** The entries of a timeline that is ready. */
async function storedEntries(timelines: SocialStores['timelines'], userId: string) {
  const ids = new Set<bigint>()
  for (let below: bigint | undefined; ; ) {
    const slice = await timelines.read(userId, below, IDS_AT_ONCE, { visit: false })
    if (slice === undefined) return undefined
    for (const id of slice.postIds) ids.add(id)
    below = slice.postIds.at(-1)
    if (slice.postIds.length < IDS_AT_ONCE) return { ids, floor: slice.floor }
  }
}

function* slices<Item>(items: readonly Item[], size: number): Generator<Item[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size)
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
