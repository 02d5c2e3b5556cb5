import { useQuery } from '@tanstack/react-query'
import type { LedgerEntry } from 'fanfold/client'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { useFilters } from '../../data/use-filters.ts'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Card } from '../../ui/card.tsx'
import { ListTable } from '../../ui/list-table.tsx'
import { Page } from '../../ui/page.tsx'
import { Async, Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { AccountLink } from './account-link.tsx'
import { AreaTabs } from './area-tabs.tsx'
import { BalancesCard } from './balances-card.tsx'
import { credit, debit, entryKey } from './entries-card.tsx'
import { groupBy } from './group-by.ts'
import { PaymentLink } from './links.tsx'

/** The books of payments: balances of each currency, and the entries of one account. */
export function LedgerPage() {
  const { client } = useSession()
  const { filters } = useFilters(['account'])
  const accounts = useQuery({
    queryKey: ['payments', 'ledger', 'accounts'],
    queryFn: ({ signal }) => client.get('/v1/ledger/accounts', { signal }),
    refetchInterval: SLOW_MS,
  })
  return (
    <Page title="Ledger">
      <AreaTabs />
      <Async of={accounts} what="Loading the balances">
        {({ items }) => {
          const first = items.find(({ account }) => account.startsWith('processor:')) ?? items[0]
          const chosen = filters.account ?? first?.account
          if (chosen === undefined)
            return (
              <Empty title="Nothing is posted yet">
                <p>The first capture posts to the account of its processor and to sales.</p>
              </Empty>
            )
          return (
            <>
              {[...groupBy(items, ({ currency }) => currency)].map(([currency, of]) => (
                <BalancesCard key={currency} currency={currency} accounts={of} chosen={chosen} />
              ))}
              <Entries key={chosen} account={chosen} about={items.find((one) => one.account === chosen)?.about} />
            </>
          )
        }}
      </Async>
    </Page>
  )
}

const COLUMNS: readonly Column<LedgerEntry>[] = [
  { header: 'Time', cell: (entry) => <Time at={entry.timestamp} seconds /> },
  { header: 'Payment', cell: (entry) => <PaymentLink id={entry.payment_intent_id} /> },
  { header: 'Account', cell: (entry) => <AccountLink account={entry.account} /> },
  { header: 'Debit', isNumber: true, cell: debit },
  { header: 'Credit', isNumber: true, cell: credit },
  { header: 'Event', isNumber: true, cell: (entry) => <span className="mono soft">@{entry.event_id}</span> },
]

function Entries({ account, about }: { readonly account: string; readonly about: string | undefined }) {
  const { client } = useSession()
  const list = useList<LedgerEntry>(
    ['payments', 'ledger', 'entries', account],
    (cursor, signal) =>
      client.get('/v1/ledger/entries', {
        params: { query: { account, limit: PAGE_ROWS, ...(cursor && { cursor }) } },
        signal,
      }),
    { refetchMs: SLOW_MS },
  )
  return (
    <Card
      title={`Entries of ${account}`}
      actions={about === undefined ? undefined : <span className="soft">{about}</span>}
      bare
    >
      <ListTable
        list={list}
        what="Loading the entries"
        label={`Entries of ${account}`}
        columns={COLUMNS}
        keyOf={entryKey}
        empty={<Empty title="This account has no entries" />}
      />
    </Card>
  )
}
