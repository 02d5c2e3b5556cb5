import { type Clock, systemClock } from '../../src/core/clock.ts'
import { createIdMaker } from '../../src/core/ids.ts'
import { openFollowStore } from '../../src/engines/postgres/follow-store.ts'
import { openPostStore } from '../../src/engines/postgres/post-store.ts'
import { openSqlQueue } from '../../src/engines/postgres/queue.ts'
import { openTimelineStore } from '../../src/engines/postgres/timeline-store.ts'
import { openUserStore } from '../../src/engines/postgres/user-store.ts'
import type { Message, OutgoingMessage, Queue } from '../../src/queue/port.ts'
import type { SocialDeps } from '../../src/social/deps.ts'
import type { FollowStore, PostStore, TimelineStore } from '../../src/social/ports.ts'
import { createSocial, type Social, type SocialOptions } from '../../src/social/social.ts'
import type { SqlEngineUnderTest, TestDatabase } from './sql.ts'

/** A queue that holds its messages until the test hands them out, once or several times, in any order. */
export interface HandQueue extends Queue {
  readonly waiting: OutgoingMessage[]
  /** Publishing fails until told otherwise. */
  failing: boolean
  /** Hands everything that waits, and what comes of it, to the handler; answers how many messages. */
  drain(handler: (message: Pick<Message, 'payload'>) => Promise<void>): Promise<number>
}

export function createHandQueue(): HandQueue {
  const queue: HandQueue = {
    waiting: [],
    failing: false,
    async publish(messages) {
      if (queue.failing) throw new Error('the broker is away')
      queue.waiting.push(...messages)
    },
    async drain(handler) {
      let handled = 0
      for (let message = queue.waiting.shift(); message !== undefined; message = queue.waiting.shift()) {
        await handler(message)
        handled += 1
      }
      return handled
    },
    consume: () => ({ close: async () => undefined }),
    deadLetters: async () => [],
    redrive: async () => 0,
    depths: async () => [],
    close: async () => undefined,
  }
  return queue
}

export interface SocialUnderTest {
  readonly social: Social
  readonly deps: SocialDeps
  readonly database: TestDatabase
  /** Users of these ids, with handles of the same text. */
  people(...ids: string[]): Promise<void>
  /** Users as `people` makes them, whose timelines are ready, as those of users who read. */
  readers(...ids: string[]): Promise<void>
  close(): Promise<void>
}

export interface SocialTestOptions extends Omit<SocialOptions, 'timelineEntries'> {
  /** Entries of a timeline; each append cuts, so that the window is at its smallest all the time. */
  readonly window?: number
  /** The timelines of the engine unless given. */
  readonly timelines?: TimelineStore
  /** The follows of the engine unless given. */
  readonly follows?: FollowStore
  /** The posts of the engine unless given. */
  readonly posts?: PostStore
  readonly clock?: Clock
  /** The queue of the engine unless given. */
  readonly queue?: Queue
}

export const windowOf = (window: number | undefined) =>
  window === undefined ? {} : { entriesMax: window, entriesKept: window, trimOneIn: 1 }

export async function openSocial(
  engine: SqlEngineUnderTest,
  options: SocialTestOptions = {},
): Promise<SocialUnderTest> {
  const database = await engine.create()
  const { window } = options
  const { sql, context } = database
  const clock = options.clock ?? systemClock
  const deps: SocialDeps = {
    ...context,
    clock,
    ids: createIdMaker({ node: 1, clock }),
    users: await openUserStore(sql, context),
    follows: options.follows ?? (await openFollowStore(sql, context)),
    posts: options.posts ?? (await openPostStore(sql, context)),
    timelines: options.timelines ?? (await openTimelineStore(sql, context, windowOf(options.window))),
    queue: options.queue ?? (await openSqlQueue(sql, context, { pollMs: 20 })),
  }
  const social = createSocial(deps, { ...options, ...(window === undefined ? {} : { timelineEntries: window }) })
  const people = async (...ids: string[]) => {
    for (const id of ids) await social.createUser({ user_id: id, handle: id.replaceAll('-', '_'), name: id })
  }
  return {
    social,
    deps,
    database,
    people,
    async readers(...ids) {
      await people(...ids)
      for (const userId of ids) await social.rebuildTimelines({ userId })
    },
    async close() {
      await social.close()
      await deps.queue.close()
      await database.drop()
    },
  }
}
