import type { Order, OrderItem } from 'fanfold/client'
import { Link } from 'wouter'
import { Card } from '../../ui/card.tsx'
import { formatCount } from '../../ui/format.ts'
import { Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Money } from '../../ui/values.tsx'

/** Units of a line that are neither shipped nor cancelled. */
export const openUnits = (line: OrderItem): number => line.quantity - line.quantity_shipped - line.quantity_cancelled

/** Units of a line that left and did not come back. */
export const keptUnits = (line: OrderItem): number => line.quantity_shipped - line.quantity_returned

const units = (header: string, of: (line: OrderItem) => number): Column<OrderItem> => ({
  header,
  cell: (line) => (of(line) === 0 ? <span className="soft">0</span> : formatCount(of(line))),
  isNumber: true,
})

const columnsOf = (currency: string): readonly Column<OrderItem>[] => {
  const money = (header: string, of: (line: OrderItem) => number): Column<OrderItem> => ({
    header,
    cell: (line) => <Money minor={of(line)} currency={currency} />,
    isNumber: true,
  })
  return [
    { header: 'Line', cell: (line) => line.line_no, isNumber: true },
    {
      header: 'Product',
      cell: (line) => (
        <div className="bought">
          <Link href={`~/console/products/${encodeURIComponent(line.product_id)}`}>{line.product_name}</Link>
          <br />
          <span className="small soft">
            {line.product_category} · {line.sku} · from {line.location_id}
          </span>
        </div>
      ),
    },
    money('Price then', (line) => line.price_at_time_of_purchase),
    units('Ordered', (line) => line.quantity),
    units('Open', openUnits),
    units('Shipped', (line) => line.quantity_shipped),
    units('Cancelled', (line) => line.quantity_cancelled),
    units('Returned', (line) => line.quantity_returned),
    money('Discount', (line) => line.discount),
    money('Amount', (line) => line.amount),
    money('Tax', (line) => line.tax),
  ]
}

/** The lines with the prices of their moment, and what became of their units. */
export function OrderLines({ order }: { readonly order: Order }) {
  return (
    <Card title="Lines" bare>
      <Table
        label="Lines of the order"
        columns={columnsOf(order.currency)}
        rows={order.items}
        keyOf={(line) => line.line_item_id}
        empty={<Empty title="No lines" />}
      />
    </Card>
  )
}
