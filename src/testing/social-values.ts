import type { NewPost, PostProblem, PostStore, StoredComment, StoredUser } from '../social/ports.ts'

/** The moment at which the suites of the social stores take place. */
export const NOON = new Date('2026-01-31T12:00:00.000Z')
export const later = (ms: number) => new Date(NOON.getTime() + ms)

export const aUser = (userId: string, more: Partial<StoredUser> = {}): StoredUser => ({
  userId,
  handle: userId,
  name: `Name of ${userId}`,
  createdAt: NOON,
  ...more,
})

export const aPost = (postId: bigint, userId: string, more: Partial<NewPost> = {}): NewPost => ({
  postId,
  userId,
  content: { text: `post ${postId}` },
  visibility: 'public',
  mode: 'push',
  timestamp: NOON,
  sweepAt: NOON,
  ...more,
})

export const aComment = (commentId: bigint, postId: bigint, userId: string): StoredComment => ({
  commentId,
  postId,
  userId,
  text: `comment ${commentId}`,
  timestamp: NOON,
})

export const fingerprint = (byte: number) => new Uint8Array(32).fill(byte)

/** Drivers hand out bytes as one subclass of Uint8Array or another; this makes outcomes comparable. */
export function withPlainBytes<Outcome extends object>(outcome: Outcome | undefined): object | undefined {
  if (outcome === undefined || !('fingerprint' in outcome)) return outcome
  return { ...outcome, fingerprint: Uint8Array.from(outcome.fingerprint as Uint8Array) }
}

/** Everything that an audit finds, read in pages. */
export async function auditAll(posts: PostStore, pageSize: number): Promise<PostProblem[]> {
  const problems: PostProblem[] = []
  for (let after: bigint | undefined; ; ) {
    const page = await posts.audit(after, pageSize)
    problems.push(...page.problems)
    if (page.last === undefined) return problems
    after = page.last
  }
}

/** What a suite asks for: a store over an empty database, and how to let go of it. */
export interface StoreHarness<Store> {
  readonly store: Store
  close(): Promise<void>
}
