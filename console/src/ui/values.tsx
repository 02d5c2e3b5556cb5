import { useSession } from '../data/session.tsx'
import { formatMoney, formatTime } from './format.ts'

/** A time in the zone of the store; the exact one on hover. */
export function Time({ at, seconds = false }: { readonly at: string; readonly seconds?: boolean }) {
  const { settings } = useSession()
  return (
    <time dateTime={at} title={`${at} (shown in ${settings.store_time_zone})`}>
      {formatTime(at, settings.store_time_zone, seconds)}
    </time>
  )
}

export function Money({ minor, currency }: { readonly minor: number; readonly currency: string }) {
  return <span className="number">{formatMoney(minor, currency)}</span>
}

/** Any JSON, for those who want to see exactly what the server said. */
export function Json({ of, label }: { readonly of: unknown; readonly label: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="json" tabIndex={0} aria-label={label}>
      <pre className="small">{JSON.stringify(of, null, 2)}</pre>
    </section>
  )
}
