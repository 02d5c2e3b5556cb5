import { LIMITS } from '../core/limits.ts'

/** How far a read model was at a moment. */
export interface Progress {
  readonly atMs: number
  readonly lag: number
  /** Changes with everything that is folded. */
  readonly position: string
}

/** Whether a read model that is behind gets anywhere. */
export type Pace = 'fine' | 'stuck' | 'growing'

/**
 * Compares what is seen of one read model with what was seen {@link LIMITS.systemFoldMs} and more before: `stuck` when it
 * was behind then and has folded nothing since; `growing` when it is behind by many, and was never by fewer in between.
 * `restMs`: how long it may rest on purpose.
 */
export function createLagWatch(restMs = 0): (seen: Progress) => Pace {
  let earlier: Progress[] = []
  return (seen) => {
    const base = earlier.findLastIndex(({ atMs }) => atMs <= seen.atMs - LIMITS.systemFoldMs - 2 * restMs)
    const window = base === -1 ? undefined : earlier.slice(base)
    earlier = [...(window ?? earlier), seen]
    const [first] = window ?? []
    if (window === undefined || first === undefined || seen.lag === 0 || first.lag === 0) return 'fine'
    if (seen.position === first.position) return 'stuck'
    const isBehind = seen.lag >= LIMITS.systemLagEvents
    return isBehind && [...window, seen].every(({ lag }) => lag >= first.lag) ? 'growing' : 'fine'
  }
}
