import { useQuery } from '@tanstack/react-query'
import type { SettlementItem, SettlementWithTotals } from 'fanfold/client'
import { Link } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { useFilters } from '../../data/use-filters.ts'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Button } from '../../ui/button.tsx'
import { Card, Facts } from '../../ui/card.tsx'
import { formatCount } from '../../ui/format.ts'
import { ListTable } from '../../ui/list-table.tsx'
import { Page } from '../../ui/page.tsx'
import { Async, Empty } from '../../ui/states.tsx'
import { Time } from '../../ui/values.tsx'
import { None } from './links.tsx'
import { ITEM_COLUMNS } from './settlement-columns.tsx'
import { TotalsCard } from './settlement-totals.tsx'
import { SettlementStatus } from './statuses.tsx'

/** What is odd comes first. */
const RESULTS = ['differing', 'missing', 'unknown', 'matched', 'not_compared'] as const
type Result = (typeof RESULTS)[number]

/** One file: how it compares, and its lines by result. */
export function SettlementPage({ settlementId }: { readonly settlementId: string }) {
  const { client, can } = useSession()
  const key = ['payments', 'settlements', 'one', settlementId] as const
  const path = { settlement_id: settlementId }
  const settlement = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => client.get('/v1/settlements/{settlement_id}', { params: { path }, signal }),
  })
  const reconcile = useCommand(() => client.post('/v1/settlements/{settlement_id}/reconcile', { params: { path } }), {
    refresh: [['payments', 'settlements']],
    done: 'The file is compared again',
  })
  const found = settlement.data
  return (
    <Page
      title={found === undefined ? 'Settlement' : `Settlement ${found.file_name}`}
      mark={found === undefined ? undefined : <SettlementStatus of={found.status} />}
      actions={
        <>
          <Link href="/settlements">All settlements</Link>
          {can('payments') ? (
            <Button
              busy={reconcile.isPending}
              refusal={
                found?.status === 'importing' ? 'It is not read to its end; import it again to go on' : undefined
              }
              onClick={() => reconcile.mutate()}
            >
              Reconcile again
            </Button>
          ) : null}
        </>
      }
    >
      <Async of={settlement} what="Loading the settlement">
        {(file) => (
          <>
            <Items settlement={file} />
            <div className="grid">
              <FileCard settlement={file} />
              <TotalsCard settlement={file} />
            </div>
          </>
        )}
      </Async>
    </Page>
  )
}

function FileCard({ settlement: file }: { readonly settlement: SettlementWithTotals }) {
  return (
    <Card title="File">
      <Facts
        of={[
          ['Processor', file.processor],
          ['Days (UTC)', file.from === null ? <None key="days" /> : `${file.from} to ${file.to}`],
          ['Rows', `${formatCount(file.rows_read)}, of which ${formatCount(file.rows_bad)} bad`],
          ['Imported', <Time key="created" at={file.created_at} />],
          [
            'Compared',
            file.reconciled_at === null ? <None key="none" /> : <Time key="at" at={file.reconciled_at} seconds />,
          ],
          [
            'SHA-256',
            <span key="hash" className="mono small">
              {file.file_hash}
            </span>,
          ],
        ]}
      />
    </Card>
  )
}

function Items({ settlement }: { readonly settlement: SettlementWithTotals }) {
  const { client } = useSession()
  const { filters } = useFilters(['result'])
  const chosen: Result =
    RESULTS.find((result) => result === filters.result) ?? RESULTS.find((result) => settlement[result] > 0) ?? 'matched'
  const { settlement_id: id } = settlement
  const list = useList<SettlementItem>(['payments', 'settlements', 'items', id, chosen], (cursor, signal) =>
    client.get('/v1/settlements/{settlement_id}/items', {
      params: {
        path: { settlement_id: id },
        query: { result: chosen, limit: PAGE_ROWS, ...(cursor && { cursor }) },
      },
      signal,
    }),
  )
  return (
    <Card title="Lines by result" bare>
      <nav className="tabs" aria-label="Results">
        {RESULTS.map((result) => (
          <Link
            key={result}
            href={`/settlements/${encodeURIComponent(id)}?result=${result}`}
            aria-current={result === chosen ? 'page' : undefined}
          >
            {result} {formatCount(settlement[result])}
          </Link>
        ))}
      </nav>
      <ListTable
        list={list}
        what="Loading the lines"
        label={`Lines that are ${chosen}`}
        columns={ITEM_COLUMNS}
        keyOf={(item) => `${item.line} ${item.op_id} ${item.dispute_id} ${item.type}`}
        empty={<Empty title={`No line is ${chosen}`} />}
      />
    </Card>
  )
}
