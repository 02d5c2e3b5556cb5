import type { SalesReportRow } from 'fanfold/client'
import { Link } from 'wouter'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { formatCount, formatMoney } from '../../ui/format.ts'
import { Async, Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { CsvButton } from './csv-button.tsx'
import { Delta } from './delta.tsx'
import { factsAddress } from './facts-address.ts'
import { OrdersLink } from './orders-link.tsx'
import { type SalesQuery, useReport } from './use-report.ts'

/** What is paid for shipping is in the report as this product, which nobody can open. */
const SHIPPING = 'shipping'
const TOP = 10

interface TopProductsProps {
  readonly query: SalesQuery
  readonly compare: boolean
  readonly by: 'price' | 'quantity'
  onBy(by: 'price' | 'quantity'): void
}

export function TopProducts({ query, compare, by, onBy }: TopProductsProps) {
  const best: SalesQuery = { ...query, top: TOP, by, ...(compare ? { compare: 'previous' } : {}) }
  const report = useReport(best)
  return (
    <Card
      title="Top products"
      bare
      actions={
        <>
          <Button aria-pressed={by === 'price'} onClick={() => onBy('price')}>
            By revenue
          </Button>
          <Button aria-pressed={by === 'quantity'} onClick={() => onBy('quantity')}>
            By units
          </Button>
          <CsvButton query={best} fileName="top-products.csv" of="top products" />
        </>
      }
    >
      <Async of={report} what="Loading products">
        {({ rows, currency }) => (
          <Table
            label={`Top products by ${by === 'price' ? 'revenue' : 'units'}`}
            columns={columnsOf(rows, { ...query, ...(currency === null ? {} : { currency }) }, compare)}
            rows={rows}
            keyOf={({ product = '' }) => product}
            empty={<Empty title="Nothing was sold" />}
          />
        )}
      </Async>
    </Card>
  )
}

function columnsOf(
  rows: readonly SalesReportRow[],
  query: SalesQuery,
  compare: boolean,
): readonly Column<SalesReportRow>[] {
  const currency = query.currency ?? 'USD'
  const change: Column<SalesReportRow> = {
    header: 'Revenue before',
    cell: ({ price, previous }) =>
      previous === undefined ? null : <Delta now={price} before={previous.price} currency={currency} />,
    isNumber: true,
  }
  return [
    { header: 'Place', cell: (row) => rows.indexOf(row) + 1, isNumber: true },
    {
      header: 'Product',
      cell: ({ product = '', product_name: name }) =>
        product === SHIPPING ? (
          'Shipping'
        ) : (
          <OrdersLink className="report-product" to={`/products/${encodeURIComponent(product)}`}>
            {name ?? product}
          </OrdersLink>
        ),
    },
    {
      header: 'Revenue',
      cell: ({ product = '', product_name: name, price }) => (
        <Link
          href={factsAddress({ ...query, product_id: product })}
          aria-label={`${name ?? product}: ${formatMoney(price, currency)}, show the facts`}
        >
          {formatMoney(price, currency)}
        </Link>
      ),
      isNumber: true,
    },
    { header: 'Units', cell: ({ quantity }) => formatCount(quantity), isNumber: true },
    { header: 'Orders', cell: ({ orders }) => formatCount(orders), isNumber: true },
    ...(compare ? [change] : []),
  ]
}
