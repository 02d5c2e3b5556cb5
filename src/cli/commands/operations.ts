import type { Fanfold } from '../../app/fanfold.ts'
import type { OperationDocument, ResolveOperation } from '../../payments/schemas.ts'
import { type Command, type CommandRun, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { table } from '../table.ts'

/** Who decides, in the histories of payments. */
const ACTOR = 'cli'
const HEAD = ['operation', 'payment', 'kind', 'minor units', 'processor', 'status', 'requested', 'asked', 'reference']

function row(operation: OperationDocument) {
  const { op_id, payment_intent_id, kind, amount, processor, status, requested_at, attempts, reference } = operation
  return [op_id, payment_intent_id, kind, amount, processor, status, requested_at, attempts, reference ?? '']
}

async function list({ options, json, terminal }: CommandRun, { payments }: Fanfold): Promise<number> {
  const wanted = {
    ...(typeof options['status'] === 'string' ? { status: options['status'] as OperationDocument['status'] } : {}),
    ...(typeof options['payment'] === 'string' ? { payment_intent_id: options['payment'] } : {}),
  }
  const items: OperationDocument[] = []
  let cursor: string | undefined
  do {
    const page = await payments.operations(wanted, { limit: 100, cursor })
    items.push(...page.items)
    cursor = page.next_cursor
  } while (cursor !== undefined)
  terminal.out(json ? JSON.stringify({ items }) : table(HEAD, items.map(row)))
  if (!json) terminal.say(`${items.length.toLocaleString('en-US')} operations`)
  return 0
}

function decisionOf({ options }: CommandRun): ResolveOperation {
  const named = (['succeeded', 'failed', 'ask-again'] as const).filter((name) => options[name] === true)
  const [decision] = named
  if (decision === undefined || named.length > 1) {
    throw new UsageError('say what became of it: one of --succeeded, --failed, --ask-again')
  }
  const { note, amount, reference } = options
  if (typeof note !== 'string' || note.trim() === '') throw new UsageError('say how you know: --note TEXT')
  if (typeof amount === 'string' && !/^\d{1,15}$/.test(amount)) {
    throw new UsageError('--amount must be a whole number of minor units')
  }
  return {
    decision: decision === 'ask-again' ? 'ask_again' : decision,
    note,
    ...(typeof amount === 'string' ? { amount: Number(amount) } : {}),
    ...(typeof reference === 'string' ? { reference } : {}),
  }
}

async function resolve(run: CommandRun, { payments }: Fanfold, opId: string, decision: ResolveOperation) {
  const payment = await payments.resolveOperation(opId, decision, { actor: ACTOR })
  const { payment_intent_id: id, status, pending_operation: pending } = payment
  if (run.json) run.terminal.out(JSON.stringify(payment))
  const rest = pending === undefined ? '' : `; its ${pending.kind} ${pending.op_id} is ${pending.status}`
  run.terminal.say(`${opId} is decided; ${id} is ${status}${rest}`)
  return 0
}

export const operations: Command = {
  name: 'operations',
  about: 'List calls to payment processors that wait for a person, and decide what became of them',
  usage: 'list | resolve OPERATION',
  options: {
    status: {
      type: 'string',
      value: 'STATUS',
      about: 'list: requested, unknown, action_required, review, succeeded, failed; review unless a payment is given',
    },
    payment: { type: 'string', value: 'PAYMENT', about: 'list: all of this payment' },
    succeeded: { type: 'boolean', about: 'resolve: the processor did it' },
    failed: { type: 'boolean', about: 'resolve: the processor did not do it, and never will' },
    'ask-again': { type: 'boolean', about: 'resolve: the worker asks the processor once more' },
    note: { type: 'string', value: 'TEXT', about: 'resolve: how you know; kept in the history of the payment' },
    amount: { type: 'string', value: 'MINOR', about: 'resolve: of a partial authorization, in minor units' },
    reference: { type: 'string', value: 'TEXT', about: 'resolve: what the processor calls what it did' },
  },
  examples: [
    'fanfold operations list',
    'fanfold operations list --status unknown --json',
    'fanfold operations list --payment pi_0006f0q2rk5z8v1c3d7m9t4xw',
    'fanfold operations resolve op_0006f0q2rk5z8v1c3d7m9t4xw --succeeded --reference ch_1 --note "seen in its dashboard"',
    'fanfold operations resolve op_0006f0q2rk5z8v1c3d7m9t4xw --failed --note "support says: never received"',
  ],
  async run(run) {
    const [action, opId] = run.positionals
    if (action === 'list') return withFanfold(run.config, (fanfold) => list(run, fanfold))
    if (action !== 'resolve') throw new UsageError('say what to do: list or resolve')
    if (opId === undefined) throw new UsageError('name the operation: fanfold operations resolve OPERATION')
    const decision = decisionOf(run)
    return withFanfold(run.config, (fanfold) => resolve(run, fanfold, opId, decision))
  },
}
