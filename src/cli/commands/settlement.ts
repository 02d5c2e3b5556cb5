import type { Fanfold } from '../../app/fanfold.ts'
import { formatMinor } from '../../core/money.ts'
import { SETTLEMENT_RESULTS } from '../../payments/ports/settlements.ts'
import type { Settlement, SettlementItemDocument, SettlementWithTotals } from '../../payments/settlement/schemas.ts'
import { type CommandRun, UsageError } from '../command.ts'
import { table } from '../table.ts'

/** Items of one result that a report prints; all of them are in `--json`. */
const SHOWN = 20
/** What somebody has to look into. */
const ODD = ['differing', 'missing', 'unknown'] as const

export const settlementCounts = (settlement: Settlement): string =>
  SETTLEMENT_RESULTS.map((result) => `${settlement[result].toLocaleString('en-US')} ${result.replace('_', ' ')}`).join(
    ', ',
  )

const money = (amount: number | null, currency: string | null) =>
  amount === null || currency === null ? '' : `${formatMinor(BigInt(amount), currency)} ${currency}`

function itemRow(item: SettlementItemDocument) {
  const subject = item.dispute_id ?? item.op_id ?? item.reference ?? ''
  const what = item.differences.length === 0 ? item.result : `${item.result}: ${item.differences.join(', ')}`
  const theirs = money(item.amount, item.currency)
  const ours = money(item.expected_amount, item.expected_currency)
  return [item.line ?? '', what, item.type, subject, item.payment_intent_id ?? '', theirs, ours]
}

async function itemsOf({ settlements }: Fanfold, id: string, result: string, most: number) {
  const items: SettlementItemDocument[] = []
  let cursor: string | undefined
  do {
    const page = await settlements.items(id, result, { limit: Math.min(100, most - items.length), cursor })
    items.push(...page.items)
    cursor = page.next_cursor
  } while (cursor !== undefined && items.length < most)
  return { items, isAll: cursor === undefined }
}

function show(settlement: SettlementWithTotals, items: readonly SettlementItemDocument[]): string {
  const { settlement_id, processor, file_name, from, to, totals } = settlement
  const head = `${settlement_id}  ${processor}  ${file_name}  ${from} to ${to}`
  const sums = totals.map(({ currency, type, lines, amount, fee }) => [
    type,
    currency,
    lines,
    formatMinor(BigInt(amount), currency),
    formatMinor(BigInt(fee), currency),
  ])
  const odd = table(['line', 'result', 'type', 'operation', 'payment', 'file', 'ours'], items.map(itemRow))
  return [
    head,
    settlementCounts(settlement),
    '',
    table(['type', 'currency', 'lines', 'amount', 'fee'], sums),
    ...(items.length === 0 ? [] : ['', odd]),
  ].join('\n')
}

function reportList(items: readonly Settlement[]): string {
  const rows = items.map((item) => [
    item.settlement_id,
    item.processor,
    item.from ?? '',
    item.to ?? '',
    item.status,
    ...SETTLEMENT_RESULTS.map((result) => item[result]),
    item.file_name,
  ])
  return table(['settlement', 'processor', 'from', 'to', 'status', ...SETTLEMENT_RESULTS, 'file'], rows)
}

/** Prints one settlement, or the newest; answers 1 when something is differing, missing or unknown. */
export async function reportSettlement(run: CommandRun, fanfold: Fanfold): Promise<number> {
  const [, id] = run.positionals
  const { json, terminal, options } = run
  if (id === undefined) {
    if (options['again'] === true) throw new UsageError('--again needs the id of a settlement')
    const page = await fanfold.settlements.list()
    terminal.out(json ? JSON.stringify(page) : reportList(page.items))
    return 0
  }
  const settlement = await (options['again'] === true ? fanfold.settlements.reconcile(id) : fanfold.settlements.get(id))
  const items: SettlementItemDocument[] = []
  let isAll = true
  for (const result of ODD) {
    const found = await itemsOf(fanfold, id, result, json ? Number.POSITIVE_INFINITY : SHOWN)
    items.push(...found.items)
    isAll &&= found.isAll
  }
  terminal.out(json ? JSON.stringify({ ...settlement, items }) : show(settlement, items))
  if (!isAll) terminal.say(`Only the first ${SHOWN} of each result are shown; all with --json`)
  return ODD.some((result) => settlement[result] > 0) ? 1 : 0
}
