import { type Command, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { table } from '../table.ts'

const yesNo = (value: boolean) => (value ? 'yes' : 'no')

export const explain: Command = {
  name: 'explain',
  about: 'Say step by step why a post is or is not in a home timeline; exit 1 when it should be otherwise',
  usage: 'timeline USER POST',
  examples: [
    'fanfold explain timeline ada 2117284913684299776',
    'fanfold explain timeline ada 2117284913684299776 --json',
  ],
  async run({ config, positionals, json, terminal }) {
    const [what, userId, postId] = positionals
    if (what !== 'timeline') throw new UsageError('say what to explain: timeline')
    if (userId === undefined || postId === undefined) throw new UsageError('name the user and the post')
    return withFanfold(config, async ({ social }) => {
      const explanation = await social.explainTimeline(userId, postId)
      const { shown, due, steps } = explanation
      if (json) terminal.out(JSON.stringify(explanation))
      else {
        const rows = steps.map(({ check, ok, detail }) => [check, ok ? 'ok' : 'no', detail])
        terminal.out(table(['check', 'passes', 'found'], rows))
        terminal.out(`\nshown: ${yesNo(shown)}, due: ${yesNo(due)}`)
      }
      return shown === due ? 0 : 1
    })
  },
}
