import fc from 'fast-check'

export const PEOPLE = 5
/** As LIMITS.repostWindow; written here again, so that the model does not follow a change by itself. */
const REPOST_WINDOW = 20

const person = fc.nat({ max: PEOPLE - 1 })
const pick = fc.nat({ max: 1_000 })

/** What people and machines may do. */
export const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      a: person,
      closed: fc.boolean(),
      skewMs: fc.nat(4_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('repost' as const), a: person, post: pick, quote: fc.boolean() }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('follow' as const), a: person, b: person }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('unfollow' as const), a: person, b: person, keep: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('block' as const, 'unblock' as const), a: person, b: person }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('mute' as const, 'unmute' as const), a: person, b: person }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), post: pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('edit' as const), post: pick }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('like' as const, 'unlike' as const), a: person, post: pick }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('comment' as const), a: person, post: pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('erase' as const), a: person }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('read' as const), a: person }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('forget' as const), a: person }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('work' as const), messages: fc.nat({ max: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('broker' as const), failing: fc.boolean() }) },
  /** Long enough for an author to be counted anew, and so to cross the threshold between push and pull. */
  { weight: 3, arbitrary: fc.record({ do: fc.constant('minute' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
)
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

export interface ModelPost {
  readonly id: string
  readonly author: string
  readonly closed: boolean
  readonly atMs: number
  /** What it passes on. */
  readonly root: string | undefined
  /** It adds nothing of its own. */
  readonly pure: boolean
  text: string
  versions: number
  readonly likes: Set<string>
  comments: string[]
}

const newestFirst = (a: ModelPost, b: ModelPost) => (BigInt(a.id) < BigInt(b.id) ? 1 : -1)

/** The naive truth: sets of relations and a list of posts. */
export function createModel() {
  const follows = new Set<string>()
  const blocks = new Set<string>()
  const mutes = new Set<string>()
  const kept = new Map<string, number>()
  let posts: ModelPost[] = []
  const pair = (a: string, b: string) => `${a}>${b}`
  const blocked = (a: string, b: string) => blocks.has(pair(a, b)) || blocks.has(pair(b, a))
  const find = (id: string | undefined) => posts.find((post) => post.id === id)

  const mayRead = (who: string, post: ModelPost) =>
    who === post.author || (!blocked(who, post.author) && (!post.closed || follows.has(pair(who, post.author))))

  function belongsHome(who: string, post: ModelPost): boolean {
    if (who === post.author) return true
    const edge = pair(who, post.author)
    if (blocked(who, post.author) || mutes.has(edge)) return false
    return follows.has(edge) || (!post.closed && post.atMs <= (kept.get(edge) ?? 0))
  }

  function isShown(who: string, post: ModelPost): boolean {
    if (!belongsHome(who, post)) return false
    if (!post.pure) return true
    const root = find(post.root)
    return root !== undefined && mayRead(who, root) && !mutes.has(pair(who, root.author))
  }

  return {
    follows,
    blocks,
    mutes,
    pair,
    blocked,
    find,
    mayRead,
    posts: () => posts,
    add: (post: ModelPost) => void posts.push(post),
    remove: (id: string) => {
      posts = posts.filter((post) => post.id !== id)
    },
    unfollow(a: string, b: string, keptUntil: number | undefined) {
      const followed = follows.delete(pair(a, b))
      if (keptUntil === undefined) kept.delete(pair(a, b))
      else if (followed) kept.set(pair(a, b), keptUntil)
    },
    follow(a: string, b: string) {
      follows.add(pair(a, b))
      kept.delete(pair(a, b))
    },
    /** Ids, in the order of a walk. */
    home(who: string): string[] {
      const shown: string[] = []
      const reposted: (string | undefined)[] = []
      for (const post of posts.filter((one) => isShown(who, one)).sort(newestFirst)) {
        if (reposted.slice(-REPOST_WINDOW).includes(post.pure ? post.root : post.id)) continue
        shown.push(post.id)
        if (post.pure) reposted.push(post.root)
      }
      return shown
    },
    erase(who: string) {
      posts = posts.filter((post) => post.author !== who)
      for (const post of posts) {
        post.likes.delete(who)
        post.comments = post.comments.filter((author) => author !== who)
      }
      for (const set of [follows, blocks, mutes, kept]) {
        for (const name of set.keys()) if (name.split('>').includes(who)) set.delete(name)
      }
    },
    reposts: (id: string) => posts.filter((post) => post.root === id).length,
  }
}

export type Model = ReturnType<typeof createModel>
