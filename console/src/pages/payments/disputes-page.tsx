import type { Dispute } from 'fanfold/client'
import { useState } from 'react'
import { DISPUTE_STATUSES } from '../../../../src/payments/model/state.ts'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { useFilters } from '../../data/use-filters.ts'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { FilterForm } from '../../ui/filter-form.tsx'
import { ListTable } from '../../ui/list-table.tsx'
import { Page } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Money, Time } from '../../ui/values.tsx'
import { AreaTabs } from './area-tabs.tsx'
import { Deadline } from './deadline.tsx'
import { EvidenceDialog } from './evidence-dialog.tsx'
import { PaymentLink } from './links.tsx'
import { DisputeStatus } from './statuses.tsx'

const OPEN = 'needs_response,under_review'
const FILTERS = ['status', 'processor'] as const
const USUAL = { status: OPEN }
const ALL_STATUSES = DISPUTE_STATUSES.join(',')

/** What banks ask back, the most urgent first. */
export function DisputesPage() {
  const { client, can } = useSession()
  const { filters, setFilters } = useFilters(FILTERS)
  const [answering, setAnswering] = useState<Dispute>()
  const query = { ...USUAL, ...filters }
  const list = useList<Dispute>(
    ['payments', 'disputes', query],
    (cursor, signal) =>
      client.get('/v1/disputes', {
        params: { query: { ...query, limit: PAGE_ROWS, ...(cursor && { cursor }) } },
        signal,
      }),
    { refetchMs: SLOW_MS },
  )
  const columns: readonly Column<Dispute>[] = [
    { header: 'Evidence due', cell: (row) => <Deadline dueBy={row.evidence_due_by} status={row.status} /> },
    { header: 'Status', cell: (row) => <DisputeStatus of={row.status} /> },
    { header: 'Amount', isNumber: true, cell: (row) => <Money minor={row.amount} currency={row.currency} /> },
    { header: 'Reason', cell: (row) => row.reason },
    {
      header: 'Payment and dispute',
      cell: (row) => (
        <div className="pay-data">
          <PaymentLink id={row.payment_intent_id} />
          <span className="mono soft">{row.dispute_id}</span>
        </div>
      ),
    },
    { header: 'Processor', cell: (row) => row.processor },
    { header: 'Opened', cell: (row) => <Time at={row.opened_at} /> },
    ...(can('payments')
      ? [{ header: 'Evidence', cell: (row: Dispute) => <Answer dispute={row} onOpen={setAnswering} /> }]
      : []),
  ]
  return (
    <Page title="Disputes">
      <AreaTabs />
      <FilterForm label="Disputes" names={FILTERS} filters={filters} usual={USUAL} onFilter={setFilters}>
        <Field label="Status">
          <select name="status">
            <option value={OPEN}>open</option>
            {DISPUTE_STATUSES.map((one) => (
              <option key={one}>{one}</option>
            ))}
            <option value={ALL_STATUSES}>any</option>
          </select>
        </Field>
        <Field label="Processor">
          <input name="processor" spellCheck={false} autoComplete="off" />
        </Field>
      </FilterForm>
      <ListTable
        list={list}
        what="Loading disputes"
        label="Disputes"
        columns={columns}
        keyOf={(row) => `${row.payment_intent_id} ${row.dispute_id}`}
        empty={
          <Empty title="No dispute fits">
            <p>Processors tell of disputes by webhook; open ones are shown unless another status is chosen.</p>
          </Empty>
        }
      />
      {answering === undefined ? null : <EvidenceDialog dispute={answering} onClose={() => setAnswering(undefined)} />}
    </Page>
  )
}

function Answer({ dispute, onOpen }: { readonly dispute: Dispute; onOpen(dispute: Dispute): void }) {
  return (
    <Button
      kind="quiet"
      refusal={dispute.status === 'needs_response' ? undefined : `The dispute is ${dispute.status}`}
      onClick={() => onOpen(dispute)}
    >
      Submit<span className="visually-hidden"> evidence</span>
    </Button>
  )
}
