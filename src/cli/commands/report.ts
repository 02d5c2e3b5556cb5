import { formatMinor } from '../../core/money.ts'
import type { SalesReport, SalesReportQuery } from '../../orders/schemas.ts'
import { type Command, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { type Cell, table } from '../table.ts'

/** Flags are the query parameters of `GET /v1/reports/sales`, with dashes. */
const FILTERS = {
  'product-category': 'Only this category',
  'shipping-city': 'Only this city',
  from: 'First day, YYYY-MM-DD',
  to: 'Last day, included',
  'group-by': 'Rows by day, month, category, city; several with commas',
  currency: 'Only sales in this currency',
  'day-of': 'sale_day (default) or booked_day',
} as const

function show(report: SalesReport): string {
  const { currency } = report
  const money = (price: number) => (currency === null ? String(price) : formatMinor(BigInt(price), currency))
  const groups = (['day', 'month', 'category', 'city'] as const).filter((group) =>
    report.rows.some((row) => group in row),
  )
  const line = (row: SalesReport['rows'][number], first: string): Cell[] => [
    ...groups.map((group, index) => row[group] ?? (index === 0 ? first : '')),
    money(row.price),
    row.quantity,
    row.orders,
  ]
  const head = [...groups, currency ?? 'price', 'quantity', 'orders']
  const rows = report.rows.map((row) => line(row, ''))
  return table(head, rows.length === 0 ? [line(report.total, '')] : [...rows, line(report.total, 'total')])
}

export const report: Command = {
  name: 'report',
  about: 'Print the sales report',
  usage: 'sales',
  options: Object.fromEntries(
    Object.entries(FILTERS).map(([name, about]) => [name, { type: 'string', value: 'X', about } as const]),
  ),
  examples: [
    'fanfold report sales',
    'fanfold report sales --product-category Technology --shipping-city "New York City"',
    'fanfold report sales --from 2026-01-01 --to 2026-03-31 --group-by month,category --json',
  ],
  async run({ config, positionals, options, json, terminal }) {
    if (positionals[0] !== 'sales') throw new UsageError('say which report: sales')
    const query = Object.fromEntries(
      Object.keys(FILTERS).flatMap((name) =>
        options[name] === undefined ? [] : [[name.replaceAll('-', '_'), options[name]]],
      ),
    ) as SalesReportQuery
    const answer = await withFanfold(config, (fanfold) => fanfold.orders.salesReport(query))
    terminal.out(json ? JSON.stringify(answer) : show(answer))
    if (!json) terminal.say(`Fresh as of ${answer.fresh_as_of}`)
    return 0
  },
}
