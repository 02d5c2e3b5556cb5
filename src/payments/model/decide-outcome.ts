import { AppError, assert } from '../../core/errors.ts'
import { fromMinor } from '../../core/money.ts'
import type { ProcessorOutcome } from '../processing/processor.ts'
import type { Command } from './commands.ts'
import type { PaymentEvent } from './events.ts'
import { illegal, openOf } from './refusals.ts'
import { capturableOf, captureAfter, failoverAfter, isFinished, type Operation, type PaymentState } from './state.ts'

type Outcome<Kind extends ProcessorOutcome['kind']> = Extract<ProcessorOutcome, { kind: Kind }>

/** An authorization may be for less than was asked, a void frees what there was; the rest is done whole or not at all. */
function isAsAsked(operation: Operation, outcome: Outcome<'succeeded'>, state: PaymentState): boolean {
  if (operation.kind === 'evidence') return true
  if (outcome.currency !== state.currency) return false
  if (operation.kind === 'void') return outcome.amount >= 0n
  if (operation.kind === 'authorize') return outcome.amount > 0n && outcome.amount <= operation.amount
  return outcome.amount === operation.amount
}

function authorized(operation: Operation, outcome: Outcome<'succeeded'>, state: PaymentState): PaymentEvent[] {
  const { opId } = operation
  const { expiresAtMs } = outcome
  const payload = {
    op_id: opId,
    amount: fromMinor(outcome.amount),
    reference: outcome.reference,
    ...(expiresAtMs === undefined ? {} : { expires_at: new Date(expiresAtMs).toISOString() }),
  }
  if (operation.kind === 'increment') return [{ type: 'INCREMENTED', payload }]
  // A part is not what the payer agreed to, so whoever sells decides whether to capture or to void it.
  if (outcome.amount < operation.amount) return [{ type: 'PARTIALLY_AUTHORIZED', payload }]
  const event: PaymentEvent = { type: 'AUTHORIZED', payload }
  // What is being voided was cancelled while it waited for the payer: it must not be captured now.
  if (state.captureMethod === 'manual' || openOf(state, ['void']) !== undefined) return [event]
  return [event, { type: 'CAPTURE_REQUESTED', payload: { op_id: captureAfter(opId), amount: payload.amount } }]
}

function captured(operation: Operation, outcome: Outcome<'succeeded'>, state: PaymentState): PaymentEvent[] {
  const payload = { op_id: operation.opId, amount: fromMinor(outcome.amount), reference: outcome.reference }
  // The capture's own reservation has become captured; what else can be captured is the rest.
  const rest = capturableOf(state)
  const event: PaymentEvent = { type: 'CAPTURED', payload }
  return operation.final && rest > 0n ? [event, { type: 'VOIDED', payload: { amount: fromMinor(rest) } }] : [event]
}

function succeed(operation: Operation, outcome: Outcome<'succeeded'>, state: PaymentState): PaymentEvent[] {
  const { opId, kind } = operation
  if (!isAsAsked(operation, outcome, state)) {
    const said = `${outcome.amount} ${outcome.currency}, not ${operation.amount} ${state.currency}`
    return doubt(operation, { detail: `the processor reports ${said}`, reference: outcome.reference, review: true })
  }
  const payload = { op_id: opId, amount: fromMinor(outcome.amount), reference: outcome.reference }
  switch (kind) {
    case 'authorize':
    case 'increment':
      return authorized(operation, outcome, state)
    case 'capture':
      return captured(operation, outcome, state)
    case 'void':
      return [{ type: 'VOIDED', payload }]
    case 'refund':
      return [{ type: 'REFUNDED', payload }]
    case 'evidence':
      return [{ type: 'EVIDENCE_SUBMITTED', payload: { ...payload, dispute_id: disputeOf(operation), amount: 0 } }]
    default:
      return kind satisfies never
  }
}

function disputeOf({ opId, disputeId }: Operation): string {
  assert(disputeId !== undefined, `evidence ${opId} is about no dispute`)
  return disputeId
}

/** The processor to ask next: the following one of the route that knows the payment method. */
function nextProcessor(operation: Operation, state: PaymentState): string | undefined {
  const later = state.route.slice(state.route.indexOf(operation.processor) + 1)
  return later.find((name) => state.paymentMethod.tokens?.[name] !== undefined)
}

