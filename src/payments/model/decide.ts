import { AppError, assert } from '../../core/errors.ts'
import { formatMinor, fromMinor } from '../../core/money.ts'
import type { CaptureMethod, PaymentEvent, PaymentMethod } from './events.ts'
import type { ProcessorOutcome } from '../processing/processor.ts'
import { capturableOf, isFinished, type Operation, type PaymentState, refundableOf, statusOf } from './state.ts'

/** What may be asked of a payment, and what a processor may tell about it. Amounts in minor units. */
export type PaymentCommand =
  | {
      readonly type: 'CreatePayment'
      readonly amount: bigint
      readonly currency: string
      readonly customerId?: string | undefined
      readonly orderId?: string | undefined
      readonly paymentMethod: PaymentMethod
      readonly captureMethod: CaptureMethod
      readonly processor: string
    }
  | { readonly type: 'AuthorizePayment'; readonly opId: string; readonly paymentMethod?: PaymentMethod | undefined }
  /** Without an amount: all that can still be captured. */
  | { readonly type: 'CapturePayment'; readonly opId: string; readonly amount?: bigint | undefined }
  /** Gives back all that was authorized and not captured. */
  | { readonly type: 'VoidPayment'; readonly opId: string }
  /** Without an amount: all that can still be refunded. */
  | {
      readonly type: 'RefundPayment'
      readonly opId: string
      readonly amount?: bigint | undefined
      readonly reason?: string | undefined
    }
  | { readonly type: 'ExpireAuthorization' }
  | { readonly type: 'RecordOutcome'; readonly opId: string; readonly outcome: ProcessorOutcome }

type Command<Type extends PaymentCommand['type']> = Extract<PaymentCommand, { type: Type }>

/** The capture that follows an authorization with `capture_method: automatic`; the same id whoever asks. */
export const captureAfter = (authorizeOpId: string): string => `${authorizeOpId}_capture`

function illegal(state: PaymentState, deed: string, why: string): AppError {
  const status = statusOf(state)
  return new AppError('illegal_payment_state', `A payment that is ${status} can't be ${deed}: ${why}`, {
    data: { payment_status: status },
  })
}

const inFlight = (state: PaymentState, kind: Operation['kind']): boolean =>
  [...state.operations.values()].some((operation) => operation.kind === kind && !isFinished(operation))

function create(command: Command<'CreatePayment'>, state: PaymentState): PaymentEvent[] {
  if (state.version > 0) throw new AppError('already_exists', 'This payment exists already')
  const { amount, currency, customerId, orderId, paymentMethod, captureMethod, processor } = command
  return [
    {
      type: 'INITIATED',
      payload: {
        amount: fromMinor(amount),
        currency,
        ...(customerId === undefined ? {} : { customer_id: customerId }),
        ...(orderId === undefined ? {} : { order_id: orderId }),
        payment_method: paymentMethod,
        capture_method: captureMethod,
        processor,
      },
    },
  ]
}

function authorize({ opId, paymentMethod }: Command<'AuthorizePayment'>, state: PaymentState): PaymentEvent[] {
  if (state.phase !== 'initiated' && state.phase !== 'declined') {
    throw illegal(state, 'authorized', 'only a new or a declined one can')
  }
  const amount = fromMinor(state.amount)
  const payload = { op_id: opId, amount, ...(paymentMethod === undefined ? {} : { payment_method: paymentMethod }) }
  return [{ type: 'AUTHORIZATION_REQUESTED', payload }]
}

function capture({ opId, amount }: Command<'CapturePayment'>, state: PaymentState): PaymentEvent[] {
  if (state.phase !== 'authorized') throw illegal(state, 'captured', 'nothing is authorized')
  if (inFlight(state, 'void')) throw illegal(state, 'captured', 'its void is under way')
  const capturable = capturableOf(state)
  if (amount === undefined && capturable === 0n) throw illegal(state, 'captured', 'nothing is left to capture')
  const asked = amount ?? capturable
  if (asked > capturable) {
    throw new AppError(
      'amount_exceeds_capturable',
      `${formatMinor(asked, state.currency)} is more than the ${formatMinor(capturable, state.currency)} ${state.currency} that can still be captured`,
      { data: { capturable: fromMinor(capturable) } },
    )
  }
  return [{ type: 'CAPTURE_REQUESTED', payload: { op_id: opId, amount: fromMinor(asked) } }]
}

function release({ opId }: Command<'VoidPayment'>, state: PaymentState): PaymentEvent[] {
  if (state.phase === 'initiated' || state.phase === 'declined') return [{ type: 'VOIDED', payload: { amount: 0 } }]
  if (state.phase !== 'authorized') throw illegal(state, 'voided', 'nothing is authorized')
  if (inFlight(state, 'void')) throw illegal(state, 'voided', 'its void is under way')
  if (inFlight(state, 'capture')) throw illegal(state, 'voided', 'a capture is under way')
  const amount = capturableOf(state)
  if (amount === 0n) throw illegal(state, 'voided', 'all of it is captured; refund it instead')
  return [{ type: 'VOID_REQUESTED', payload: { op_id: opId, amount: fromMinor(amount) } }]
}

function refund({ opId, amount, reason }: Command<'RefundPayment'>, state: PaymentState): PaymentEvent[] {
  if (state.captured === 0n) throw illegal(state, 'refunded', 'nothing is captured')
  const refundable = refundableOf(state)
  if (amount === undefined && refundable === 0n) throw illegal(state, 'refunded', 'nothing is left to refund')
  const asked = amount ?? refundable
  if (asked > refundable) {
    throw new AppError(
      'amount_exceeds_refundable',
      `${formatMinor(asked, state.currency)} is more than the ${formatMinor(refundable, state.currency)} ${state.currency} that can still be refunded`,
      { data: { refundable: fromMinor(refundable) } },
    )
  }
  const payload = { op_id: opId, amount: fromMinor(asked), ...(reason === undefined ? {} : { reason }) }
  return [{ type: 'REFUND_REQUESTED', payload }]
}

