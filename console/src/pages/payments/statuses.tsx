import type { Dispute, Payment, PaymentOperation, Settlement, SettlementItem } from 'fanfold/client'
import { Badge, type Tone } from '../../ui/badge.tsx'

const PAYMENT_TONES: Readonly<Record<Payment['status'], Tone>> = {
  initiated: 'plain',
  authorizing: 'info',
  requires_action: 'warn',
  declined: 'bad',
  authorized: 'info',
  partially_captured: 'ok',
  captured: 'ok',
  partially_refunded: 'plain',
  refunded: 'plain',
  voided: 'plain',
  expired: 'plain',
}

const OPERATION_TONES: Readonly<Record<PaymentOperation['status'], Tone>> = {
  requested: 'info',
  unknown: 'warn',
  review: 'bad',
  action_required: 'warn',
  succeeded: 'ok',
  failed: 'bad',
}

const DISPUTE_TONES: Readonly<Record<Dispute['status'], Tone>> = {
  needs_response: 'warn',
  under_review: 'info',
  won: 'ok',
  lost: 'bad',
}

const RESULT_TONES: Readonly<Record<SettlementItem['result'], Tone>> = {
  matched: 'ok',
  differing: 'bad',
  missing: 'bad',
  unknown: 'bad',
  not_compared: 'plain',
}

export const PaymentStatus = ({ of }: { readonly of: Payment['status'] }) => (
  <Badge tone={PAYMENT_TONES[of]}>{of}</Badge>
)

export const OperationStatus = ({ of }: { readonly of: PaymentOperation['status'] }) => (
  <Badge tone={OPERATION_TONES[of]}>{of}</Badge>
)

export const DisputeStatus = ({ of }: { readonly of: Dispute['status'] }) => (
  <Badge tone={DISPUTE_TONES[of]}>{of}</Badge>
)

export const ItemResult = ({ of }: { readonly of: SettlementItem['result'] }) => (
  <Badge tone={RESULT_TONES[of]}>{of}</Badge>
)

export const SettlementStatus = ({ of }: { readonly of: Settlement['status'] }) => (
  <Badge tone={of === 'reconciled' ? 'ok' : 'info'}>{of}</Badge>
)
