import { AppError } from '../../core/errors.ts'
import { fromMinor } from '../../core/money.ts'
import type { Command, PaymentCommand } from './commands.ts'
import { closeDispute, openDispute, submitEvidence } from './decide-dispute.ts'
import { record, resolveReview } from './decide-outcome.ts'
import type { PaymentEvent } from './events.ts'
import { exceeds, illegal, openOf, refuseDuring } from './refusals.ts'
import { capturableOf, expiresAtMs, type PaymentState, refundableOf } from './state.ts'

function create(command: Command<'CreatePayment'>, state: PaymentState): PaymentEvent[] {
  if (state.version > 0) throw new AppError('already_exists', 'This payment exists already')
  const { amount, currency, customerId, orderId, paymentMethod, captureMethod, route, metadata, personal } = command
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
        route,
        ...(metadata === undefined ? {} : { metadata }),
        ...(personal === undefined ? {} : { personal }),
      },
    },
  ]
}

function authorize({ opId, paymentMethod }: Command<'AuthorizePayment'>, state: PaymentState): PaymentEvent[] {
  if (state.phase !== 'initiated' && state.phase !== 'declined')
    throw illegal(state, 'authorized', 'only a new or a declined one can')
  // A void that nobody knows the end of is about the authorization before; sent again, it would free this one.
  refuseDuring(state, 'authorized', ['void'])
  const [processor] = state.route
  const payload = {
    op_id: opId,
    amount: fromMinor(state.amount),
    ...(processor === undefined ? {} : { processor }),
    ...(paymentMethod === undefined ? {} : { payment_method: paymentMethod }),
  }
  return [{ type: 'AUTHORIZATION_REQUESTED', payload }]
}

function increment({ opId, amount }: Command<'IncrementAuthorization'>, state: PaymentState): PaymentEvent[] {
  const deed = 'authorized for more'
  if (state.orderId !== undefined) throw illegal(state, deed, 'its amount is that of its order')
  if (state.phase !== 'authorized') throw illegal(state, deed, 'nothing is authorized')
  if (capturableOf(state) === 0n) throw illegal(state, deed, 'all that was authorized is captured')
  refuseDuring(state, deed, ['increment', 'capture', 'void'])
  return [{ type: 'INCREMENT_REQUESTED', payload: { op_id: opId, amount: fromMinor(amount) } }]
}

function capture({ opId, amount, final }: Command<'CapturePayment'>, state: PaymentState): PaymentEvent[] {
  if (state.phase !== 'authorized') throw illegal(state, 'captured', 'nothing is authorized')
  refuseDuring(state, 'captured', final ? ['void', 'increment', 'capture'] : ['void', 'increment'])
  const open = openOf(state, ['capture'])
  if (open?.final) throw illegal(state, 'captured', 'its final capture is under way')
  const capturable = capturableOf(state)
  if (amount === undefined && capturable === 0n) throw illegal(state, 'captured', 'nothing is left to capture')
  const asked = amount ?? capturable
  if (asked > capturable) throw exceeds('capturable', asked, capturable, state.currency)
  const payload = { op_id: opId, amount: fromMinor(asked), ...(final ? { final } : {}) }
  return [{ type: 'CAPTURE_REQUESTED', payload }]
}

function release({ opId }: Command<'VoidPayment'>, state: PaymentState): PaymentEvent[] {
  if (state.phase === 'initiated' || state.phase === 'declined') return [{ type: 'VOIDED', payload: { amount: 0 } }]
  refuseDuring(state, 'voided', ['void', 'capture', 'increment'])
  if (state.phase === 'requires_action') return [{ type: 'VOID_REQUESTED', payload: { op_id: opId, amount: 0 } }]
  if (state.phase !== 'authorized') throw illegal(state, 'voided', 'nothing is authorized')
  const amount = capturableOf(state)
  if (amount === 0n) throw illegal(state, 'voided', 'all of it is captured; refund it instead')
  return [{ type: 'VOID_REQUESTED', payload: { op_id: opId, amount: fromMinor(amount) } }]
}

function refund({ opId, amount, reason }: Command<'RefundPayment'>, state: PaymentState): PaymentEvent[] {
  if (state.captured === 0n) throw illegal(state, 'refunded', 'nothing is captured')
  const refundable = refundableOf(state)
  if (amount === undefined && refundable === 0n) {
    const why = state.disputed > 0n ? 'what is left of it is in dispute' : 'nothing is left to refund'
    throw illegal(state, 'refunded', why)
  }
  const asked = amount ?? refundable
  if (asked > refundable) throw exceeds('refundable', asked, refundable, state.currency)
  const payload = { op_id: opId, amount: fromMinor(asked), ...(reason === undefined ? {} : { reason }) }
  return [{ type: 'REFUND_REQUESTED', payload }]
}

/** What is under way may still take or free what has run out, so it comes first; the worker looks again. */
function expire({ nowMs }: Command<'ExpireAuthorization'>, state: PaymentState): PaymentEvent[] {
  const untilMs = expiresAtMs(state)
  if (untilMs === undefined || untilMs > nowMs) return []
  if (openOf(state, ['capture', 'void', 'increment']) !== undefined) return []
  return [{ type: 'AUTHORIZATION_EXPIRED', payload: { amount: fromMinor(capturableOf(state)) } }]
}

/**
 * The events that a command makes of a state; none when it changes nothing. A command that the rules refuse throws
 * `illegal_payment_state`, `amount_exceeds_capturable`, `amount_exceeds_refundable` or `dispute_not_found`. What a
 * processor tells is never refused: it has happened.
 */
export function decide(command: PaymentCommand, state: PaymentState): PaymentEvent[] {
  switch (command.type) {
    case 'CreatePayment':
      return create(command, state)
    case 'AuthorizePayment':
      return authorize(command, state)
    case 'IncrementAuthorization':
      return increment(command, state)
    case 'CapturePayment':
      return capture(command, state)
    case 'VoidPayment':
      return release(command, state)
    case 'RefundPayment':
      return refund(command, state)
    case 'ExpireAuthorization':
      return expire(command, state)
    case 'OpenDispute':
      return openDispute(command, state)
    case 'SubmitEvidence':
      return submitEvidence(command, state)
    case 'CloseDispute':
      return closeDispute(command, state)
    case 'RecordOutcome':
      return record(command, state)
    case 'ResolveReview':
      return resolveReview(command, state)
    default:
      return command satisfies never
  }
}
