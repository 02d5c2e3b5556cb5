import type { Bench, BenchContext, Contender, Figure, Outcome } from './bench.ts'
import { type EngineUnderTest, openEngines } from './engine-servers.ts'
import { followScans, relationChecks } from './engines-follows.ts'
import { orderPlacements } from './engines-orders.ts'
import { postLikes, postPublishing, postReads } from './engines-posts.ts'
import { consuming, publishing } from './engines-queues.ts'
import { deliveries, pageReads } from './engines-timelines.ts'
import { compare } from './measure.ts'

/** Prepares the engine, and answers what is to be measured on it; absent when it serves no such thing. */
export type Case = (engine: EngineUnderTest) => Promise<Contender | undefined>

const CASES: readonly { readonly title: string; readonly of: Case }[] = [
  { title: 'timelines: deliveries', of: deliveries },
  { title: 'timelines: page reads', of: pageReads },
  { title: 'follows: follower scan', of: followScans },
  { title: 'follows: relation checks', of: relationChecks },
  { title: 'posts: publishing', of: postPublishing },
  { title: 'posts: pages of 20', of: postReads },
  { title: 'posts: likes of one post', of: postLikes },
  { title: 'queue: publishing', of: publishing },
  { title: 'queue: consuming', of: consuming },
  { title: 'orders: placements', of: orderPlacements },
]

async function run(context: BenchContext): Promise<Outcome> {
  const { engines, close } = await openEngines(context.say)
  const results: Figure[] = []
  try {
    for (const { title, of } of CASES) {
      context.say(`preparing ${title}`)
      const contenders: Contender[] = []
      for (const engine of engines) {
        const contender = await of(engine)
        if (contender !== undefined) contenders.push({ ...contender, name: `${title} on ${engine.name}` })
      }
      results.push(...(await compare(contenders, context)))
    }
  } finally {
    await close()
  }
  return {
    engines: Object.fromEntries(engines.map(({ name, version }) => [name, version])),
    results,
    goals: [],
    notes: [
      'All servers run on this one machine at the same time, each with little memory, and share its cores with the client: ' +
        'what counts are the ratios, not the figures.',
      'Every engine is as durable as its documentation in docs/engines says; Redis syncs its file each second.',
    ],
  }
}

export const engines: Bench = {
  name: 'engines',
  about: 'What each engine does for the stores that it serves, all in one run',
  defaults: { rounds: 2, seconds: 3 },
  run,
}
