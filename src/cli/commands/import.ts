import { existsSync } from 'node:fs'
import type { Fanfold } from '../../app/fanfold.ts'
import { IMPORT_FORMATS, type ImportFormat, type OnBadRow } from '../../core/file-rows.ts'
import { ORDER_MAPPINGS } from '../../orders/import/mapping.ts'
import { SETTLEMENT_MAPPINGS } from '../../payments/settlement/mapping.ts'
import { createBadRowsFile } from '../bad-rows.ts'
import { type Command, type CommandRun, type Progress, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { settlementCounts } from './settlement.ts'

const BAD_SHOWN = 10
/** Lines and reasons that are kept for the summary. */
const BAD_KEPT = 10_000

/** Row numbers as ranges, so that hundreds of stray rows in a file take one line: `9996-10801, 12000`. */
function ranges(numbers: readonly number[]): string {
  const parts: string[] = []
  let from = 0
  numbers.forEach((number, index) => {
    if (numbers[index + 1] === number + 1) return
    parts.push(index === from ? String(number) : `${numbers[from]}-${number}`)
    from = index + 1
  })
  return parts.join(', ')
}

interface Bad {
  readonly line: number
  readonly reason: string
}

function sayBad({ terminal }: CommandRun, count: number, bad: readonly Bad[]): void {
  if (count === 0) return
  const byReason = new Map<string, number[]>()
  for (const { line, reason } of bad) byReason.set(reason, [...(byReason.get(reason) ?? []), line])
  terminal.say(`${count.toLocaleString('en-US')} lines were left out:`)
  for (const [reason, lines] of [...byReason].slice(0, BAD_SHOWN)) terminal.say(`  line ${ranges(lines)}: ${reason}`)
  if (byReason.size > BAD_SHOWN) terminal.say(`  and ${byReason.size - BAD_SHOWN} more reasons; all with --json`)
}

type Import = (run: CommandRun, fanfold: Fanfold, file: string) => Promise<object>

/** A bar over the bytes of the file. */
async function withBar<T>(
  run: CommandRun,
  label: string,
  work: (onProgress: (done: number, total?: number) => void) => Promise<T>,
): Promise<T> {
  const bar = run.terminal.progress(label)
  try {
    return await work((done, total) => bar.update(done, total))
  } finally {
    bar.end()
  }
}

const follows: Import = async (run, fanfold, file) => {
  const report = await withBar(run, 'importing follows (bytes)', (onProgress) =>
    fanfold.social.importFollows(file, { onProgress }),
  )
  run.terminal.say(
    `${report.follows_added.toLocaleString('en-US')} follows added, ${report.follows_present.toLocaleString('en-US')} known, ` +
      `${report.users_added.toLocaleString('en-US')} users added`,
  )
  sayBad(run, report.bad_lines, report.bad)
  return report
}

const posts: Import = async (run, fanfold, file) => {
  const report = await withBar(run, 'importing posts (bytes)', (onProgress) =>
    fanfold.social.importPosts(file, { onProgress }),
  )
  run.terminal.say(
    `${report.posts_added.toLocaleString('en-US')} posts added, ${report.posts_present.toLocaleString('en-US')} known`,
  )
  sayBad(run, report.bad_lines, report.bad)
  return report
}

const count = (value: number) => value.toLocaleString('en-US')

function formatOption({ options }: CommandRun): ImportFormat | undefined {
  const format = options['format']
  if (format === undefined) return undefined
  const known = IMPORT_FORMATS.find((name) => name === format)
  if (known === undefined) throw new UsageError(`--format must be ${IMPORT_FORMATS.join(' or ')}`)
  return known
}

/** Bad rows go to the file of `--bad-rows`, with line and reason before them, and are told in short. */
async function withBadRows<Report extends { readonly rows_bad: number }>(
  run: CommandRun,
  file: string,
  work: (onBadRow: OnBadRow) => Promise<Report>,
): Promise<Report & { readonly bad: readonly Bad[] }> {
  const path = run.options['bad-rows']
  const out = typeof path === 'string' ? createBadRowsFile(path, file, formatOption(run)) : undefined
  const bad: Bad[] = []
  try {
    const report = await work((row) => {
      if (bad.length < BAD_KEPT) bad.push({ line: row.line, reason: row.reason })
      out?.add(row)
    })
    sayBad(run, report.rows_bad, bad)
    return { ...report, bad }
  } finally {
    await out?.close()
  }
}

const orders: Import = async (run, fanfold, file) => {
  const map = run.options['map']
  const report = await withBadRows(run, file, (onBadRow) =>
    withBar(run, 'importing orders (rows)', (onProgress) =>
      fanfold.orders.importOrders(file, {
        map: typeof map === 'string' ? map : undefined,
        format: formatOption(run),
        onProgress: ({ rowsRead, rowsTotal }) => onProgress(rowsRead, rowsTotal),
        onBadRow,
      }),
    ),
  )
  run.terminal.say(
    `${count(report.orders_imported)} orders with ${count(report.lines_imported)} lines added, ` +
      `${count(report.orders_known)} known`,
  )
  return report
}

const products: Import = async (run, fanfold, file) => {
  const update = run.options['update'] === true
  const report = await withBadRows(run, file, (onBadRow) =>
    withBar(run, 'importing products (bytes)', (onProgress) =>
      fanfold.orders.importProducts(file, { format: formatOption(run), update, onProgress, onBadRow }),
    ),
  )
  run.terminal.say(
    `${count(report.products_added)} products added, ${count(report.products_changed)} changed, ` +
      `${count(report.products_known)} known`,
  )
  return report
}

const customers: Import = async (run, fanfold, file) => {
  const update = run.options['update'] === true
  const report = await withBadRows(run, file, (onBadRow) =>
    withBar(run, 'importing customers (bytes)', (onProgress) =>
      fanfold.orders.importCustomers(file, { format: formatOption(run), update, onProgress, onBadRow }),
    ),
  )
  run.terminal.say(
    `${count(report.customers_added)} customers added, ${count(report.customers_changed)} changed, ` +
      `${count(report.customers_known)} known, ${count(report.customers_erased)} erased here and left so`,
  )
  return report
}

const settlement: Import = async (run, fanfold, file) => {
  const text = (name: string) => (typeof run.options[name] === 'string' ? (run.options[name] as string) : undefined)
  const processor = text('processor')
  if (processor === undefined) throw new UsageError('name the payment processor: --processor NAME')
  // What was captured a moment ago is to be found.
  await catchUp(run, fanfold)
  const report = await withBadRows(run, file, (onBadRow) =>
    withBar(run, 'importing settlement (bytes)', (onProgress) =>
      fanfold.settlements.importFile(file, {
        ...{ processor, map: text('map'), from: text('from'), to: text('to') },
        onProgress,
        onBadRow,
      }),
    ),
  )
  const { settlement_id: id } = report.settlement
  const known = report.known ? ' was imported before; nothing was changed' : ''
  run.terminal.say(`${id}${known}: ${settlementCounts(report.settlement)}`)
  run.terminal.say(`More: fanfold report settlement ${id}`)
  return report
}

const IMPORTS: Readonly<Record<string, Import>> = { follows, posts, orders, products, customers, settlement }

/** Waits until the imported is in timelines and read models; a bar only when there is something to wait for. */
async function catchUp({ terminal }: CommandRun, fanfold: Fanfold): Promise<void> {
  let bar: Progress | undefined
  let most = 0
  await fanfold.caughtUp((left) => {
    most = Math.max(most, left)
    if (left > 0) bar ??= terminal.progress('bringing read models up to date')
    bar?.update(most - left, most)
  })
  bar?.end()
}

export const importCommand: Command = {
  name: 'import',
  about: 'Import from a file; running it again adds nothing, and completes a run that was killed',
  usage: 'follows|posts|orders|products|customers|settlement FILE',
  options: {
    map: {
      type: 'string',
      value: 'NAME|FILE.json',
      about: `Columns of a file of orders (${Object.keys(ORDER_MAPPINGS).join(', ')}) or a settlement (${Object.keys(SETTLEMENT_MAPPINGS).join(', ')}), or a JSON file; ours unless given`,
    },
    format: {
      type: 'string',
      value: IMPORT_FORMATS.join('|'),
      about: 'Of orders, products, customers; by the end of the file name unless given',
    },
    'bad-rows': { type: 'string', value: 'FILE', about: 'Where rows that were left out go, each with line and reason' },
    processor: { type: 'string', value: 'NAME', about: 'settlement: the payment processor that the file is from' },
    from: { type: 'string', value: 'DAY', about: 'settlement: first day that it is about; of its lines unless given' },
    to: { type: 'string', value: 'DAY', about: 'settlement: last day, included' },
    update: { type: 'boolean', about: 'Change products or customers that are known to what the file says' },
  },
  examples: [
    'fanfold import follows edges.txt',
    'fanfold import posts posts.jsonl',
    'fanfold import orders sales.csv --map superstore --bad-rows bad.csv',
    'fanfold import products products.csv --update',
    'fanfold import settlement payout.csv --processor sandbox',
  ],
  async run(run) {
    const [what, file] = run.positionals
    const importer = what === undefined ? undefined : IMPORTS[what]
    if (importer === undefined) throw new UsageError(`say what to import: ${Object.keys(IMPORTS).join(', ')}`)
    if (file === undefined) throw new UsageError('name the file')
    if (!existsSync(file)) throw new UsageError(`there is no file ${file}`)
    return withFanfold(
      run.config,
      async (fanfold) => {
        const report = await importer(run, fanfold, file)
        await catchUp(run, fanfold)
        if (run.json) run.terminal.out(JSON.stringify(report))
        return 0
      },
      { workers: true },
    )
  },
}
