import { LIMITS } from '../../core/limits.ts'
import { INBOX_STATES } from '../../payments/inbox/schemas.ts'
import { type Command, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { table } from '../table.ts'

type State = (typeof INBOX_STATES)[number]

function stateOf(value: string | boolean | undefined): State | undefined {
  if (value === undefined) return undefined
  const state = INBOX_STATES.find((known) => known === value)
  if (state === undefined) throw new UsageError(`--state is one of ${INBOX_STATES.join(', ')}`)
  return state
}

export const inbox: Command = {
  name: 'inbox',
  about: 'List webhooks of payment processors, and have them applied again',
  usage: 'list [PROCESSOR] | replay PROCESSOR [EVENT_ID...]',
  options: {
    state: { type: 'string', value: 'STATE', about: `Only webhooks that are ${INBOX_STATES.join(', ')}` },
    cursor: { type: 'string', value: 'CURSOR', about: 'List what comes after the page that named it' },
  },
  examples: [
    'fanfold inbox list --state failed',
    'fanfold inbox replay stripe --state failed',
    'fanfold inbox replay sandbox evt_op_1_succeeded',
  ],
  async run({ config, positionals, options, json, terminal }) {
    const [action, processor, ...ids] = positionals
    const state = stateOf(options['state'])
    const which = state === undefined ? {} : { state }
    if (action === 'list') {
      const query = processor === undefined ? which : { ...which, processor }
      const cursor = options['cursor'] === undefined ? undefined : String(options['cursor'])
      const page = await withFanfold(config, ({ payments }) =>
        payments.inbox(query, { limit: LIMITS.pageItemsMax, cursor }),
      )
      const rows = page.items.map((one) => [
        ...[one.received_at, one.processor, one.event_id, one.event_type, one.state, one.attempts],
        one.last_error ?? '-',
      ])
      const head = ['received', 'processor', 'event', 'type', 'state', 'tries', 'error']
      terminal.out(json ? JSON.stringify(page) : table(head, rows))
      if (page.next_cursor !== undefined) terminal.say(`there are more: --cursor ${page.next_cursor}`)
      return 0
    }
    if (action === 'replay') {
      if (processor === undefined) throw new UsageError('name the processor: fanfold inbox replay PROCESSOR')
      const input = { ...which, processor, ...(ids.length === 0 ? {} : { event_ids: ids }) }
      const result = await withFanfold(config, ({ payments }) => payments.replayInbox(input))
      if (json) terminal.out(JSON.stringify(result))
      terminal.say(`${result.replayed} webhooks of ${processor} will be applied again by the workers`)
      return 0
    }
    throw new UsageError(action === undefined ? 'say list or replay' : `there is no "inbox ${action}"`)
  },
}
