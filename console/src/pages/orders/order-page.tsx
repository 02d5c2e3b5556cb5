import type { Order, OrderHistoryEntry } from 'fanfold/client'
import { Link, useSearchParams } from 'wouter'
import { asQuestion } from '../../data/use-list.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { formatTime } from '../../ui/format.ts'
import { Page } from '../../ui/page.tsx'
import { Async, Failure } from '../../ui/states.tsx'
import { StepSlider } from '../../ui/step-slider.tsx'
import { Time } from '../../ui/values.tsx'
import { Lifecycle } from './lifecycle.tsx'
import { FulfillmentMark, PaymentMark, StatusMark } from './marks.tsx'
import { OrderActions } from './order-actions.tsx'
import { OrderAddresses } from './order-addresses.tsx'
import { OrderHistory } from './order-history.tsx'
import { OrderLines } from './order-lines.tsx'
import { OrderPayments } from './order-payments.tsx'
import { OrderProof } from './order-proof.tsx'
import { OrderShipments } from './order-shipments.tsx'
import { OrderTotals } from './order-totals.tsx'
import { useHistory, useOrder, usePastOrder } from './use-order.ts'

/** The version in the address, where it is one of the past. */
function pastVersion(text: string | null, newest: number | undefined): number | undefined {
  const version = Number(text ?? '')
  return Number.isInteger(version) && version >= 1 && newest !== undefined && version < newest ? version : undefined
}

export function OrderPage({ orderId }: { readonly orderId: string }) {
  const now = useOrder(orderId)
  const [params, setParams] = useSearchParams()
  const version = pastVersion(params.get('version'), now.data?.version)
  const past = usePastOrder(orderId, version)
  const history = useHistory(orderId, now.data?.version)
  const order = version === undefined ? now.data : past.data
  const show = (wanted: number) =>
    setParams(wanted === now.data?.version ? {} : { version: String(wanted) }, { replace: true })
  return (
    <Page
      title={now.data === undefined ? 'Order' : `Order ${now.data.order_number}`}
      mark={order === undefined ? undefined : <Marks of={order} />}
      actions={<Link href="/">All orders</Link>}
    >
      <Async of={now} what="Loading the order">
        {(current) => (
          <>
            <AsOf current={current} at={version ?? current.version} history={history.rows} onShow={show} />
            {past.error !== null && version !== undefined ? <Failure error={past.error} /> : null}
            {order === undefined ? null : (
              <Parts order={order} current={current} isPast={version !== undefined} history={history.rows} />
            )}
            <Async of={asQuestion(history)} what="Loading the history">
              {(rows) => (
                <OrderHistory
                  rows={rows}
                  more={history.more}
                  at={version ?? current.version}
                  currency={current.currency}
                  onShow={show}
                />
              )}
            </Async>
          </>
        )}
      </Async>
    </Page>
  )
}

const Marks = ({ of }: { readonly of: Order }) => (
  <span className="row">
    <StatusMark of={of.status} />
    <PaymentMark of={of.payment_status} />
    <FulfillmentMark of={of.fulfillment_status} />
  </span>
)

interface AsOfProps {
  readonly current: Order
  readonly at: number
  readonly history: readonly OrderHistoryEntry[] | undefined
  onShow(version: number): void
}

/** Chooses the version that is shown. */
function AsOf({ current, at, history, onShow }: AsOfProps) {
  const newest = current.version
  const entry = (version: number) => history?.find((one) => one.version === version)
  const describe = (version: number) => {
    const found = entry(version)
    if (found === undefined) return version === newest ? 'now' : `version ${version}`
    return `${found.event_type}, ${formatTime(found.timestamp, current.time_zone, true)}`
  }
  return (
    <>
      <Card title="As of">
        <StepSlider label="Version shown" steps={newest} at={at} onChange={onShow} describe={describe} />
      </Card>
      <div role="status">
        {at === newest ? null : (
          <div className="notice past" data-tone="warn">
            <strong>The past: this is the order as it was after version {at}</strong>
            <span>
              {entry(at) === undefined ? null : (
                <>
                  It was written at <Time at={entry(at)!.timestamp} seconds />.{' '}
                </>
              )}
              Now it is at version {newest}.
            </span>
            <span>
              <Button onClick={() => onShow(newest)}>Back to now</Button>
            </span>
          </div>
        )}
      </div>
    </>
  )
}

interface PartsProps {
  readonly order: Order
  readonly current: Order
  readonly isPast: boolean
  readonly history: readonly OrderHistoryEntry[] | undefined
}

function Parts({ order, current, isPast, history }: PartsProps) {
  return (
    <div className="order-parts" data-past={isPast || undefined}>
      <Lifecycle order={order} history={history?.filter(({ version }) => version <= order.version)} />
      <OrderLines order={order} />
      <div className="split">
        <div className="stack order-column">
          <OrderActions order={current} isPast={isPast} />
          <OrderShipments order={order} isPast={isPast} />
          <OrderAddresses order={order} />
        </div>
        <div className="stack order-column">
          <OrderTotals order={order} />
          <OrderPayments order={order} isPast={isPast} />
          <OrderProof orderId={order.order_id} version={current.version} />
        </div>
      </div>
    </div>
  )
}
