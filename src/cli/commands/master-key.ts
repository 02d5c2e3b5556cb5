import { type Command, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'

const ACTIONS = ['rotate', 'rewrap', 'prune'] as const
type Action = (typeof ACTIONS)[number]
const isAction = (text: string | undefined): text is Action => ACTIONS.some((action) => action === text)

const DONE: Readonly<Record<Action, string>> = {
  rotate: 'There is a new master key. In a minute every process uses it; then run: fanfold master-key prune',
  rewrap: 'Nothing is under an older master key.',
  prune: 'Only the newest master key is left.',
}

export const masterKey: Command = {
  name: 'master-key',
  about: 'Exchange the key under which the keys of personal data are encrypted',
  usage: ACTIONS.join('|'),
  examples: ['fanfold master-key rotate', 'fanfold master-key prune'],
  async run({ config, positionals, json, terminal }) {
    const [action] = positionals
    if (!isAction(action)) throw new UsageError(`say what to do: ${ACTIONS.join(', ')}`)
    const bar = terminal.progress('keys wrapped anew')
    const wrapped = await withFanfold(config, (fanfold) => fanfold.masterKeys[action]((done) => bar.update(done)))
    bar.end()
    if (json) terminal.out(JSON.stringify({ wrapped }))
    terminal.say(`${wrapped.toLocaleString('en-US')} key(s) of persons wrapped anew. ${DONE[action]}`)
    return 0
  },
}