function expire(state: PaymentState): PaymentEvent[] {
  if (state.phase !== 'authorized') throw illegal(state, 'expired', 'nothing is authorized')
  if (inFlight(state, 'void')) throw illegal(state, 'expired', 'its void is under way')
  const amount = capturableOf(state)
  return amount === 0n ? [] : [{ type: 'AUTHORIZATION_EXPIRED', payload: { amount: fromMinor(amount) } }]
}

const REFUSALS = {
  authorize: 'DECLINED',
  capture: 'CAPTURE_FAILED',
  void: 'VOID_FAILED',
  refund: 'REFUND_FAILED',
} as const
const SUCCESSES = { capture: 'CAPTURED', void: 'VOIDED', refund: 'REFUNDED' } as const

function succeed(
  operation: Operation,
  outcome: Extract<ProcessorOutcome, { kind: 'succeeded' }>,
  state: PaymentState,
): PaymentEvent[] {
  const { opId, kind } = operation
  const partial = kind === 'authorize' && outcome.amount < operation.amount
  if (
    outcome.currency !== state.currency ||
    outcome.amount <= 0n ||
    (outcome.amount !== operation.amount && !partial)
  ) {
    const said = `${outcome.amount} ${outcome.currency}, not ${operation.amount} ${state.currency}`
    return doubt(operation, { detail: `the processor reports ${said}`, reference: outcome.reference, review: true })
  }
  const payload = { op_id: opId, amount: fromMinor(outcome.amount), reference: outcome.reference }
  if (kind !== 'authorize') return [{ type: SUCCESSES[kind], payload }]
  // A part is not what the buyer agreed to, so whoever sells decides whether to capture or to void it.
  if (partial) return [{ type: 'PARTIALLY_AUTHORIZED', payload }]
  const authorized: PaymentEvent = { type: 'AUTHORIZED', payload }
  if (state.captureMethod === 'manual') return [authorized]
  return [authorized, { type: 'CAPTURE_REQUESTED', payload: { op_id: captureAfter(opId), amount: payload.amount } }]
}

/** The first doubt is a fact of its own, and so is the end of the machine's wits; doubting again is not. */
function doubt(
  operation: Operation,
  about: { detail: string; reference?: string | undefined; review?: true },
): PaymentEvent[] {
  if (operation.status === 'review' || (operation.status !== 'requested' && about.review === undefined)) return []
  const { detail, reference, review } = about
  const payload = {
    op_id: operation.opId,
    detail,
    ...(reference === undefined ? {} : { reference }),
    ...(review ? { review } : {}),
  }
  return [{ type: 'OUTCOME_UNKNOWN', payload }]
}

/** An outcome for an operation that has one already. The first one stands, unless the processor proves it wrong. */
function contradict(operation: Operation, outcome: ProcessorOutcome, state: PaymentState): PaymentEvent[] {
  if (operation.status === 'failed' && outcome.kind === 'succeeded' && outcome.currency === state.currency) {
    const payload = { op_id: operation.opId, amount: fromMinor(outcome.amount), reference: outcome.reference }
    return [{ type: 'OUTCOME_CORRECTED', payload }]
  }
  if (operation.status === 'succeeded' && operation.kind === 'refund' && outcome.kind === 'failed') {
    const { code, message } = outcome
    const amount = fromMinor(operation.settled)
    return [{ type: 'REFUND_REVERSED', payload: { op_id: operation.opId, amount, code, message } }]
  }
  return []
}

function record({ opId, outcome }: Command<'RecordOutcome'>, state: PaymentState): PaymentEvent[] {
  const operation = state.operations.get(opId)
  assert(operation !== undefined, `operation ${opId} is not one of this payment`)
  if (isFinished(operation)) return contradict(operation, outcome, state)
  switch (outcome.kind) {
    case 'succeeded':
      return succeed(operation, outcome, state)
    case 'failed': {
      const { code, message } = outcome
      return [
        {
          type: REFUSALS[operation.kind],
          payload: { op_id: opId, amount: fromMinor(operation.amount), code, message },
        },
      ]
    }
    case 'action_required': {
      if (operation.kind !== 'authorize' || operation.status === 'action_required') return []
      const { reference, action } = outcome
      return [
        { type: 'ACTION_REQUIRED', payload: { op_id: opId, amount: fromMinor(operation.amount), reference, action } },
      ]
    }
    case 'pending':
      return doubt(operation, { detail: 'the processor is still at work on it', reference: outcome.reference })
    case 'unknown':
      return doubt(operation, { detail: outcome.detail })
    case 'review':
      return doubt(operation, { detail: outcome.detail, review: true })
    default:
      return outcome satisfies never
  }
}

/**
 * The events that a command makes of a state; none when it changes nothing. A command that the rules refuse throws
 * `illegal_payment_state`, `amount_exceeds_capturable` or `amount_exceeds_refundable`. What a processor tells is never
 * refused: it has happened.
 */
export function decide(command: PaymentCommand, state: PaymentState): PaymentEvent[] {
  switch (command.type) {
    case 'CreatePayment':
      return create(command, state)
    case 'AuthorizePayment':
      return authorize(command, state)
    case 'CapturePayment':
      return capture(command, state)
    case 'VoidPayment':
      return release(command, state)
    case 'RefundPayment':
      return refund(command, state)
    case 'ExpireAuthorization':
      return expire(state)
    case 'RecordOutcome':
      return record(command, state)
    default:
      return command satisfies never
  }
}
