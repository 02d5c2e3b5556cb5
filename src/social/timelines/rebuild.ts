import type { SocialDeps } from '../deps.ts'
import { userIdOf } from '../documents.ts'
import type { Users } from '../users.ts'
import type { TimelineBuilder } from './builder.ts'

export interface RebuildTimelinesOptions {
  /** Only this user's. */
  readonly userId?: string
  /** Timelines built so far. */
  readonly onProgress?: (timelines: number) => void
  readonly signal?: AbortSignal
}

const USERS_AT_ONCE = 500

/** Those that nobody has, nobody reads: they are built when somebody does. */
export async function rebuildTimelines(
  deps: SocialDeps,
  users: Users,
  builder: TimelineBuilder,
  options: RebuildTimelinesOptions,
): Promise<number> {
  if (options.userId !== undefined) {
    await users.require(userIdOf(options.userId))
    await builder.rebuild(options.userId)
    return 1
  }
  let built = 0
  for (let after: string | undefined; ; ) {
    const userIds = await deps.users.ids(after, USERS_AT_ONCE)
    for (const userId of (await deps.timelines.marks(userIds)).keys()) {
      options.signal?.throwIfAborted()
      await builder.rebuild(userId)
      built += 1
      options.onProgress?.(built)
    }
    after = userIds.at(-1)
    if (userIds.length < USERS_AT_ONCE) return built
  }
}
