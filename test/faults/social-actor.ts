import { systemClock } from '../../src/core/clock.ts'
import { isAppError } from '../../src/core/errors.ts'
import { createIdMaker } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { isTransient } from '../../src/core/retry.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { openFollowStore } from '../../src/engines/postgres/follow-store.ts'
import { openPostStore } from '../../src/engines/postgres/post-store.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import { openSqlQueue } from '../../src/engines/postgres/queue.ts'
import { openUserStore } from '../../src/engines/postgres/user-store.ts'
import { createEngines, portOf } from '../../src/engines/registry.ts'
import type { SocialDeps } from '../../src/social/deps.ts'
import { createSocial, type Social, type SocialOptions } from '../../src/social/social.ts'
import { seededRandom } from '../setup/random.ts'
import { tell } from '../setup/tell.ts'

export interface ActorOptions {
  readonly database: string
  readonly timelines: string
  /** 0..63, another for each process that runs at the same time. */
  readonly node: number
  readonly seed: number
  readonly people: number
  /** What it does at the same time, each in so many loops. */
  readonly loops: { readonly publish: number; readonly relate: number; readonly read: number }
  readonly workers: boolean
  readonly social: SocialOptions
}

export type ActorNews =
  | { readonly ready: true }
  /** A post was acknowledged. */
  | { readonly author: string; readonly post: string }
  /** It may be gone from now on. */
  | { readonly deleting: string }
  /** Pages were read to the end. */
  | { readonly walked: number }

/** Messages of the killed are taken over after this. */
const LEASE_MS = 2_000

export const personOf = (n: number) => `p${String(n).padStart(3, '0')}`

export interface SocialProcess {
  readonly social: Social
  readonly deps: SocialDeps
  close(): Promise<void>
}

/** The social model on PostgreSQL with its timelines on Redis, as a process of an installation has it. */
export async function openProcess(
  options: Pick<ActorOptions, 'database' | 'timelines' | 'node' | 'social'>,
): Promise<SocialProcess> {
  const metrics = createMetrics()
  const ids = createIdMaker({ node: options.node, clock: systemClock })
  const context = { logger: silentLogger, metrics, clock: systemClock, poolSize: 6, ids }
  const sql = await openPg(new URL(options.database), PROFILES.postgres, { poolSize: 6, logger: silentLogger })
  const engines = createEngines(context)
  const deps: SocialDeps = {
    ...context,
    users: await openUserStore(sql, context),
    follows: await openFollowStore(sql, context),
    posts: await openPostStore(sql, context),
    timelines: await portOf(await engines.open(options.timelines), 'timelines')(context),
    queue: await openSqlQueue(sql, context, { pollMs: 50, leaseMs: LEASE_MS }),
  }
  const social = createSocial(deps, options.social)
  return {
    social,
    deps,
    async close() {
      await social.close()
      await deps.queue.close()
      await engines.close()
      await sql.close()
    },
  }
}

/** Does as it is told until it is killed. */
export async function main(json: string): Promise<void> {
  const options = JSON.parse(json) as ActorOptions
  const random = seededRandom(options.seed)
  const { social } = await openProcess(options)
  if (options.workers) social.startWorkers({ concurrency: 4 })
  tell({ ready: true } satisfies ActorNews)
  const someone = () => personOf(random.int(options.people))
  let latest: string | undefined

  async function publish(): Promise<void> {
    const author = someone()
    const made = await social.publish({
      user_id: author,
      ...(latest !== undefined && random.int(6) === 0 ? { repost_of: latest } : { content: { text: 'x' } }),
    })
    latest = made.post_id
    tell({ author, post: made.post_id } satisfies ActorNews)
    if (random.int(20) > 0) return
    tell({ deleting: made.post_id } satisfies ActorNews)
    await social.deletePost(made.post_id)
  }

  async function relate(): Promise<void> {
    const [a, b] = [someone(), someone()]
    const what = random.int(8)
    if (what < 3) await social.follow(a, b)
    else if (what < 5) await social.unfollow(a, b, { keep_history: random.int(2) === 0 })
    else if (what === 5 && latest !== undefined) await social.like(latest, a)
    else if (what === 6 && latest !== undefined) await social.unlike(latest, a)
    else if (latest !== undefined) await social.comment(latest, { user_id: a, text: 'c' })
  }

  /** A walk never shows a post twice, nor goes up again, nor ends a page early. */
  async function read(): Promise<void> {
    const reader = someone()
    let last: bigint | undefined
    for (let cursor: string | undefined; ; ) {
      const page = await social.timeline(reader, { limit: 15, cursor })
      for (const { post_id } of page.items) {
        const id = BigInt(post_id)
        if (last !== undefined && id >= last) throw new Error(`${reader}: ${id} is shown behind ${last}`)
        last = id
      }
      if (page.next_cursor === undefined) break
      if (page.items.length !== 15) throw new Error(`${reader}: a page is short and not the last`)
      cursor = page.next_cursor
    }
    tell({ walked: 1 } satisfies ActorNews)
  }

  async function loop(work: () => Promise<void>): Promise<never> {
    for (;;) {
      try {
        await work()
      } catch (error) {
        // Refusals, and what is away just now; anything else is a fault.
        if (!isAppError(error) && !isTransient(error)) throw error
      }
    }
  }
  const many = (count: number, work: () => Promise<void>) => Array.from({ length: count }, () => loop(work))
  const { loops } = options
  await Promise.all([...many(loops.publish, publish), ...many(loops.relate, relate), ...many(loops.read, read)])
  // Workers alone.
  if (options.workers) await new Promise(() => undefined)
}
