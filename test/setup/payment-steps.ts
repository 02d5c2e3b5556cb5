import { AppError } from '../../src/core/errors.ts'
import type { PaymentCommand } from '../../src/payments/model/commands.ts'
import type { Operation, PaymentState } from '../../src/payments/model/state.ts'
import type { ProcessorOutcome } from '../../src/payments/processing/processor.ts'

/** What comes next in the life of a payment, by numbers, so that any list of numbers is a life. */
export interface Step {
  readonly deed: number
  readonly pick: number
}

function outcomeOf({ amount, status }: Operation, currency: string, pick: number): ProcessorOutcome {
  const others: readonly ProcessorOutcome[] = [
    { kind: 'failed', code: 'no', message: 'No' },
    { kind: 'failed', code: 'down', message: 'Down', failover: true },
    { kind: 'unknown', detail: 'timed out' },
    { kind: 'review', detail: 'nobody knows' },
    { kind: 'succeeded', amount: amount > 1n ? amount / 2n : amount, currency, reference: 'part' },
  ]
  const succeeded: ProcessorOutcome = { kind: 'succeeded', amount, currency, reference: `ref_${pick}` }
  // News of what has failed are that it has not.
  return status === 'failed' ? succeeded : (others[pick % 12] ?? succeeded)
}

const DISPUTE_ENDS = ['open', 'won', 'lost', 'lost', 'won'] as const

function disputeCommand(paymentIntentId: string, { currency, captured }: PaymentState, pick: number): PaymentCommand {
  const status = DISPUTE_ENDS[pick % DISPUTE_ENDS.length]!
  const amount = captured > 1n ? 1n + (BigInt(pick) % captured) : 1n
  const fact = {
    ...{
      disputeId: `dp_${pick % 2}`,
      paymentIntentId,
      amount,
      currency,
      reason: 'fraudulent',
      reference: 'ch',
      status,
    },
    evidenceDueMs: pick % 3 === 0 ? undefined : 1_800_000_000_000 + pick,
  }
  return { type: status === 'open' ? 'OpenDispute' : 'CloseDispute', fact }
}

/** The command of a step; `all` has every operation there ever was. `undefined` when there is nothing to do. */
export function commandOf(
  { deed, pick }: Step,
  { paymentIntentId, state, opId }: { paymentIntentId: string; state: PaymentState; opId: string },
  all: readonly Operation[],
): PaymentCommand | undefined {
  const amount = pick % 3 === 0 ? undefined : BigInt(1 + (pick % 900))
  switch (deed % 16) {
    case 0:
      return { type: 'AuthorizePayment', opId }
    case 1:
    case 2:
      return { type: 'CapturePayment', opId, amount }
    case 3:
    case 4:
      return { type: 'RefundPayment', opId, amount }
    case 5:
      return disputeCommand(paymentIntentId, state, pick)
    case 6:
      return pick % 5 === 0 ? { type: 'VoidPayment', opId } : { type: 'IncrementAuthorization', opId, amount: 50n }
    default: {
      const open = all.findLast(({ status }) => status !== 'succeeded' && status !== 'failed')
      const operation = deed % 4 === 0 ? all[pick % Math.max(1, all.length)] : (open ?? all.at(-1))
      if (operation === undefined) return undefined
      const outcome = outcomeOf(operation, state.currency, pick)
      return { type: 'RecordOutcome', opId: operation.opId, outcome, operation }
    }
  }
}

/** Runs `deed`; a refusal of the rules is fine, anything else is not. */
export async function unlessRefused(deed: () => Promise<unknown>): Promise<void> {
  try {
    await deed()
  } catch (error) {
    if (!(error instanceof AppError)) throw error
  }
}
