import type { Order, paths } from 'fanfold/client'
import { Link } from 'wouter'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { useFilters } from '../../data/use-filters.ts'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { formatCount } from '../../ui/format.ts'
import { ListTable } from '../../ui/list-table.tsx'
import { Page } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Money, Time } from '../../ui/values.tsx'
import { FulfillmentMark, PaymentMark, StatusMark } from './marks.tsx'
import { FILTERS, OrderFilters } from './order-filters.tsx'

type Query = NonNullable<paths['/v1/orders']['get']['parameters']['query']>

const COLUMNS: readonly Column<Order>[] = [
  {
    header: 'Number',
    cell: (order) => (
      <Link className="mono" href={`/${order.order_id}`}>
        {order.order_number}
      </Link>
    ),
  },
  { header: 'Placed', cell: (order) => <Time at={order.order_date} /> },
  { header: 'Status', cell: (order) => <StatusMark of={order.status} /> },
  { header: 'Payment', cell: (order) => <PaymentMark of={order.payment_status} /> },
  { header: 'Fulfilment', cell: (order) => <FulfillmentMark of={order.fulfillment_status} /> },
  { header: 'Customer', cell: (order) => <span className="mono">{order.customer_id}</span> },
  {
    header: 'City',
    cell: ({ shipping_address: { city, country } }) => <span className="whole">{`${city}, ${country}`}</span>,
  },
  {
    header: 'Units',
    cell: (order) => formatCount(order.items.reduce((sum, { quantity }) => sum + quantity, 0)),
    isNumber: true,
  },
  { header: 'Owed', cell: (order) => <Money minor={order.owed_total} currency={order.currency} />, isNumber: true },
]

export function OrderList() {
  const { can, client } = useSession()
  const { filters, setFilters } = useFilters(FILTERS)
  const list = useList<Order>(
    ['orders', 'list', filters],
    (cursor, signal) => {
      const query = { ...filters, limit: PAGE_ROWS, ...(cursor === undefined ? {} : { cursor }) } as Query
      return client.get('/v1/orders', { params: { query }, signal })
    },
    { refetchMs: SLOW_MS },
  )
  const isFiltered = Object.keys(filters).length > 0
  const place = can('orders') ? (
    <Link className="button" data-kind="primary" href="/new">
      Place an order
    </Link>
  ) : undefined
  return (
    <Page title="Orders" actions={place}>
      <OrderFilters filters={filters} onFilter={setFilters} error={list.error} />
      <ListTable
        list={list}
        what="Loading orders"
        tall
        label="Orders, newest first"
        columns={COLUMNS}
        keyOf={(order) => order.order_id}
        empty={
          <Empty title={isFiltered ? 'No order matches all of these filters' : 'No orders yet'}>
            <p>
              {isFiltered
                ? 'Texts are found by whole words; a new order is found by text a moment after it was placed.'
                : 'Place one here, with POST /v1/orders, or fill a world to look at with “fanfold demo”.'}
            </p>
          </Empty>
        }
      />
    </Page>
  )
}
