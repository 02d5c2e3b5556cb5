import type { PaymentEvent } from 'fanfold/client'
import { Json, Time } from '../../ui/values.tsx'

/** Shown in columns of their own, or for programs only. */
const ELSEWHERE = new Set(['amount', 'currency', 'op_id'])

/** What an event tells besides its amount, as words; everything of it on demand. */
export function EventData({ event }: { readonly event: PaymentEvent }) {
  const told = Object.entries(event.payload).filter(([name]) => !ELSEWHERE.has(name))
  return (
    <div className="pay-data">
      {event.op_id === null ? null : (
        <span>
          <span className="soft">op_id</span> <span className="mono">{event.op_id}</span>
        </span>
      )}
      {told.map(([name, value]) => (
        <span key={name}>
          <span className="soft">{name}</span> <Value of={value} />
        </span>
      ))}
      <details>
        <summary>All of event {event.version}</summary>
        <Json of={event} label={`All of event ${event.version}`} />
      </details>
    </div>
  )
}

const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/

function Value({ of: value }: { readonly of: unknown }) {
  if (typeof value === 'string') return TIME.test(value) ? <Time at={value} seconds /> : value
  if (typeof value === 'boolean') return <>{value ? 'yes' : 'no'}</>
  if (typeof value !== 'object' || value === null) return <>{String(value)}</>
  if (Array.isArray(value)) return <>{value.join(', ')}</>
  if ('key_id' in value && 'data' in value) return <span className="soft">encrypted</span>
  const members = Object.entries(value).map(
    ([name, one]) => `${name} ${typeof one === 'object' ? JSON.stringify(one) : one}`,
  )
  return <>{members.join(', ')}</>
}
