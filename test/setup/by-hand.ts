import { type FakeClock, fakeClock } from '../../src/core/clock.ts'
import { createFanout } from '../../src/social/fanout/fanout.ts'
import type { Post } from '../../src/social/schemas.ts'
import type { Social } from '../../src/social/social.ts'
import { openRedisTimelines, redisServers } from './redis.ts'
import {
  createHandQueue,
  type HandQueue,
  openSocial,
  type SocialTestOptions,
  type SocialUnderTest,
  windowOf,
} from './social.ts'
import { sqlEngines } from './sql.ts'

/** The social model on an embedded database, at a time that stands still, whose fan-out moves when it is told to. */
export interface ByHand {
  readonly under: SocialUnderTest
  readonly social: Social
  readonly clock: FakeClock
  readonly queue: HandQueue
  /** Handles everything that waits in the queue. */
  work(): Promise<void>
  /** Publishes, a millisecond later than what was published before; answers the id. */
  say(author: string, text?: string, visibility?: Post['visibility']): Promise<string>
  /** All ids of a walk in pages; throws when a page is short and not the last. */
  walk(userId: string, limit?: number, order?: 'newest' | 'ranked'): Promise<string[]>
  close(): Promise<void>
}

export interface TimelinePlace {
  readonly name: string
  open(options?: SocialTestOptions): Promise<ByHand>
}

async function openByHand(options: SocialTestOptions, closeStore: () => Promise<void>): Promise<ByHand> {
  const clock = fakeClock(Date.UTC(2026, 0, 31))
  const queue = createHandQueue()
  const under = await openSocial(sqlEngines()[0]!, { clock, queue, ...options })
  const { social } = under
  const fanout = createFanout(under.deps, options)
  return {
    ...{ under, social, clock, queue },
    async work() {
      await queue.drain(fanout.handle)
    },
    async say(author, text = 'x', visibility = 'public') {
      await clock.advance(1)
      return (await social.publish({ user_id: author, content: { text }, visibility })).post_id
    },
    async walk(userId, limit = 3, order = 'newest') {
      const ids: string[] = []
      for (let cursor: string | undefined; ; ) {
        const page = await social.timeline(userId, { limit, cursor, order })
        ids.push(...page.items.map((post) => post.post_id))
        if (page.next_cursor === undefined) return ids
        if (page.items.length < limit) throw new Error('a page is short and not the last')
        cursor = page.next_cursor
      }
    },
    async close() {
      await under.close()
      await closeStore()
    },
  }
}

/** Timelines in the embedded database, and on each Redis that answers. */
export function timelinePlaces(): TimelinePlace[] {
  return [
    { name: 'pglite', open: (options = {}) => openByHand(options, async () => undefined) },
    ...redisServers().map(({ name, url }) => ({
      name,
      async open(options: SocialTestOptions = {}) {
        const redis = await openRedisTimelines(url, windowOf(options.window))
        return openByHand({ ...options, timelines: redis.store }, redis.close)
      },
    })),
  ]
}
