import type { LedgerEntry, Payment } from 'fanfold/client'
import { LIVE_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Badge } from '../../ui/badge.tsx'
import { Card } from '../../ui/card.tsx'
import { formatMoney } from '../../ui/format.ts'
import { ListTable } from '../../ui/list-table.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Money, Time } from '../../ui/values.tsx'
import { AccountLink } from './account-link.tsx'
import { keysOf } from './keys.ts'

/** Debits at the left, credits at the right, as books have them. */
export const debit = ({ amount, currency }: LedgerEntry) =>
  amount > 0 ? <Money minor={amount} currency={currency} /> : ''
export const credit = ({ amount, currency }: LedgerEntry) =>
  amount < 0 ? <Money minor={-amount} currency={currency} /> : ''

export const entryKey = (entry: LedgerEntry) => `${entry.shard}:${entry.event_id}:${entry.line}`

const COLUMNS: readonly Column<LedgerEntry>[] = [
  { header: 'Time', cell: (entry) => <Time at={entry.timestamp} seconds /> },
  { header: 'Account', cell: (entry) => <AccountLink account={entry.account} /> },
  { header: 'Debit', isNumber: true, cell: debit },
  { header: 'Credit', isNumber: true, cell: credit },
  { header: 'Event', isNumber: true, cell: (entry) => <span className="mono soft">@{entry.event_id}</span> },
]

/** What a payment has posted to the ledger; its debits and credits balance. */
export function EntriesCard({ payment }: { readonly payment: Payment }) {
  const { client } = useSession()
  const { payment_intent_id: id, currency } = payment
  const list = useList<LedgerEntry>(
    keysOf(id).ledger,
    (cursor, signal) =>
      client.get('/v1/ledger/entries', {
        params: { query: { payment_intent_id: id, limit: PAGE_ROWS, ...(cursor && { cursor }) } },
        signal,
      }),
    { refetchMs: LIVE_MS },
  )
  const rows = list.rows
  return (
    <Card
      title="Ledger entries"
      actions={
        rows === undefined || rows.length === 0 || list.more.hasNextPage ? undefined : (
          <Balance rows={rows} currency={currency} />
        )
      }
      bare
    >
      <ListTable
        list={list}
        what="Loading the entries"
        label="Ledger entries"
        columns={COLUMNS}
        keyOf={entryKey}
        empty={
          <Empty title="Nothing is posted yet">
            <p>Captures, refunds and disputes move money; authorizations and voids do not.</p>
          </Empty>
        }
      />
    </Card>
  )
}

function Balance({ rows, currency }: { readonly rows: readonly LedgerEntry[]; readonly currency: string }) {
  const debits = rows.reduce((sum, { amount }) => sum + Math.max(0, amount), 0)
  const credits = rows.reduce((sum, { amount }) => sum + Math.max(0, -amount), 0)
  const words = `debits ${formatMoney(debits, currency)}, credits ${formatMoney(credits, currency)}`
  return debits === credits ? (
    <Badge tone="ok">balanced: {words}</Badge>
  ) : (
    <Badge tone="bad">not balanced: {words}</Badge>
  )
}
