import { type Command, type CommandRun, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'

const TIMELINES = 'timelines'

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

export const rebuild: Command = {
  name: 'rebuild',
  about: 'Rebuild a read model from its log beside the live one, or timelines from follows and posts',
  usage: 'PROJECTION|timelines',
  options: { user: { type: 'string', value: 'USER', about: 'Only the timeline of this user, who then has one' } },
  examples: [
    'fanfold rebuild daily_sales_report',
    'fanfold rebuild payment_view',
    'fanfold rebuild timelines',
    'fanfold rebuild timelines --user ada',
  ],
  async run(run) {
    const { config, positionals, json, terminal } = run
    const [name] = positionals
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
