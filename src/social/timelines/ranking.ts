import { LIMITS } from '../../core/limits.ts'
import type { ShownPost } from '../documents.ts'
import { type HomeReader, type Place, TOP } from './home.ts'

/**
 * Reorders candidates for a reader. It is given up to {@link LIMITS.rankCandidates} posts that follow each other in time
 * and have not been shown in this walk, and answers those of them to show, best first; what it leaves out is not shown.
 * It is called for each page, so it should be fast, and give the same order for the same input.
 */
export type RankTimeline<Candidate> = (
  candidates: readonly Candidate[],
  reader: { readonly viewer: string },
) => readonly Candidate[] | Promise<readonly Candidate[]>

/** Where a ranked walk stands: in which block of candidates, and what of it was shown. */
export interface RankedPlace {
  readonly block: Place
  /** Short names of the posts that were shown; see {@link shortName}. */
  readonly shown: readonly string[]
}

const SHORT = 36n ** 6n
/** Six characters of an id: of the few hundred posts near one place hardly ever two have the same. */
export const shortName = (id: bigint) => (id % SHORT).toString(36)

/** Pages in the order of a ranking function: block after block of candidates, each ranked as a whole. */
export function createRankedReader(home: HomeReader, rank: RankTimeline<ShownPost>) {
  return {
    /** The next `limit` posts behind a place; fewer only at the end. */
    async read(userId: string, from: RankedPlace | undefined, limit: number) {
      const posts: ShownPost[] = []
      let place: RankedPlace = from ?? { block: TOP, shown: [] }
      let mark: string | undefined
      for (;;) {
        const block = await home.read(userId, place.block, LIMITS.rankCandidates)
        if (from === undefined) mark ??= block.mark
        const shown = new Set(place.shown)
        const left = block.posts.filter((post) => !shown.has(shortName(post.postId)))
        const ranked = left.length === 0 ? [] : await rank(left, { viewer: userId })
        const chosen = ranked.slice(0, limit - posts.length)
        posts.push(...chosen)
        if (chosen.length < ranked.length) {
          // Posts that arrive from now on stay out of this block.
          const newest = block.posts[0]!.postId
          const below = place.block.below ?? newest + 1n
          const names = [...place.shown, ...chosen.map((post) => shortName(post.postId))]
          return { posts, mark, next: { block: { ...place.block, below }, shown: names } satisfies RankedPlace }
        }
        if (block.next === undefined) return { posts, mark, next: undefined }
        // A post that arrived late may have pushed one that was shown into the next block.
        const here = new Set(block.posts.map((post) => shortName(post.postId)))
        place = { block: block.next, shown: place.shown.filter((name) => !here.has(name)) }
        if (posts.length === limit) return { posts, mark, next: place }
      }
    },
  }
}
