import type { Product, ProductPrice } from 'fanfold/client'
import { useCallback, useMemo } from 'react'
import { useSession } from '../../data/session.tsx'
import { asQuestion, PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Card } from '../../ui/card.tsx'
import { Chart } from '../../ui/chart.tsx'
import { formatMoney } from '../../ui/format.ts'
import { Async, Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Money, Time } from '../../ui/values.tsx'

const COLUMNS: readonly Column<ProductPrice>[] = [
  { header: 'From', cell: ({ valid_from: at }) => <Time at={at} seconds /> },
  {
    header: 'Price',
    cell: ({ price, currency }) => (price === null ? 'not sold any more' : <Money minor={price} currency={currency} />),
    isNumber: true,
  },
  { header: 'Currency', cell: ({ currency }) => currency },
  { header: 'Version', cell: ({ product_version: version }) => version, isNumber: true },
  { header: 'Set by', cell: ({ actor }) => <span className="mono">{actor}</span> },
]

/** The prices it had, drawn and listed. */
export function PriceHistory({ product }: { readonly product: Product }) {
  const { client } = useSession()
  const { product_id: id } = product
  const list = useList<ProductPrice>(['products', id, 'prices'], (cursor, signal) => {
    const query = { limit: PAGE_ROWS, ...(cursor === undefined ? {} : { cursor }) }
    return client.get('/v1/products/{product_id}/prices', { params: { path: { product_id: id }, query }, signal })
  })
  return (
    <Card title="Price history">
      <Async of={asQuestion(list)} what="Loading prices">
        {(rows) => (
          <div className="price-history">
            <PriceChart rows={rows} currency={product.currency} />
            <Table
              label="Prices, newest first"
              columns={COLUMNS}
              rows={rows}
              keyOf={({ product_version: version, currency }) => `${version} ${currency}`}
              more={list.more}
              empty={<Empty title="No prices" />}
            />
          </div>
        )}
      </Async>
    </Card>
  )
}

interface PriceChartProps {
  /** Newest first. */
  readonly rows: readonly ProductPrice[]
  readonly currency: string
}

/** A price holds until the next one, so that it is drawn in steps; what is not loaded yet is not drawn. */
function PriceChart({ rows, currency }: PriceChartProps) {
  const [times, values] = useMemo(() => {
    const own = rows.filter((row) => row.currency === currency).toReversed()
    const steps = own.flatMap(({ price, valid_from: from }, index) => {
      const next = own[index + 1]
      const until = next === undefined ? Date.now() : Date.parse(next.valid_from) - 1
      return [[Date.parse(from), price] as const, [Math.max(until, Date.parse(from) + 1), price] as const]
    })
    return [steps.map(([at]) => at), steps.map(([, price]) => price)]
  }, [rows, currency])
  const series = useMemo(() => [{ label: `Price in ${currency}`, values }], [currency, values])
  const format = useCallback((minor: number) => formatMoney(minor, currency), [currency])
  if (times.length === 0) return null
  return <Chart label={`Price of one unit over time, in ${currency}`} times={times} series={series} format={format} />
}
