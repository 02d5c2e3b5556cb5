import type { AuditedBooks, AuditedPayment, ShardBalance, ShardDay } from '../ports/audit.ts'
import { listDifferences } from './differing.ts'
import { rowsOf, seenBy } from './read-side.ts'

const balanceText = ({ shard, account, currency, debit, credit }: ShardBalance) =>
  `shard ${shard}: ${account} ${currency} debit ${debit} credit ${credit}`

const DAY_SUMS = [
  'created',
  'authorized',
  'declined',
  'captures',
  'capturedAmount',
  'refunds',
  'refundedAmount',
  'disputes',
  'disputedAmount',
] as const

const dayText = (row: ShardDay) =>
  `shard ${row.shard}: ${row.day} ${row.currency} ${row.processor} ${DAY_SUMS.map((name) => `${name} ${row[name]}`).join(' ')}`

/**
 * Sums over all payments. They are compared as of one moment, that of `books`: of each payment that is looked at later,
 * only those events count that the sums had seen then. So it can be done while others write.
 */
export function createBooksCheck(books: AuditedBooks) {
  const balances = new Map<string, ShardBalance>()
  const days = new Map<string, ShardDay>()

  function addBalance(row: ShardBalance): void {
    const key = `${row.shard} ${row.account} ${row.currency}`
    const known = balances.get(key)
    const { debit, credit } = known ?? { debit: 0n, credit: 0n }
    balances.set(key, { ...row, debit: debit + row.debit, credit: credit + row.credit })
  }

  function addDay(row: ShardDay): void {
    const key = `${row.shard} ${row.day} ${row.currency} ${row.processor}`
    const known = days.get(key)
    if (known === undefined) {
      days.set(key, row)
      return
    }
    const sums = DAY_SUMS.map((name) => {
      const [a, b] = [known[name], row[name]]
      return [name, typeof a === 'bigint' ? a + BigInt(b) : a + Number(b)]
    })
    days.set(key, { ...known, ...Object.fromEntries(sums) })
  }

  return {
    /** Takes a payment into account. Throws where its events can't be read. */
    add({ shard, paymentIntentId, events }: AuditedPayment): void {
      const seen = seenBy(events, books.checkpoints.get(shard) ?? 0n, books.setAside.get(paymentIntentId))
      if (seen.length === 0) return
      const rows = rowsOf(seen)
      for (const balance of rows.balances) addBalance({ shard, ...balance })
      for (const day of rows.days) addDay({ shard, ...day })
    },
    /** After all payments: what differs. */
    problems(): string[] {
      return [
        ...listDifferences('balances', books.balances.map(balanceText), [...balances.values()].map(balanceText)),
        ...listDifferences('sums of entries', books.entries.map(balanceText), books.balances.map(balanceText)),
        ...listDifferences('days', books.days.map(dayText), [...days.values()].map(dayText)),
      ]
    },
  }
}
