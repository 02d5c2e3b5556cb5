import { type Command, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { table } from '../table.ts'

export const archive: Command = {
  name: 'archive',
  about: 'Take the rows of old months out of the sales report; without --before: list what is archived',
  usage: 'report',
  options: { before: { type: 'string', value: 'YYYY-MM', about: 'Archive every month before this one' } },
  examples: ['fanfold archive report', 'fanfold archive report --before 2024-01'],
  async run({ config, positionals, options, json, terminal }) {
    if (positionals[0] !== 'report') throw new UsageError('say what: report')
    const { before } = options
    return withFanfold(config, async ({ orders }) => {
      const done = typeof before === 'string' ? await orders.archiveReport(before) : undefined
      const months = (done ?? (await orders.archivedMonths())).map(({ archivedAtMs, ...month }) => {
        return { ...month, archived_at: new Date(archivedAtMs).toISOString() }
      })
      if (json) terminal.out(JSON.stringify({ months }))
      else {
        terminal.out(
          table(
            ['month', 'table', 'rows', 'archived at'],
            months.map(({ month, table: name, facts, archived_at: at }) => [month, name, facts, at]),
          ),
        )
      }
      if (done !== undefined && done.length > 0) {
        const [first] = done
        terminal.say('Sums still count these months. Each table stays in the database until you drop it, for example:')
        terminal.say(`  pg_dump --table ${first!.table} ... && psql ... -c 'drop table ${first!.table}'`)
      }
      return 0
    })
  },
}
