import type { Payment } from 'fanfold/client'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { Card, Facts } from '../../ui/card.tsx'
import { Money, Time } from '../../ui/values.tsx'
import { None, OrderLink } from './links.tsx'

const HIDDEN = {
  erased: 'erased for good',
  locked: 'under a key that is not here',
  damaged: 'changed in the database; they can not be read',
} as const

/** What a payment is, besides its sums. */
export function FactsCard({ payment }: { readonly payment: Payment }) {
  const { payment_method: method, last_error: error, next_action: action, customer_id: customer } = payment
  const rows: readonly (readonly [string, ReactNode])[] = [
    ['Order', payment.order_id === null ? <None key="order" /> : <OrderLink key="order" id={payment.order_id} />],
    [
      'Customer',
      customer === null ? (
        <None key="customer" />
      ) : (
        <Link key="customer" href={`/?customer_id=${encodeURIComponent(customer)}`} className="mono">
          {customer}
        </Link>
      ),
    ],
    ['Amount', <Money key="amount" minor={payment.amount} currency={payment.currency} />],
    ['Capture', payment.capture_method],
    ['Method', [method.type, method.brand, method.last4 && `ending in ${method.last4}`].filter(Boolean).join(', ')],
    [
      'Token',
      <span key="token" className="mono">
        {method.token}
      </span>,
    ],
    ['Processor', payment.processor],
    ['Route', payment.route.join(', then ')],
    [
      'Authorized until',
      payment.authorized_until === null ? <None key="until" /> : <Time key="until" at={payment.authorized_until} />,
    ],
    ['Created', <Time key="created" at={payment.created_at} seconds />],
    ['Last event', <Time key="updated" at={payment.updated_at} seconds />],
    ['Billing details', <Billing key="billing" payment={payment} />],
    ...Object.entries(payment.metadata).map(([name, value]) => [name, value] as const),
  ]
  return (
    <Card title="Payment">
      {error === undefined ? null : (
        <div className="notice" data-tone="bad">
          <strong>
            The processor refused: <code>{error.code}</code>
          </strong>
          <span>{error.message}</span>
          {error.advice === undefined ? null : <span>Advice: {error.advice}</span>}
        </div>
      )}
      {action === undefined ? null : (
        <div className="notice" data-tone="warn">
          <strong>The buyer must act: {action.type}</strong>
          {action.url === undefined ? null : <span className="mono">{action.url}</span>}
        </div>
      )}
      <Facts of={rows} />
    </Card>
  )
}

function Billing({ payment }: { readonly payment: Payment }) {
  if (payment.personal_data !== undefined) return <span className="soft">{HIDDEN[payment.personal_data]}</span>
  if (payment.billing_details === null) return <None />
  return <>{Object.values(payment.billing_details).join(', ')}</>
}
