import type { Payment, PaymentEvent } from 'fanfold/client'
import { capturableOf, initialState, refundableOf } from '../../../../src/payments/model/state.ts'
import { useSession } from '../../data/session.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { formatTime } from '../../ui/format.ts'
import { Async } from '../../ui/states.tsx'
import { StepSlider } from '../../ui/step-slider.tsx'
import { Money } from '../../ui/values.tsx'
import { MoneyBar } from './money-bar.tsx'
import { PaymentStatus } from './statuses.tsx'

/** The two sums that follow from the others, by the rules of the model. */
export function restsOf(payment: Payment): { readonly capturable: number; readonly refundable: number } {
  const state = {
    ...initialState,
    authorized: BigInt(payment.authorized),
    captured: BigInt(payment.captured),
    capturePending: BigInt(payment.capture_pending),
    refunded: BigInt(payment.refunded),
    refundPending: BigInt(payment.refund_pending),
    disputed: BigInt(payment.disputed),
  }
  return { capturable: Number(capturableOf(state)), refundable: Number(refundableOf(state)) }
}

interface StateCardProps {
  readonly now: Payment
  /** The payment as it was after the version that is looked at. */
  readonly shown: { readonly data: Payment | undefined; readonly error: unknown; refetch(): unknown }
  readonly version: number
  /** As far as they are loaded. */
  readonly events: readonly PaymentEvent[] | undefined
  onChoose(version: number): void
}

/** Travels through the versions of a payment, and shows its state after each event. */
export function StateCard({ now, shown, version, events, onChoose }: StateCardProps) {
  const { settings } = useSession()
  const isPast = version < now.version
  const eventOf = (at: number) => events?.[at - 1]
  function describe(at: number): string {
    const event = eventOf(at)
    if (event === undefined) return `event ${at}`
    return `${event.event_type}, ${formatTime(event.timestamp, settings.store_time_zone, true)}`
  }
  return (
    <Card title={isPast ? `State after event ${version} of ${now.version}` : 'State now'}>
      <StepSlider label="After event" steps={now.version} at={version} onChange={onChoose} describe={describe} />
      {isPast ? (
        <div className="notice pay-past" data-tone="warn">
          <span>
            <strong>This is the past.</strong> The payment as it was after event {version} of {now.version}; it is{' '}
            {now.status} now.
          </span>
          <span>
            <Button onClick={() => onChoose(now.version)}>Back to now</Button>
          </span>
        </div>
      ) : null}
      <Async of={shown} what="Loading the state">
        {(payment) => <Sums payment={payment} isPast={isPast} />}
      </Async>
    </Card>
  )
}

function Sums({ payment, isPast }: { readonly payment: Payment; readonly isPast: boolean }) {
  const { capturable, refundable } = restsOf(payment)
  const { currency } = payment
  const sums: readonly (readonly [term: string, minor: number, isQuiet?: boolean])[] = [
    ['Amount', payment.amount],
    ['Authorized', payment.authorized],
    ['Captured', payment.captured],
    ['Refunded', payment.refunded],
    ['Capturable', capturable],
    ['Refundable', refundable],
    ...(payment.capture_pending > 0 ? [['Capture under way', payment.capture_pending] as const] : []),
    ...(payment.refund_pending > 0 ? [['Refund under way', payment.refund_pending] as const] : []),
    ...(payment.disputed > 0 ? [['Held by disputes', payment.disputed] as const] : []),
  ]
  return (
    <div className="stack pay-state" data-past={isPast || undefined}>
      <div className="row">
        Status <PaymentStatus of={payment.status} />
        <span className="soft small">version {payment.version}</span>
      </div>
      <MoneyBar payment={payment} />
      <dl className="pay-sums" aria-label="Amounts">
        {sums.map(([term, minor]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>
              <Money minor={minor} currency={currency} />
            </dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
