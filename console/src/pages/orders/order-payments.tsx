import { useQuery } from '@tanstack/react-query'
import type { Order } from 'fanfold/client'
import { Link } from 'wouter'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { PAGE_ROWS } from '../../data/use-list.ts'
import { Card } from '../../ui/card.tsx'
import { Async, Empty } from '../../ui/states.tsx'
import { Table } from '../../ui/table.tsx'
import { Money } from '../../ui/values.tsx'

/** What each payment has brought; those that have brought nothing yet are known to keys that may see payments. */
export function OrderPayments({ order, isPast }: { readonly order: Order; readonly isPast: boolean }) {
  const { can } = useSession()
  return (
    <Card
      title="Payments"
      bare
      actions={
        can('payments:read') ? (
          <Link href={`~/console/payments?order_id=${order.order_id}`}>All of this order</Link>
        ) : undefined
      }
    >
      {can('payments:read') && !isPast ? <AllPayments order={order} /> : <Brought order={order} />}
    </Card>
  )
}

function Brought({ order }: { readonly order: Order }) {
  return (
    <Table
      label="What payments have brought"
      columns={[
        { header: 'Payment', cell: (one) => <span className="mono">{one.payment_intent_id}</span> },
        { header: 'Captured', cell: (one) => <Money minor={one.captured} currency={order.currency} />, isNumber: true },
        { header: 'Refunded', cell: (one) => <Money minor={one.refunded} currency={order.currency} />, isNumber: true },
      ]}
      rows={order.payments}
      keyOf={(one) => one.payment_intent_id}
      empty={<Empty title="No payment has brought anything" />}
    />
  )
}

function AllPayments({ order }: { readonly order: Order }) {
  const { client } = useSession()
  const payments = useQuery({
    queryKey: ['payments', 'of-order', order.order_id, order.version],
    queryFn: ({ signal }) =>
      client.get('/v1/payments', { params: { query: { order_id: order.order_id, limit: PAGE_ROWS } }, signal }),
    refetchInterval: SLOW_MS,
    placeholderData: (before) => before,
  })
  return (
    <Async of={payments} what="Loading payments">
      {({ items }) => (
        <Table
          label="Payments of the order"
          columns={[
            {
              header: 'Payment',
              cell: (one) => (
                <Link className="mono" href={`~/console/payments/${encodeURIComponent(one.payment_intent_id)}`}>
                  {one.payment_intent_id}
                </Link>
              ),
            },
            { header: 'Status', cell: (one) => one.status },
            {
              header: 'Captured',
              cell: (one) => (
                <>
                  <Money minor={one.captured} currency={one.currency} />
                  {one.refunded === 0 ? null : (
                    <div className="small soft">
                      <Money minor={-one.refunded} currency={one.currency} /> refunded
                    </div>
                  )}
                </>
              ),
              isNumber: true,
            },
          ]}
          rows={items}
          keyOf={(one) => one.payment_intent_id}
          empty={
            <Empty title="No payment yet">
              <p>POST /v1/payments with this order_id pays for it; captured in full, it makes the order PAID.</p>
            </Empty>
          }
        />
      )}
    </Async>
  )
}
