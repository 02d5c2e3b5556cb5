import { createLogger } from '../../core/logger.ts'
import type { Command } from '../command.ts'
import { openFanfold } from '../open.ts'
import { untilStopped } from '../shutdown.ts'

export const work: Command = {
  name: 'work',
  about: 'Run background work only: fan-out, projections, recovery',
  usage: '',
  examples: ['fanfold work --database-url postgres://me@db.local/fanfold', 'fanfold work --log-level debug'],
  async run({ config, terminal }) {
    const stopped = untilStopped(terminal)
    const fanfold = await openFanfold(config, { workers: true, logger: createLogger(config.logLevel) })
    terminal.say('Working. Stop with Ctrl-C.')
    await stopped
    await fanfold.close()
    terminal.say('Stopped.')
    return 0
  },
}
