import type { SalesReport } from 'fanfold/client'
import { useMemo } from 'react'
import { Link } from 'wouter'
import { Card } from '../../ui/card.tsx'
import { formatMoney } from '../../ui/format.ts'
import { Async, Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { CsvButton } from './csv-button.tsx'
import { factsAddress } from './facts-address.ts'
import { type SalesQuery, useReport } from './use-report.ts'

const LEVELS = 6

interface CityRow {
  readonly city: string
  readonly total: number
  readonly cells: ReadonlyMap<string, number>
}

/** Cities as rows and categories as columns, those that bring most first. */
function arrange({ rows }: SalesReport) {
  const cities = new Map<string, Map<string, number>>()
  const categories = new Map<string, number>()
  for (const { city = '', category = '', price } of rows) {
    const cells = cities.get(city) ?? new Map<string, number>()
    cities.set(city, cells.set(category, price))
    categories.set(category, (categories.get(category) ?? 0) + price)
  }
  const most = Math.max(1, ...rows.map(({ price }) => price))
  const byCity = [...cities].map(([city, cells]): CityRow => {
    return { city, cells, total: [...cells.values()].reduce((sum, price) => sum + price, 0) }
  })
  return {
    most,
    cities: byCity.sort((a, b) => b.total - a.total),
    categories: [...categories].sort(([, a], [, b]) => b - a).map(([category]) => category),
  }
}

const levelOf = (price: number, most: number) => (price <= 0 ? 0 : Math.ceil((price / most) * LEVELS))

/** Where what was sold: a number and a colour in each cell, which leads to the facts behind it. */
export function HeatTable({ query }: { readonly query: SalesQuery }) {
  const grouped = { ...query, group_by: 'category,city' }
  const report = useReport(grouped)
  return (
    <Card
      title="Category by city"
      bare
      actions={<CsvButton query={grouped} fileName="sales-by-category-and-city.csv" of="category by city" />}
    >
      <Async of={report} what="Loading cities">
        {(found) => <Heat report={found} query={query} />}
      </Async>
    </Card>
  )
}

function Heat({ report, query }: { readonly report: SalesReport; readonly query: SalesQuery }) {
  const { cities, categories, most } = useMemo(() => arrange(report), [report])
  const currency = report.currency ?? query.currency ?? 'USD'
  const cell = (price: number | undefined, where: Partial<SalesQuery>, name: string) =>
    price === undefined ? (
      <span className="heat soft">none</span>
    ) : (
      <Link
        className="heat"
        data-level={levelOf(price, most)}
        data-negative={price < 0 || undefined}
        href={factsAddress({ ...query, currency, ...where })}
        aria-label={`${name}: ${formatMoney(price, currency)}, show the facts`}
      >
        {formatMoney(price, currency)}
      </Link>
    )
  const columns: readonly Column<CityRow>[] = [
    { header: 'City', cell: ({ city }) => <strong>{city}</strong> },
    ...categories.map(
      (category): Column<CityRow> => ({
        header: category,
        cell: ({ city, cells }) =>
          cell(cells.get(category), { product_category: category, shipping_city: city }, `${category} in ${city}`),
        isNumber: true,
      }),
    ),
    {
      header: 'All categories',
      cell: ({ city, total }) => (
        <Link
          className="heat total"
          href={factsAddress({ ...query, currency, shipping_city: city })}
          aria-label={`${city}: ${formatMoney(total, currency)}, show the facts`}
        >
          {formatMoney(total, currency)}
        </Link>
      ),
      isNumber: true,
    },
  ]
  return (
    <div className="heat-table">
      <Table
        label="Revenue by city and category"
        columns={columns}
        rows={cities}
        keyOf={({ city }) => city}
        empty={<Empty title="Nothing was sold" />}
      />
      <p className="table-foot">
        Deeper is more, up to {formatMoney(most, currency)} in one cell. A cell leads to the facts that add up to it.
      </p>
    </div>
  )
}
