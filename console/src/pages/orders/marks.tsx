import type { Order } from 'fanfold/client'
import { Badge, type Tone } from '../../ui/badge.tsx'

const STATUS: Record<Order['status'], Tone> = {
  PENDING: 'warn',
  PAID: 'info',
  SHIPPED: 'info',
  DELIVERED: 'ok',
  CANCELLED: 'plain',
}

const PAYMENT: Record<Order['payment_status'], Tone> = {
  unpaid: 'plain',
  partially_paid: 'warn',
  paid: 'ok',
  refund_due: 'bad',
  partially_refunded: 'info',
  refunded: 'info',
}

const FULFILLMENT: Record<Order['fulfillment_status'], Tone> = {
  unfulfilled: 'plain',
  partially_shipped: 'warn',
  shipped: 'info',
  delivered: 'ok',
  partially_returned: 'warn',
  returned: 'info',
  cancelled: 'plain',
}

export const ORDER_STATUSES = Object.keys(STATUS)
export const PAYMENT_STATUSES = Object.keys(PAYMENT)
export const FULFILLMENT_STATUSES = Object.keys(FULFILLMENT)

export const StatusMark = ({ of }: { readonly of: Order['status'] }) => <Badge tone={STATUS[of]}>{of}</Badge>

export const PaymentMark = ({ of }: { readonly of: Order['payment_status'] }) => <Badge tone={PAYMENT[of]}>{of}</Badge>

export const FulfillmentMark = ({ of }: { readonly of: Order['fulfillment_status'] }) => (
  <Badge tone={FULFILLMENT[of]}>{of}</Badge>
)
