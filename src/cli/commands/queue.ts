import { type Command, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { table } from '../table.ts'

const SHOWN_MAX = 100

export const queue: Command = {
  name: 'queue',
  about: 'Look at queued work and dead letters, and put dead letters back to work',
  usage: 'depth | dead [TOPIC] | redrive TOPIC [ID...]',
  examples: ['fanfold queue depth', 'fanfold queue dead social.fanout', 'fanfold queue redrive social.fanout'],
  async run({ config, positionals, json, terminal }) {
    const [action, topic, ...ids] = positionals
    return withFanfold(config, async (fanfold) => {
      if (action === 'depth') {
        const depths = await fanfold.queue.depths()
        const rows = depths.map((depth) => [depth.topic, depth.lane, depth.depth, depth.deadLetters])
        terminal.out(json ? JSON.stringify(depths) : table(['topic', 'lane', 'waiting', 'dead'], rows))
        return 0
      }
      if (action === 'dead') {
        const letters = await fanfold.deadLetters.list({ topic }, SHOWN_MAX)
        const rows = letters.map((letter) => [
          letter.id,
          letter.topic,
          letter.key,
          letter.attempts,
          letter.diedAt.toISOString(),
          letter.reason,
        ])
        terminal.out(json ? JSON.stringify(letters) : table(['id', 'topic', 'key', 'tries', 'died', 'reason'], rows))
        return 0
      }
      if (action === 'redrive') {
        if (topic === undefined) throw new UsageError('name the topic: fanfold queue redrive TOPIC')
        const redriven = await fanfold.deadLetters.redrive({ topic, ids: ids.length > 0 ? ids : undefined })
        if (json) terminal.out(JSON.stringify({ topic, redriven }))
        terminal.say(`${redriven} dead letters of ${topic} are back at work`)
        return 0
      }
      throw new UsageError(action === undefined ? 'say what to look at' : `there is no "queue ${action}"`)
    })
  },
}
