import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { Payment, PaymentEvent, PaymentOperation } from 'fanfold/client'
import { Link } from 'wouter'
import type { EventPayloads } from '../../../../src/payments/model/events.ts'
import { fold } from '../../../../src/payments/model/evolve.ts'
import { initialState, isFinished, type Operation } from '../../../../src/payments/model/state.ts'
import { readEvent } from '../../../../src/payments/model/upcast.ts'
import { LIVE_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { PAGE_ROWS } from '../../data/use-list.ts'
import { Card } from '../../ui/card.tsx'
import { Empty, Failure } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Money, Time } from '../../ui/values.tsx'
import { None } from './links.tsx'
import { OperationStatus } from './statuses.tsx'

/** The calls to processors that events tell of, in the order of their requests; by the same fold as the server's. */
export function operationsOf(events: readonly PaymentEvent[]): Operation[] {
  const read = events.map(({ event_type: type, schema_version: schemaVersion, payload, timestamp }) =>
    readEvent({ type, schemaVersion, payload, timestampMs: Date.parse(timestamp) }),
  )
  const { operations } = fold(read, initialState, Number.POSITIVE_INFINITY)
  const order = new Map(events.map(({ op_id: opId, version }) => [opId, version] as const).toReversed())
  return [...operations.values()].sort((a, b) => (order.get(a.opId) ?? 0) - (order.get(b.opId) ?? 0))
}

/** The same, or why events can't be folded: then they were changed, and the rest of the page must still tell so. */
function readOperations(events: readonly PaymentEvent[]): {
  readonly operations: Operation[]
  readonly fault?: unknown
} {
  try {
    return { operations: operationsOf(events) }
  } catch (fault) {
    return { operations: [], fault }
  }
}

/** How often the processor was asked about each, and when it is asked next. */
function useChecks(payment: Payment, enabled: boolean, isOpen: boolean): ReadonlyMap<string, PaymentOperation> {
  const { client } = useSession()
  const query = { payment_intent_id: payment.payment_intent_id, limit: PAGE_ROWS }
  const { data } = useQuery({
    queryKey: ['payments', 'operations', query, payment.version],
    queryFn: ({ signal }) => client.get('/v1/operations', { params: { query }, signal }),
    enabled,
    placeholderData: keepPreviousData,
    refetchInterval: isOpen ? LIVE_MS : false,
  })
  return new Map(enabled ? data?.items.map((one) => [one.op_id, one]) : [])
}

interface OperationsCardProps {
  readonly payment: Payment
  readonly events: readonly PaymentEvent[]
  /** Whether these are all events that there are. */
  readonly isWhole: boolean
  readonly version: number
  readonly isPast: boolean
}

/** Calls to processors: what was asked, how it stands, what is tried again and when. */
export function OperationsCard({ payment, events, isWhole, version, isPast }: OperationsCardProps) {
  const seen = events.filter((event) => event.version <= version)
  const { operations, fault } = readOperations(seen)
  const isOpen = operations.some((operation) => !isFinished(operation))
  const checks = useChecks(payment, !isPast, isOpen)
  const said = new Map(
    seen.map((event) => [event.op_id, wordsOf(event)] as const).filter(([, words]) => words !== undefined),
  )
  const columns: readonly Column<Operation>[] = [
    {
      header: 'Operation',
      cell: ({ kind, opId, status }) => (
        <div className="pay-data">
          <strong>{kind}</strong>
          {status === 'review' && !isPast ? (
            <Link href={`/review?op=${encodeURIComponent(opId)}`} className="mono">
              {opId}
            </Link>
          ) : (
            <span className="mono soft">{opId}</span>
          )}
        </div>
      ),
    },
    { header: 'Status', cell: ({ status }) => <OperationStatus of={status} /> },
    {
      header: 'Amount',
      isNumber: true,
      cell: ({ amount }) => <Money minor={Number(amount)} currency={payment.currency} />,
    },
    { header: 'Asked', cell: ({ requestedAtMs }) => <Time at={new Date(requestedAtMs).toISOString()} seconds /> },
    { header: 'Tries', isNumber: true, cell: ({ opId }) => checks.get(opId)?.attempts ?? '' },
    { header: 'Next try', cell: (operation) => <NextTry operation={operation} check={checks.get(operation.opId)} /> },
    { header: 'Processor', cell: ({ processor }) => processor },
    {
      header: 'Reference and answer',
      cell: ({ opId, reference }) => (
        <div className="pay-data">
          {reference === undefined ? null : <span className="mono">{reference}</span>}
          {said.get(opId)}
        </div>
      ),
    },
  ]
  return (
    <Card title={isPast ? `Processor operations after event ${version}` : 'Processor operations'} bare>
      {isWhole || isPast ? null : (
        <p className="card-body soft">These are the operations of the first {events.length} events; load more above.</p>
      )}
      {fault === undefined ? null : <Failure error={fault} />}
      <Table
        label="Processor operations"
        columns={columns}
        rows={operations}
        keyOf={({ opId }) => opId}
        empty={<Empty title={isPast ? 'No processor had been asked yet' : 'No processor has been asked yet'} />}
      />
    </Card>
  )
}

/** What the processor said when it refused, or why nobody knows. */
function wordsOf({ payload }: PaymentEvent): string | undefined {
  const { code, message, detail } = payload as Partial<EventPayloads['DECLINED'] & EventPayloads['OUTCOME_UNKNOWN']>
  return detail ?? (message === undefined ? undefined : `${message} (${code})`)
}

function NextTry({
  operation,
  check,
}: {
  readonly operation: Operation
  readonly check: PaymentOperation | undefined
}) {
  if (isFinished(operation)) return <None />
  const at = check?.next_check_at
  return at === undefined || at === null ? <span className="soft">not known</span> : <Time at={at} seconds />
}
