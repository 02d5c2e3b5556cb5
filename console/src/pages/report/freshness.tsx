import type { SalesReport } from 'fanfold/client'
import { formatCount } from '../../ui/format.ts'
import { Time } from '../../ui/values.tsx'
import type { Days } from './period.ts'

/** Which days the figures are of, and how fresh they are. */
export function Freshness({ report, days }: { readonly report: SalesReport; readonly days: Days }) {
  const { fresh_as_of: at, lag_events: lag, previous_period: previous, definition_version: version } = report
  const first = days.from === undefined ? 'from the beginning' : `from ${days.from}`
  const last = days.to === undefined ? 'until today' : `to ${days.to}`
  return (
    <p className="soft">
      Signed amounts without tax, {first} {last}
      {previous === undefined ? '' : `, beside ${previous.from} to ${previous.to}`}. As of <Time at={at} seconds />:{' '}
      {lag === 0
        ? 'everything written before is in it'
        : `${formatCount(lag)} later events of orders are not in it yet`}
      . Definition {version}.
    </p>
  )
}
