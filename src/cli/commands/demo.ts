import type { Fanfold } from '../../app/fanfold.ts'
import type { Config } from '../../core/config.ts'
import { LIMITS } from '../../core/limits.ts'
import { createLogger } from '../../core/logger.ts'
import { createDemoClock, type DemoClock } from '../../demo/clock.ts'
import { playDemo } from '../../demo/demo.ts'
import { liveOn } from '../../demo/live.ts'
import { type Plan, planDemo } from '../../demo/marker.ts'
import { SIZE_NAMES, SIZES, type SizeName } from '../../demo/size.ts'
import { type DemoSummary, summarize } from '../../demo/summary.ts'
import { makeWorld } from '../../demo/world.ts'
import {
  type Command,
  type CommandOption,
  type CommandRun,
  type Progress,
  type Terminal,
  UsageError,
} from '../command.ts'
import { withFanfold } from '../open.ts'
import { untilStopped } from '../shutdown.ts'
import { table } from '../table.ts'

/** Active followers above whom the demo's authors are merged in at reading: few enough that both ways are seen. */
const PULL_FOLLOWERS = 120
const SEED_MAX = 2 ** 31 - 1

/** Options of the demo, under `demo` as they are and under `serve` with `demo-` before them. */
export const demoOptions = (prefix: '' | 'demo-'): Record<string, CommandOption> => ({
  [`${prefix}seed`]: { type: 'string', value: 'N', about: 'Another seed makes another world (default 1)' },
  [`${prefix}size`]: { type: 'string', value: SIZE_NAMES.join('|'), about: 'How much there is (default medium)' },
  [`${prefix}rate`]: {
    type: 'string',
    value: 'N',
    about: `Deeds per second while it moves, up to ${LIMITS.demoRateMax} (default ${LIMITS.demoRateDefault}); 0: it stands still`,
  },
})

export interface DemoWishes {
  readonly seed: number | undefined
  readonly sizeName: SizeName | undefined
  readonly rate: number
}

/** Throws UsageError. */
export function demoWishes({ options }: Pick<CommandRun, 'options'>, prefix: '' | 'demo-'): DemoWishes {
  const number = (name: string, max: number) => {
    const text = options[`${prefix}${name}`]
    if (text === undefined) return undefined
    const value = Number(text)
    if (/^\d+(\.\d+)?$/.test(String(text)) && value <= max) return value
    throw new UsageError(`--${prefix}${name} must be a number from 0 to ${max}`)
  }
  const seed = number('seed', SEED_MAX)
  if (seed !== undefined && !Number.isInteger(seed)) throw new UsageError(`--${prefix}seed must be a whole number`)
  const size = options[`${prefix}size`]
  const sizeName = SIZE_NAMES.find((name) => name === size)
  if (size !== undefined && sizeName === undefined)
    throw new UsageError(`--${prefix}size must be one of ${SIZE_NAMES.join(', ')}`)
  return { seed, sizeName, rate: number('rate', LIMITS.demoRateMax) ?? LIMITS.demoRateDefault }
}

/** Settings under which the demo shows the most: both ways of delivery, and a webhook endpoint on this machine. */
export const demoConfig = (config: Config): Config => ({
  ...config,
  pullFollowers: config.pullFollowers === LIMITS.pullFollowersDefault ? PULL_FOLLOWERS : config.pullFollowers,
  webhookAllowHttp: true,
  webhookAllowPrivate: true,
})

/** Fills the database, with a bar for each step. */
export async function fillDemo(
  terminal: Terminal,
  play: { fanfold: Fanfold; clock: DemoClock; plan: Plan; signal: AbortSignal },
): Promise<void> {
  let shown = ''
  let bar: Progress | undefined
  const onProgress = (label: string, done: number, total: number) => {
    if (label !== shown) {
      bar?.end()
      bar = terminal.progress(label, total)
      shown = label
    }
    bar?.update(done, total)
  }
  try {
    await playDemo({ ...play, onProgress })
  } finally {
    bar?.end()
  }
}

