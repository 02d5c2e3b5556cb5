import type { Fanfold } from '../../app/fanfold.ts'
import { IMPORT_FORMATS } from '../../core/file-rows.ts'
import { CSV_FORMS, type CsvForm, type ExportName } from '../../orders/export/rows.ts'
import { type Command, type CommandRun, UsageError } from '../command.ts'
import { readFanfold } from '../open.ts'
import { writeExport } from './export-file.ts'
import { PAYMENTS, runExportPayments } from './export-payments.ts'
import { runExportSettlement, SANDBOX_SETTLEMENT } from './export-settlement.ts'

const NAMES = Object.keys(CSV_FORMS) as ExportName[]
const isName = (name: string | undefined): name is ExportName => NAMES.some((known) => known === name)

/** The documents of an export, and the form of its CSV. */
function sourceOf(
  { orders }: Fanfold,
  name: ExportName,
  range: { from?: string; to?: string },
  forSpreadsheets: boolean,
) {
  const options = { forSpreadsheets }
  const as = <Document extends object>(documents: AsyncIterable<Document>, form: CsvForm<Document>) => ({
    documents: documents as AsyncIterable<object>,
    form: form as CsvForm<object>,
  })
  switch (name) {
    case 'orders':
      return as(orders.exportOrders(range), CSV_FORMS.orders(options))
    case 'products':
      return as(orders.exportProducts(), CSV_FORMS.products(options))
    case 'customers':
      return as(orders.exportCustomers(), CSV_FORMS.customers(options))
    case 'order_history':
      return as(orders.exportHistory(range), CSV_FORMS.order_history(options))
  }
}

function readOptions({ options }: CommandRun, name: ExportName) {
  const text = (option: string) => (typeof options[option] === 'string' ? (options[option] as string) : undefined)
  const [from, to, path] = [text('from'), text('to'), text('out')]
  const format = text('format') ?? (path?.endsWith('.csv') ? 'csv' : 'jsonl')
  if (!IMPORT_FORMATS.some((known) => known === format)) {
    throw new UsageError(`--format must be ${IMPORT_FORMATS.join(' or ')}`)
  }
  const isDated = name === 'orders' || name === 'order_history'
  if (!isDated && (from !== undefined || to !== undefined)) throw new UsageError(`${name} have no --from and --to`)
  const range = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
  return { range, path, isCsv: format === 'csv', forSpreadsheets: options['for-spreadsheets'] === true }
}

export const exportCommand: Command = {
  name: 'export',
  about: 'Export orders, products, customers or the order history as JSON Lines or CSV, or the log of payments',
  usage: [...NAMES, PAYMENTS, SANDBOX_SETTLEMENT].join('|'),
  options: {
    from: { type: 'string', value: 'DAY', about: 'Orders placed on this day or later (or at a time, RFC 3339)' },
    to: { type: 'string', value: 'DAY', about: 'Orders placed up to the end of this day (or before a time)' },
    format: {
      type: 'string',
      value: IMPORT_FORMATS.join('|'),
      about: 'By the end of the file name unless given; jsonl',
    },
    out: { type: 'string', value: 'FILE', about: 'Where it is written; standard output unless given' },
    'for-spreadsheets': {
      type: 'boolean',
      about: 'An apostrophe before texts that a spreadsheet would run as formulas; not for importing again',
    },
  },
  examples: [
    'fanfold export orders --from 2026-01-01 --to 2026-03-31 --out orders.csv',
    'fanfold export order_history --format jsonl | gzip > history.jsonl.gz',
    'fanfold export payments --out payments.jsonl',
    'fanfold export sandbox_settlement --from 2026-01-01 --to 2026-01-31 --out payout.csv',
  ],
  async run(run) {
    const [name] = run.positionals
    if (name === PAYMENTS) return runExportPayments(run)
    if (name === SANDBOX_SETTLEMENT) return runExportSettlement(run)
    if (!isName(name))
      throw new UsageError(`say what to export: ${[...NAMES, PAYMENTS, SANDBOX_SETTLEMENT].join(', ')}`)
    const { range, path, isCsv, forSpreadsheets } = readOptions(run, name)
    return readFanfold(run.config, async (fanfold) => {
      const { documents, form } = sourceOf(fanfold, name, range, forSpreadsheets)
      const bar = run.terminal.progress(`exporting ${name}`)
      let done = 0
      async function* counted() {
        if (isCsv) yield form.heading()
        for await (const document of documents) {
          yield isCsv ? form.rows(document) : `${JSON.stringify(document)}\n`
          done += 1
          bar.update(done)
        }
      }
      try {
        await writeExport(path, counted())
      } finally {
        bar.end()
      }
      run.terminal.say(`${done.toLocaleString('en-US')} ${name === 'order_history' ? 'entries' : name} exported`)
      return 0
    })
  },
}
