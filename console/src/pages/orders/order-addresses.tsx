import type { Order } from 'fanfold/client'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { Card, Facts } from '../../ui/card.tsx'
import { Time } from '../../ui/values.tsx'

const LINES = ['name', 'line1', 'line2'] as const

/** Whom the order goes to, who is billed, and what was said with it. */
export function OrderAddresses({ order }: { readonly order: Order }) {
  const { shipping_address: address, billing, gift, metadata } = order
  const place = [address.postal_code, address.city, address.region, address.country].filter(
    (part) => part !== undefined,
  )
  const facts: (readonly [string, ReactNode])[] = [
    [
      'Ships to',
      <address key="address">
        {LINES.map((line) => (address[line] === undefined ? null : <div key={line}>{address[line]}</div>))}
        <div>{place.join(', ')}</div>
      </address>,
    ],
    [
      'Customer',
      <Link key="customer" className="mono" href={`/?customer_id=${encodeURIComponent(order.customer_id)}`}>
        {order.customer_id}
      </Link>,
    ],
    ['Placed', <Time key="placed" at={order.order_date} seconds />],
    ['Day of the store', `${order.business_day} (${order.time_zone})`],
    ['Origin', order.origin],
    [
      'Order id',
      <span key="id" className="mono">
        {order.order_id}
      </span>,
    ],
  ]
  if (billing !== undefined) facts.push(['Billing', Object.values(billing).map(String).join(', ')])
  if (gift !== undefined)
    facts.push([
      'Gift',
      Object.entries(gift)
        .map(([name, text]) => `${name}: ${text}`)
        .join(', '),
    ])
  if (order.note !== undefined) facts.push(['Note', order.note])
  for (const [name, text] of Object.entries(metadata)) facts.push([name, text])
  return (
    <Card title="Address and origin">
      <Facts of={facts} />
    </Card>
  )
}
