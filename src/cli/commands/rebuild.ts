import { type Command, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'

export const rebuild: Command = {
  name: 'rebuild',
  about: 'Rebuild a read model from its log beside the live one',
  usage: 'PROJECTION',
  examples: ['fanfold rebuild daily_sales_report', 'fanfold rebuild payment_view'],
  async run({ config, positionals, json, terminal }) {
    const [name] = positionals
    return withFanfold(config, async (fanfold) => {
      if (name === undefined || !fanfold.projections.includes(name)) {
        throw new UsageError(`name one of the read models: ${fanfold.projections.join(', ')}`)
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
