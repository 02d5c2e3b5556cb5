import type { SalesDimension, SalesFigures, SalesQuery, SalesReportStore, SalesRow } from '../../orders/ports.ts'
import type { SqlClient, SqlParam, SqlTx } from '../sql/sql.ts'
import { SALES_REPORT } from './report-projection.ts'

// The oldest event behind the checkpoint of any shard: everything before it is in the report.
const OLDEST_MISSING = `
select min(h.timestamp) as at
from projections p
join projection_checkpoints c on c.projection = p.name and c.generation = p.live_generation
join order_history h on h.shard = c.shard and h.event_id = c.last_event_id + 1
where p.name = $1`

/** Expression of each dimension, made of the day that counts. */
const DIMENSIONS: Readonly<Record<SalesDimension, (day: string) => string>> = {
  day: (day) => `${day}::text`,
  month: (day) => `to_char(${day}, 'YYYY-MM')`,
  category: () => 'product_category',
  city: () => 'shipping_city',
}

interface FiguresRow {
  currency: string
  price: bigint
  quantity: bigint
  orders: bigint
}

type GroupRow = FiguresRow & { [D in SalesDimension]?: string }

const toFigures = (row: FiguresRow): SalesFigures => ({
  currency: row.currency,
  price: row.price,
  quantity: Number(row.quantity),
  orders: Number(row.orders),
})

/** The conditions that a query has, each a constant text with the number of its parameter. */
function conditionsOf(query: SalesQuery): { where: string; params: SqlParam[] } {
  const params: SqlParam[] = []
  const conditions: string[] = []
  const add = (text: string, value: string | undefined) => {
    if (value === undefined) return
    params.push(value)
    conditions.push(`${text} $${params.length}`)
  }
  add('product_category =', query.productCategory)
  add('shipping_city =', query.shippingCity)
  add('currency =', query.currency)
  add(`${query.dayOf} >=`, query.from)
  add(`${query.dayOf} <=`, query.to)
  return { where: conditions.length === 0 ? 'true' : conditions.join(' and '), params }
}

/**
 * Sums per order first: an order counts in a group while units of it are left there. In text only names from this file
 * and from the query's fixed sets stand, so there is a bounded number of texts.
 */
function statementOf(query: SalesQuery, dimensions: readonly SalesDimension[], where: string, limit: string): string {
  const named = dimensions.map((name) => `${DIMENSIONS[name](query.dayOf)} as ${name}`)
  const names = [...dimensions, 'currency']
  return `
    select ${names.join(', ')}, sum(price)::bigint as price, sum(quantity)::bigint as quantity,
      count(*) filter (where quantity > 0) as orders
    from (
      select ${[...named, 'currency'].join(', ')}, order_id, sum(price) as price, sum(quantity) as quantity
      from daily_sales_report where ${where}
      group by ${[...named.map((_, index) => index + 1), named.length + 1].join(', ')}, order_id) as per_order
    group by ${names.join(', ')} order by ${names.join(', ')} ${limit}`
}

function toRow(row: GroupRow, dimensions: readonly SalesDimension[]): SalesRow {
  return { ...toFigures(row), group: Object.fromEntries(dimensions.map((name) => [name, row[name]])) }
}

async function readSales(tx: SqlTx, query: SalesQuery) {
  const { where, params } = conditionsOf(query)
  const dimensions = [...new Set(query.groupBy)]
  const [oldest] = await tx.query<{ at: Date | null }>(OLDEST_MISSING, [SALES_REPORT])
  const totals = await tx.query<FiguresRow>(statementOf(query, [], where, ''), params)
  const rows =
    dimensions.length === 0
      ? []
      : await tx.query<GroupRow>(statementOf(query, dimensions, where, `limit $${params.length + 1}`), [
          ...params,
          query.rowsMax + 1,
        ])
  return {
    totals: totals.map(toFigures),
    rows: rows.map((row) => toRow(row, dimensions)),
    oldestMissingMs: oldest?.at?.getTime(),
  }
}

export function openSalesReportStore(sql: SqlClient): SalesReportStore {
  return {
    sales: (query) => sql.transaction((tx) => readSales(tx, query), { snapshot: true }),
  }
}
