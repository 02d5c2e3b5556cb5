import type { Order, OrderHistoryEntry } from 'fanfold/client'
import { Card } from '../../ui/card.tsx'
import { Time } from '../../ui/values.tsx'

const PATH = ['PENDING', 'PAID', 'SHIPPED', 'DELIVERED'] as const
type Status = Order['status']

const STATUS_OF: Readonly<Record<string, Status>> = {
  ORDER_CREATED: 'PENDING',
  ORDER_IMPORTED: 'DELIVERED',
  ORDER_PAID: 'PAID',
  ORDER_SHIPPED: 'SHIPPED',
  ORDER_DELIVERED: 'DELIVERED',
  ORDER_CANCELLED: 'CANCELLED',
}

/** When each status was reached: most events have one, a few bring it in their details. */
function reachedAt(history: readonly OrderHistoryEntry[]): ReadonlyMap<Status, string> {
  const times = new Map<Status, string>()
  for (const { event_type: type, details, timestamp } of history) {
    const status = STATUS_OF[type] ?? (details['status'] as Status | undefined)
    if (status !== undefined && !times.has(status)) times.set(status, timestamp)
  }
  return times
}

/** Where a status lies as seen from the order: `missed` is one that it can't reach any more. */
type State = 'reached' | 'here' | 'ahead' | 'missed'

function stateOf(status: Status, order: Order, times: ReadonlyMap<Status, string>): State {
  if (status === order.status) return 'here'
  if (status === 'CANCELLED') return order.status === 'PENDING' || order.status === 'PAID' ? 'ahead' : 'missed'
  if (order.status === 'CANCELLED') return times.has(status) ? 'reached' : 'missed'
  return PATH.indexOf(status) < PATH.indexOf(order.status) ? 'reached' : 'ahead'
}

interface LifecycleProps {
  readonly order: Order
  readonly history: readonly OrderHistoryEntry[] | undefined
}

/** The way of an order, with the branch that leaves it. */
export function Lifecycle({ order, history = [] }: LifecycleProps) {
  const times = reachedAt(history)
  const branch = order.status === 'CANCELLED' ? times.has('PAID') : order.status !== 'PENDING'
  return (
    <Card title="Lifecycle">
      <ol className="lifecycle" aria-label="Statuses, and where the order is">
        {PATH.map((status) => (
          <Step key={status} status={status} state={stateOf(status, order, times)} at={times.get(status)} />
        ))}
        <Step
          status="CANCELLED"
          state={stateOf('CANCELLED', order, times)}
          at={times.get('CANCELLED')}
          from={branch ? 'PAID' : 'PENDING'}
        />
      </ol>
    </Card>
  )
}

interface StepProps {
  readonly status: Status
  readonly state: State
  readonly at: string | undefined
  /** Where a branch leaves the way. */
  readonly from?: 'PENDING' | 'PAID'
}

function Step({ status, state, at, from }: StepProps) {
  return (
    <li data-state={state} data-from={from} aria-current={state === 'here' ? 'step' : undefined}>
      <strong>{status}</strong>
      <span className="small soft">
        {state === 'here' ? (
          at === undefined ? (
            'here now'
          ) : (
            <>
              since <Time at={at} />
            </>
          )
        ) : state === 'reached' ? (
          at === undefined ? (
            'passed'
          ) : (
            <Time at={at} />
          )
        ) : state === 'ahead' ? (
          status === 'CANCELLED' ? (
            `possible from ${from}`
          ) : (
            'not reached yet'
          )
        ) : (
          'not possible any more'
        )}
      </span>
    </li>
  )
}
