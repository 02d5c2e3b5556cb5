import type { AuditedBooks, AuditedPayment, ShardBalance, ShardDay } from '../ports/audit.ts'
import { rowsOf, seenBy } from './read-side.ts'

const balanceKey = ({ shard, account, currency }: ShardBalance) => `shard ${shard}, ${account} ${currency}`
const balanceText = ({ debit, credit }: ShardBalance) => `debit ${debit} credit ${credit}`
const dayKey = ({ shard, day, currency, processor }: ShardDay) => `shard ${shard}, ${day} ${currency} ${processor}`

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

const dayText = (row: ShardDay) => DAY_SUMS.map((name) => `${name} ${row[name]}`).join(' ')

/** Sums of both sides, by their keys, that differ. */
function sumDifferences<Row>(
  what: string,
  actual: readonly Row[],
  expected: readonly Row[],
  [keyOf, textOf]: readonly [key: (row: Row) => string, text: (row: Row) => string],
): string[] {
  const texts = (rows: readonly Row[]) => new Map(rows.map((row) => [keyOf(row), textOf(row)]))
  const [left, right] = [texts(actual), texts(expected)]
  return [...new Set([...left.keys(), ...right.keys()])].sort().flatMap((key) => {
    const [a, b] = [left.get(key) ?? 'nothing', right.get(key) ?? 'nothing']
    return a === b ? [] : [`${what}: ${key}: ${a}, its events say ${b}`]
  })
}

const BALANCE = [balanceKey, balanceText] as const

/**
 * Sums over all payments. They are compared as of one moment, that of `books`: of each payment that is looked at later,
 * only those events count that the sums had seen then. So it can be done while others write.
 */
export function createBooksCheck(books: AuditedBooks) {
  const balances = new Map<string, ShardBalance>()
  const days = new Map<string, ShardDay>()

  function addBalance(row: ShardBalance): void {
    const key = balanceKey(row)
    const known = balances.get(key)
    const { debit, credit } = known ?? { debit: 0n, credit: 0n }
    balances.set(key, { ...row, debit: debit + row.debit, credit: credit + row.credit })
  }

  function addDay(row: ShardDay): void {
    const key = dayKey(row)
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
        ...sumDifferences('balances', books.balances, [...balances.values()], BALANCE),
        ...sumDifferences('sums of entries', books.entries, [...balances.values()], BALANCE),
        ...sumDifferences('days', books.days, [...days.values()], [dayKey, dayText]),
      ]
    },
  }
}
