import { formatMinor } from '../../core/money.ts'
import { salesReportCsv } from '../../orders/report/csv.ts'
import type { SalesReport, SalesReportQuery } from '../../orders/schemas.ts'
import { type Command, type CommandRun, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { type Cell, table } from '../table.ts'
import { writeExport } from './export-file.ts'
import { reportSettlement } from './settlement.ts'

/** Flags are the query parameters of `GET /v1/reports/sales`, with dashes. */
const FILTERS = {
  'product-category': 'Only this category',
  'product-id': 'Only this product',
  'shipping-city': 'Only this city',
  'shipping-region': 'Only this region',
  'shipping-country': 'Only this country',
  kind: 'Only amounts of this kind: sale, cancel, return, edit, move',
  from: 'First day, YYYY-MM-DD',
  to: 'Last day, included',
  'group-by': 'Rows by day, month, category, city, product, country, region; several with commas',
  currency: 'Only sales in this currency',
  'day-of': 'sale_day (default) or booked_day',
  compare: 'previous: beside each figure that of the period before',
  top: 'Only so many products, the best first',
  by: 'What makes a product one of the best: price (default) or quantity',
} as const

const GROUPS = ['day', 'month', 'category', 'city', 'product', 'product_name', 'country', 'region'] as const

function show(report: SalesReport): string {
  const { currency } = report
  const money = (price: number) => (currency === null ? String(price) : formatMinor(BigInt(price), currency))
  const groups = GROUPS.filter((group) => report.rows.some((row) => group in row))
  const compared = 'previous' in report.total
  const line = (row: SalesReport['rows'][number], first: string): Cell[] => [
    ...groups.map((group, index) => row[group] ?? (index === 0 ? first : '')),
    money(row.price),
    row.quantity,
    row.orders,
    ...(compared ? [money(row.previous?.price ?? 0), row.price_ratio ?? ''] : []),
  ]
  const head = [...groups, currency ?? 'price', 'quantity', 'orders', ...(compared ? ['before', 'ratio'] : [])]
  const rows = report.rows.map((row) => line(row, ''))
  return table(head, rows.length === 0 ? [line(report.total, '')] : [...rows, line(report.total, 'total')])
}

function queryOf({ options }: CommandRun): SalesReportQuery {
  const given = Object.keys(FILTERS).flatMap((name) =>
    options[name] === undefined ? [] : [[name.replaceAll('-', '_'), options[name]]],
  )
  return Object.fromEntries(given) as SalesReportQuery
}

async function sales(run: CommandRun): Promise<number> {
  const { config, options, json, terminal } = run
  const answer = await withFanfold(config, (fanfold) => fanfold.orders.salesReport(queryOf(run)))
  const file = options['csv']
  if (typeof file === 'string') await writeExport(file, [salesReportCsv(answer)])
  else terminal.out(json ? JSON.stringify(answer) : show(answer))
  if (!json) {
    const behind = answer.lag_events === 0 ? '' : `, ${answer.lag_events.toLocaleString('en-US')} events behind`
    terminal.say(`Fresh as of ${answer.fresh_as_of}${behind}`)
  }
  return 0
}

async function facts(run: CommandRun): Promise<number> {
  const { config, options, json, terminal } = run
  const file = options['csv']
  if (typeof file !== 'string') throw new UsageError('facts needs --csv FILE')
  const { from, to, ...others } = queryOf(run)
  const [other] = Object.keys(others)
  if (other !== undefined) throw new UsageError(`--${other.replaceAll('_', '-')} is not for facts`)
  const rows = await withFanfold(config, async ({ orders }) => {
    const bar = terminal.progress('writing rows')
    let written = 0
    const pieces = orders.salesFactsCsv({ from, to }, (done, total) => {
      written = done
      bar.update(done, total)
    })
    await writeExport(file, pieces)
    bar.end()
    return written
  })
  if (json) terminal.out(JSON.stringify({ rows, file }))
  terminal.say(`${rows.toLocaleString('en-US')} rows written to ${file}`)
  return 0
}

export const report: Command = {
  name: 'report',
  about: 'Print the sales report, or write it or its rows as CSV; compare settlement files of payments',
  usage: 'sales|facts|settlement [ID]',
  options: {
    ...Object.fromEntries(
      Object.entries(FILTERS).map(([name, about]) => [name, { type: 'string', value: 'X', about } as const]),
    ),
    csv: { type: 'string', value: 'FILE', about: 'Write CSV to this file; amounts in minor units' },
    again: {
      type: 'boolean',
      about: 'settlement: compare it again first; exit code 1 when anything is left to look into',
    },
  },
  examples: [
    'fanfold report sales',
    'fanfold report sales --product-category Technology --shipping-city "New York City"',
    'fanfold report sales --from 2026-01-01 --to 2026-03-31 --group-by month,category --json',
    'fanfold report sales --from 2026-03-01 --to 2026-03-31 --top 10 --compare previous',
    'fanfold report facts --from 2026-01-01 --csv facts.csv',
    'fanfold report settlement',
    'fanfold report settlement st_5f0c3f1e8a7b4d2c9e6f1a0b --again',
  ],
  async run(run) {
    const [what] = run.positionals
    if (what === 'sales') return sales(run)
    if (what === 'facts') return facts(run)
    if (what === 'settlement') return withFanfold(run.config, (fanfold) => reportSettlement(run, fanfold))
    throw new UsageError('say what: sales, facts or settlement')
  },
}