/** Moves the world until the signal, or not at all with a rate of 0. */
export async function moveDemo(
  terminal: Terminal,
  { fanfold, plan, rate, signal }: { fanfold: Fanfold; plan: Plan; rate: number; signal: AbortSignal },
): Promise<void> {
  if (rate === 0) return
  const world = makeWorld(plan.seed, SIZES[plan.sizeName], plan.nowMs)
  const onTrouble = (message: string) => terminal.say(`The demo waits: ${message}`)
  await liveOn({ fanfold, world, rate, signal, onTrouble })
}

const words = (name: string) => name.replaceAll('_', ' ')

export function summaryText(summary: DemoSummary): string {
  const figures = [
    ...Object.entries(summary.made),
    ...Object.entries(summary.orders).map(([status, count]) => [`orders ${status}`, count] as const),
    ...Object.entries(summary.payments).map(([status, count]) => [`payments ${words(status)}`, count] as const),
  ]
  return [
    table(['what there is', 'count'], figures),
    '',
    table(
      ['worth a look', 'id'],
      Object.entries(summary.look_at).map(([what, id]) => [words(what), id]),
    ),
  ].join('\n')
}

/** A signal that is aborted when the process is told to stop. */
export function stopSignal(stopped: Promise<void>): AbortSignal {
  const controller = new AbortController()
  void stopped.then(() => controller.abort(new Error('stopped')))
  return controller.signal
}

/** Fills and moves the world of a server that answers meanwhile. Resolves when the server is told to stop. */
export async function serveDemo(
  terminal: Terminal,
  server: { fanfold: Fanfold; clock: DemoClock; plan: Plan; rate: number; address: string; stopped: Promise<void> },
): Promise<void> {
  const { fanfold, rate, address, stopped } = server
  const signal = stopSignal(stopped)
  try {
    await fillDemo(terminal, { ...server, signal })
  } catch (error) {
    if (signal.aborted) return
    throw error
  }
  const plan = await planDemo(fanfold, undefined, undefined)
  terminal.say(`\n${summaryText(await summarize(fanfold, plan))}\n`)
  terminal.say(`The demo is there${rate === 0 ? '' : ', and moves'}. Look at it: ${address}/console`)
  await moveDemo(terminal, { fanfold, plan, rate, signal })
}

export const demo: Command = {
  name: 'demo',
  about: 'Fill an empty database with a made-up world: people, posts, a year of orders, payments of every outcome',
  usage: '',
  options: {
    ...demoOptions(''),
    live: { type: 'boolean', about: 'Then keep it moving until stopped' },
  },
  examples: [
    'fanfold demo',
    'fanfold demo --seed 7 --size small --database-url pglite:./demo-data',
    'fanfold demo --live --rate 10 --database-url postgres://me@db.local/fanfold',
    'fanfold serve --demo',
  ],
  async run(run) {
    const { terminal, options, json } = run
    const { seed, sizeName, rate } = demoWishes(run, '')
    const signal = stopSignal(untilStopped(terminal))
    const clock = createDemoClock()
    const config = demoConfig(run.config)
    return withFanfold(
      config,
      async (fanfold) => {
        const found = await planDemo(fanfold, seed, sizeName)
        if (found.state === 'complete') terminal.say('The demo is there already; nothing was added.')
        try {
          await fillDemo(terminal, { fanfold, clock, plan: found, signal })
        } catch (error) {
          if (!signal.aborted) throw error
          terminal.say('Stopped half-way; the same command goes on from here.')
          return 1
        }
        const plan = await planDemo(fanfold, seed, sizeName)
        const summary = await summarize(fanfold, plan)
        terminal.out(json ? JSON.stringify(summary) : summaryText(summary))
        if (!json)
          terminal.say(
            `\nLook at it: fanfold serve --demo --database-url ${config.databaseUrl.replace(/:[^:@/]*@/, ':***@')}`,
          )
        if (options['live'] !== true) return 0
        terminal.say('Moving. Stop with Ctrl-C.')
        await moveDemo(terminal, { fanfold, plan, rate, signal })
        return 0
      },
      // A dead letter and a payment that needs a person are part of this world.
      { clock, logger: createLogger('fatal') },
    )
  },
}
