import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Payment } from 'fanfold/client'
import { useEffect } from 'react'
import { Link, useSearchParams } from 'wouter'
import { LIVE_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { asQuestion, PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Page } from '../../ui/page.tsx'
import { Async } from '../../ui/states.tsx'
import { CommandsCard } from './commands-card.tsx'
import { DisputesCard } from './disputes-card.tsx'
import { EntriesCard } from './entries-card.tsx'
import { EventsCard } from './events-card.tsx'
import { FactsCard } from './facts-card.tsx'
import { keysOf } from './keys.ts'
import { OperationsCard } from './operations-card.tsx'
import { ProofCard } from './proof-card.tsx'
import { StateCard } from './state-card.tsx'
import { PaymentStatus } from './statuses.tsx'

/** One payment: what it is, what it was after each event, and what may be done. */
export function PaymentPage({ paymentId }: { readonly paymentId: string }) {
  const { client } = useSession()
  const now = useQuery({
    queryKey: keysOf(paymentId).now,
    queryFn: ({ signal }) =>
      client.get('/v1/payments/{payment_intent_id}', { params: { path: { payment_intent_id: paymentId } }, signal }),
    refetchInterval: LIVE_MS,
  })
  return (
    <Page
      title={`Payment ${paymentId}`}
      mark={now.data === undefined ? undefined : <PaymentStatus of={now.data.status} />}
      actions={<Link href="/">All payments</Link>}
    >
      <Async of={now} what="Loading the payment">
        {(payment) => <Sight payment={payment} />}
      </Async>
    </Page>
  )
}

/** The version of the address; the newest without one. */
function useVersion(newest: number): [version: number, choose: (version: number) => void] {
  const [params, setParams] = useSearchParams()
  const asked = Number(params.get('version') ?? newest)
  const version = Number.isInteger(asked) && asked >= 1 && asked < newest ? asked : newest
  const choose = (next: number) => setParams(next === newest ? {} : { version: String(next) }, { replace: true })
  return [version, choose]
}

function Sight({ payment }: { readonly payment: Payment }) {
  const { client } = useSession()
  const queries = useQueryClient()
  const { payment_intent_id: id, version: newest } = payment
  const keys = keysOf(id)
  const [version, choose] = useVersion(newest)
  const isPast = version < newest
  const path = { payment_intent_id: id }
  const events = useList(keys.events, (cursor, signal) =>
    client.get('/v1/payments/{payment_intent_id}/events', {
      params: { path, query: { limit: PAGE_ROWS, ...(cursor && { cursor }) } },
      signal,
    }),
  )
  const past = useQuery({
    queryKey: keys.version(version),
    queryFn: ({ signal }) =>
      client.get('/v1/payments/{payment_intent_id}', { params: { path, query: { version } }, signal }),
    enabled: isPast,
    // What was never changes.
    staleTime: Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version means new events
  useEffect(() => {
    void queries.invalidateQueries({ queryKey: keysOf(id).events })
    void queries.invalidateQueries({ queryKey: keysOf(id).ledger })
  }, [id, newest, queries])
  return (
    <>
      <div className="split">
        <div className="stack pay-column">
          <StateCard
            now={payment}
            shown={isPast ? past : { data: payment, error: null, refetch: () => undefined }}
            version={version}
            events={events.rows}
            onChoose={choose}
          />
          <FactsCard payment={payment} />
        </div>
        <div className="stack pay-column">
          <CommandsCard payment={payment} isPast={isPast} />
          <DisputesCard payment={payment} />
          <ProofCard paymentId={id} version={newest} />
        </div>
      </div>
      <EventsCard list={events} currency={payment.currency} version={version} onChoose={choose} />
      <Async of={asQuestion(events)} what="Loading the operations">
        {(rows) => (
          <OperationsCard
            events={rows}
            isWhole={!events.more.hasNextPage}
            version={version}
            isPast={isPast}
            payment={payment}
          />
        )}
      </Async>
      <EntriesCard payment={payment} />
    </>
  )
}
