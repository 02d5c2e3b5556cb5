import { AppError } from '../../core/errors.ts'
import type {
  SalesAnswers,
  SalesDimension,
  SalesFreshness,
  SalesQuery,
  SalesRead,
  SalesReportStore,
  SalesRow,
} from '../../orders/ports.ts'
import { SALES_REPORT } from './report-tables.ts'
import type { SqlClient, SqlParam, SqlRunner } from './sql.ts'

interface FreshRow {
  oldest: Date | null
  lag_events: bigint
}

interface FiguresRow {
  currency: string
  price: bigint
  tax: bigint
  quantity: bigint
  orders: bigint
  product_name?: string | null
}

type GroupRow = FreshRow & (FiguresRow | { price: null }) & { [D in SalesDimension]?: string }

/** How a dialect asks. Each answer has `oldest, lag_events` in every row, and one row without a `price` when it is empty. */
export interface SalesDialect {
  statementOf(read: SalesRead): { readonly text: string; readonly params: readonly SqlParam[] }
  /** Throws `report_archived` when rows of these days are not in the report any more. */
  refuseArchived(tx: SqlRunner, query: Pick<SalesQuery, 'dayOf' | 'from' | 'to'>): Promise<void>
}

function toRow(row: FiguresRow & { [D in SalesDimension]?: string }, { groupBy }: SalesQuery): SalesRow {
  return {
    currency: row.currency,
    price: row.price,
    tax: row.tax,
    quantity: Number(row.quantity),
    orders: Number(row.orders),
    group: Object.fromEntries(groupBy.map((name) => [name, row[name]])),
    ...(row.product_name == null ? {} : { productName: row.product_name }),
  }
}

export function createSalesReader(sql: SqlClient, dialect: SalesDialect): Pick<SalesReportStore, 'sales'> {
  async function readOne(tx: SqlRunner, read: SalesRead): Promise<SalesFreshness & { rows: SalesRow[] }> {
    const { query, plan } = read
    if (plan.source === 'facts') await dialect.refuseArchived(tx, query)
    const { text, params } = dialect.statementOf(read)
    const found = await tx.query<GroupRow>(text, params)
    const [fresh] = found
    if (fresh === undefined) throw new AppError('projection_not_found', `No projection is named "${SALES_REPORT}"`)
    const rows = found.flatMap((row) => (row.price === null ? [] : [toRow(row, query)]))
    return { rows, oldestMissingMs: fresh.oldest?.getTime(), lagEvents: Number(fresh.lag_events) }
  }

  async function readAll(tx: SqlRunner, reads: readonly SalesRead[]): Promise<SalesAnswers> {
    const found: Awaited<ReturnType<typeof readOne>>[] = []
    for (const read of reads) found.push(await readOne(tx, read))
    const { oldestMissingMs, lagEvents } = found[0]!
    return { answers: found.map(({ rows }) => rows), oldestMissingMs, lagEvents }
  }

  return {
    sales(reads) {
      // One statement is a snapshot by itself.
      const isOne = reads.length === 1 && reads[0]!.plan.source === 'rollups'
      return isOne ? readAll(sql, reads) : sql.transaction((tx) => readAll(tx, reads), { snapshot: true })
    },
  }
}
