import { type Command, type CommandRun, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'

const TIMELINES = 'timelines'
const SALES_REPORT = 'daily_sales_report'

const figure = (count: number, one: string) => `${count.toLocaleString('en-US')} ${one}${count === 1 ? '' : 's'}`

function userOption({ options }: CommandRun): string | undefined {
  const userId = options['user']
  return typeof userId === 'string' ? userId : undefined
}

async function rebuildTimelines(run: CommandRun): Promise<number> {
  const { config, json, terminal } = run
  const userId = userOption(run)
  return withFanfold(config, async ({ social }) => {
    const bar = terminal.progress('rebuilding timelines', userId === undefined ? undefined : 1)
    const onProgress = (done: number) => bar.update(done)
    const built = await social.rebuildTimelines({ ...(userId === undefined ? {} : { userId }), onProgress })
    bar.update(built)
    bar.end()
    if (json) terminal.out(JSON.stringify({ timelines: built }))
    terminal.say(`${figure(built, 'timeline')} built anew from follows and posts`)
    return 0
  })
}

async function rebuildMonth({ config, json, terminal }: CommandRun, name: string | undefined, month: string) {
  if (name !== SALES_REPORT) throw new UsageError(`--month is for ${SALES_REPORT}`)
  return withFanfold(config, async ({ orders }) => {
    const bar = terminal.progress(`rebuilding ${month}`)
    const facts = await orders.rebuildReportMonth(month, (done) => bar.update(done))
    bar.end()
    if (json) terminal.out(JSON.stringify({ projection: name, month, facts }))
    terminal.say(`${month} is rebuilt: ${figure(facts, 'row')}, and the sums of them`)
    return 0
  })
}

export const rebuild: Command = {
  name: 'rebuild',
  about: 'Rebuild a read model from its log beside the live one, or timelines from follows and posts',
  usage: 'PROJECTION|timelines',
  options: {
    user: { type: 'string', value: 'USER', about: 'Only the timeline of this user, who then has one' },
    month: { type: 'string', value: 'YYYY-MM', about: `Only this month of ${SALES_REPORT}, in place` },
  },
  examples: [
    'fanfold rebuild daily_sales_report',
    'fanfold rebuild daily_sales_report --month 2026-03',
    'fanfold rebuild payment_view',
    'fanfold rebuild timelines',
    'fanfold rebuild timelines --user ada',
  ],
  async run(run) {
    const { config, positionals, json, terminal } = run
    const [name] = positionals
    const { month } = run.options
    if (typeof month === 'string') return rebuildMonth(run, name, month)
    if (name === TIMELINES) return rebuildTimelines(run)
    if (userOption(run) !== undefined) throw new UsageError(`--user is for ${TIMELINES}`)
    return withFanfold(config, async (fanfold) => {
      if (name === undefined || !fanfold.projections.includes(name)) {
        throw new UsageError(`name one of the read models: ${[...fanfold.projections, TIMELINES].join(', ')}`)
      }
      const lag = (await fanfold.status()).projections.find((projection) => projection.name === name)?.lag
      if (lag !== undefined && lag > 0) terminal.say(`${name} is ${lag} events behind; they are folded too`)
      const bar = terminal.progress(`rebuilding ${name}`)
      const folded = await fanfold.rebuild(name, (done) => bar.update(done))
      bar.end()
      if (json) terminal.out(JSON.stringify({ projection: name, events: folded }))
      terminal.say(`${name} is rebuilt from ${folded.toLocaleString('en-US')} events and live`)
      return 0
    })
  },
}
