import { type Action, tryAction } from '../../core/actions.ts'
import type { AskedCommands } from '../commands/asked.ts'
import type { PaymentAction, PaymentCommand } from '../model/commands.ts'
import { decide } from '../model/decide.ts'
import type { PaymentState } from '../model/state.ts'

const OP_ID = 'op_asked'

/** What the rules, and the processor's abilities, say to each command on a payment in this state. */
export function paymentActions(state: PaymentState, asked: AskedCommands): Action<PaymentAction>[] {
  const attempt = (action: PaymentAction, commandOf: () => PaymentCommand) =>
    tryAction(action, () => decide(commandOf(), state))
  return [
    attempt('authorize', () => ({ type: 'AuthorizePayment', opId: OP_ID })),
    attempt('capture', () => asked.capture(OP_ID, {}, state)),
    attempt('void', () => asked.void(OP_ID, state)),
    attempt('refund', () => ({ type: 'RefundPayment', opId: OP_ID })),
    attempt('increment', () => asked.increment(OP_ID, { amount: 1n }, state)),
  ]
}
