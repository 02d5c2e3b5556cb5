import { AppError } from '../../core/errors.ts'
import { formatMinor, fromMinor } from '../../core/money.ts'
import { isFinished, type Operation, type PaymentState, statusOf } from './state.ts'

export function illegal(state: PaymentState, deed: string, why: string): AppError {
  const status = statusOf(state)
  return new AppError('illegal_payment_state', `A payment that is ${status} can't be ${deed}: ${why}`, {
    data: { payment_status: status },
  })
}

/** More than is left: of what can be captured, or of what can be refunded. */
export function exceeds(what: 'capturable' | 'refundable', asked: bigint, left: bigint, currency: string): AppError {
  const [code, deed] =
    what === 'capturable'
      ? (['amount_exceeds_capturable', 'captured'] as const)
      : (['amount_exceeds_refundable', 'refunded'] as const)
  const sums = `${formatMinor(asked, currency)} is more than the ${formatMinor(left, currency)} ${currency}`
  return new AppError(code, `${sums} that can still be ${deed}`, { data: { [what]: fromMinor(left) } })
}

/** Refuses a deed while operations of these kinds are under way. */
export function refuseDuring(state: PaymentState, deed: string, kinds: readonly Operation['kind'][]): void {
  const open = openOf(state, kinds)
  if (open !== undefined) throw illegal(state, deed, `its ${open.kind} ${open.opId} is under way`)
}

/** The first operation of these kinds that is not finished. */
export function openOf(state: PaymentState, kinds: readonly Operation['kind'][]): Operation | undefined {
  for (const operation of state.operations.values())
    if (kinds.includes(operation.kind) && !isFinished(operation)) return operation
  return undefined
}
