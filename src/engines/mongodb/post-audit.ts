import type { Collection } from 'mongodb'
import type { PostProblem, PostStore } from '../../social/ports.ts'
import type { Counting } from './counting.ts'
import { ALIVE, type Collections, type PostDoc, THERE } from './schema.ts'

const KINDS = [
  { kind: 'like', letter: 'l', count: 'like_count', post: 'post_id' },
  { kind: 'comment', letter: 'c', count: 'comment_count', post: 'post_id' },
  { kind: 'repost', letter: 'r', count: 'repost_count', post: 'repost_of' },
] as const

/** Looks at a post that seems wrong; one that changes all the time is left to the next audit. */
const LOOKS_MAX = 500

interface Tally {
  total: number
  readonly days: Map<string, number>
}

type Tallies = ReadonlyMap<string, Tally>

const FIELDS = {
  ...{ user_id: 1, like_count: 1, comment_count: 1, repost_count: 1, days: 1, revision: 1 },
  ...{ 'fan.done_at': 1, 'fan.done_chunks': 1, 'fan.planned_chunks': 1 },
}

/** What a post says of its rows, to see that it did not change while they were counted. */
const stateOf = ({ like_count, comment_count, repost_count, revision }: PostDoc) =>
  [like_count, comment_count, repost_count, revision ?? 0].join(' ')

export function openPostAudit({ posts, likes, comments }: Collections, counting: Counting): Pick<PostStore, 'audit'> {
  const rowsOf = { like: [likes, THERE], comment: [comments, THERE], repost: [posts, ALIVE] } as const

  /** Rows that there are, by post and kind. */
  async function tally(postIds: readonly bigint[]): Promise<Tallies> {
    const tallies = new Map<string, Tally>()
    await Promise.all(
      KINDS.map(async ({ kind, letter, post }) => {
        const [rows, there] = rowsOf[kind]
        const groups = (rows as unknown as Collection).aggregate([
          { $match: { [post]: { $in: [...postIds] }, ...there } },
          { $group: { _id: { post: `$${post}`, day: '$day', own: '$own' }, n: { $sum: 1 } } },
        ])
        for (const { _id, n } of await groups.toArray()) {
          const name = `${_id.post} ${kind}`
          const known = tallies.get(name) ?? { total: 0, days: new Map<string, number>() }
          tallies.set(name, known)
          known.total += Number(n)
          if (!_id.own) known.days.set(`${letter}${_id.day}`, Number(n))
        }
      }),
    )
    return tallies
  }

  function problemsOf(post: PostDoc, tallies: Tallies): PostProblem[] {
    const problems: PostProblem[] = []
    const compare = (what: PostProblem['what'], stored: number, actual: number) => {
      if (stored !== actual) problems.push({ postId: post._id, what, stored, actual })
    }
    for (const { kind, count } of KINDS)
      compare(count, Number(post[count]), tallies.get(`${post._id} ${kind}`)?.total ?? 0)
    const { fan } = post
    if (fan === undefined || fan.done_at !== undefined)
      compare('ledger', fan?.done_chunks ?? -1, fan?.planned_chunks ?? 0)
    for (const { kind, letter } of KINDS) {
      const rows = tallies.get(`${post._id} ${kind}`)?.days ?? new Map<string, number>()
      const told = Object.keys(post.days ?? {}).filter((name) => name.startsWith(letter))
      let [stored, actual, differs] = [0, 0, false]
      for (const name of new Set([...told, ...rows.keys()])) {
        const [says, is] = [Number(post.days?.[name]?.n ?? 0), rows.get(name) ?? 0]
        if (says === is) continue
        differs = true
        stored += says
        actual += is
      }
      if (differs) problems.push({ postId: post._id, what: `${kind}_notices`, stored, actual })
    }
    return problems
  }

  const read = (postIds: readonly bigint[]) =>
    posts
      .find({ _id: { $in: [...postIds] }, ...ALIVE }, { projection: FIELDS })
      .sort({ _id: 1 })
      .toArray()

  /** A consistent view of each post: it and its rows with nothing under way, and the same before and after. */
  async function check(docs: readonly PostDoc[]): Promise<PostProblem[]> {
    const problems: PostProblem[] = []
    let left = docs
    for (let look = 1; left.length > 0 && look <= LOOKS_MAX; look++) {
      const tallies = await tally(left.map((post) => post._id))
      const wrong = left
        .map((post) => ({ post, found: problemsOf(post, tallies) }))
        .filter(({ found }) => found.length > 0)
      if (wrong.length === 0) break
      const ids = wrong.map(({ post }) => post._id)
      const now = new Map((await read(ids)).map((post) => [post._id, post]))
      const open = await counting.underWay(ids)
      left = []
      for (const { post, found } of wrong) {
        const after = now.get(post._id)
        if (after === undefined) continue
        if (!open.has(post._id) && stateOf(post) === stateOf(after)) problems.push(...found)
        else left = [...left, after]
      }
      // Waits for what is under way on one of them, or completes what a dead process left.
      const [held] = open
      if (held !== undefined) await counting.waitFor(...held, look)
    }
    return problems.sort((a, b) => (a.postId < b.postId ? -1 : a.postId > b.postId ? 1 : 0))
  }

  return {
    async audit(after, limit) {
      const query = { _id: { $gt: after ?? -1n }, ...ALIVE }
      const page = await posts.find(query, { projection: FIELDS }).sort({ _id: 1 }).limit(limit).toArray()
      const problems = await check(page)
      return { checked: page.length, last: page.length < limit ? undefined : page.at(-1)?._id, problems }
    },
  }
}