function declined(operation: Operation, outcome: Outcome<'failed'>, state: PaymentState): PaymentEvent[] {
  const { opId } = operation
  const { code, message, advice } = outcome
  const amount = fromMinor(operation.amount)
  const event: PaymentEvent = {
    type: 'DECLINED',
    payload: { op_id: opId, amount, code, message, ...(advice === undefined ? {} : { advice }) },
  }
  const isCancelled = openOf(state, ['void']) !== undefined
  const processor = outcome.failover && !isCancelled ? nextProcessor(operation, state) : undefined
  if (processor === undefined) return [event]
  return [event, { type: 'AUTHORIZATION_REQUESTED', payload: { op_id: failoverAfter(opId), amount, processor } }]
}

const REFUSALS = {
  increment: 'INCREMENT_DECLINED',
  capture: 'CAPTURE_FAILED',
  void: 'VOID_FAILED',
  refund: 'REFUND_FAILED',
} as const

function fail(operation: Operation, outcome: Outcome<'failed'>, state: PaymentState): PaymentEvent[] {
  const { opId, kind } = operation
  if (kind === 'authorize') return declined(operation, outcome, state)
  const { code, message } = outcome
  const payload = { op_id: opId, amount: fromMinor(operation.amount), code, message }
  if (kind === 'evidence')
    return [{ type: 'EVIDENCE_FAILED', payload: { ...payload, dispute_id: disputeOf(operation) } }]
  return [{ type: REFUSALS[kind], payload }]
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
  const { opId, kind, status } = operation
  if (status === 'failed' && outcome.kind === 'succeeded' && outcome.currency === state.currency) {
    // A refund that came back has moved money there and back: the old news of its success says nothing new.
    if (kind === 'evidence' || operation.settled > 0n) return []
    const payload = { op_id: opId, amount: fromMinor(outcome.amount), reference: outcome.reference, kind }
    return [{ type: 'OUTCOME_CORRECTED', payload }]
  }
  if (status === 'succeeded' && kind === 'refund' && outcome.kind === 'failed') {
    const { code, message } = outcome
    const amount = fromMinor(operation.settled)
    return [{ type: 'REFUND_REVERSED', payload: { op_id: opId, amount, code, message } }]
  }
  return []
}

export function record(command: Command<'RecordOutcome'>, state: PaymentState): PaymentEvent[] {
  const { opId, outcome } = command
  const operation = state.operations.get(opId) ?? command.operation
  assert(operation !== undefined, `operation ${opId} is not one of this payment`)
  if (isFinished(operation)) return command.asFirst ? [] : contradict(operation, outcome, state)
  switch (outcome.kind) {
    case 'succeeded':
      return succeed(operation, outcome, state)
    case 'failed':
      return fail(operation, outcome, state)
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

export function resolveReview(command: Command<'ResolveReview'>, state: PaymentState): PaymentEvent[] {
  const { opId, decision, note, reference } = command
  const operation = state.operations.get(opId)
  if (operation?.status !== 'review') {
    throw new AppError('operation_not_in_review', `Operation ${opId} is ${operation?.status ?? 'finished'}`)
  }
  const resolved: PaymentEvent = { type: 'REVIEW_RESOLVED', payload: { op_id: opId, decision, note } }
  if (decision === 'ask_again') return [resolved]
  if (decision === 'failed') {
    const outcome = { kind: 'failed', code: 'resolved_by_operator', message: note } as const
    return [resolved, ...fail(operation, outcome, state)]
  }
  // What a void frees is known only when it is done: the authorization may have come after it was asked for.
  const usual = operation.kind === 'void' ? capturableOf(state) : operation.amount
  const amount = command.amount ?? usual
  const named = reference ?? operation.reference ?? opId
  const outcome = { kind: 'succeeded', amount, currency: state.currency, reference: named } as const
  if (!isAsAsked(operation, outcome, state)) {
    throw illegal(state, 'settled so', `its ${operation.kind} was for ${operation.amount}, not for ${amount}`)
  }
  return [resolved, ...succeed(operation, outcome, state)]
}
