import type { WebhookEndpoint } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { CommandForm } from '../../ui/command-form.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { formatCount } from '../../ui/format.ts'
import { instantOf, localOf } from '../../ui/zone.ts'
import { DELIVERIES_KEY } from './deliveries.tsx'

const DAY_MS = 86_400_000
const STATUSES = ['delivered', 'failed', 'stopped'] as const
type Status = (typeof STATUSES)[number]

interface ReplayRangeProps {
  readonly endpoint: WebhookEndpoint
  onClose(): void
}

/** Sends again what was made in a range of time: as much as the server takes at once, and then what is left. */
export function ReplayRange({ endpoint, onClose }: ReplayRangeProps) {
  const { client, settings } = useSession()
  const zone = settings.store_time_zone
  const [since, setSince] = useState(() => localOf(Date.now() - DAY_MS, zone))
  const [until, setUntil] = useState('')
  const [status, setStatus] = useState<Status | ''>('')
  const [cursor, setCursor] = useState<string>()
  const [soFar, setSoFar] = useState(0)
  const asks = { since, until, status, cursor }
  const range = { since, until, status }
  const change =
    <Value,>(set: (value: Value) => void) =>
    (value: Value) => {
      set(value)
      // A cursor goes on with the range it was given for.
      setCursor(undefined)
      setSoFar(0)
    }
  return (
    <Dialog title="Replay a time range" onClose={onClose}>
      <CommandForm
        submit={cursor === undefined ? 'Replay' : 'Replay more'}
        asks={asks}
        run={() =>
          client.post('/v1/webhook-endpoints/{endpoint_id}/replay', {
            params: { path: { endpoint_id: endpoint.endpoint_id } },
            body: {
              since: instantOf(range.since, zone),
              ...(range.until === '' ? {} : { until: instantOf(range.until, zone) }),
              ...(range.status === '' ? {} : { status: range.status }),
              ...(cursor === undefined ? {} : { cursor }),
            },
          })
        }
        refresh={[DELIVERIES_KEY]}
        done={({ replayed }) => `${formatCount(replayed)} ${replayed === 1 ? 'webhook is' : 'webhooks are'} sent again`}
        onDone={({ replayed, next_cursor }) => {
          setSoFar(soFar + replayed)
          setCursor(next_cursor)
          if (next_cursor === undefined) onClose()
        }}
      >
        {(error) => (
          <>
            <Field label="Made at or after" hint={`In ${zone}`} error={fieldError(error, '/since')}>
              <input
                type="datetime-local"
                required
                value={since}
                onChange={(event) => change(setSince)(event.target.value)}
              />
            </Field>
            <Field label="Made before" hint={`In ${zone}; empty: until now`} error={fieldError(error, '/until')}>
              <input type="datetime-local" value={until} onChange={(event) => change(setUntil)(event.target.value)} />
            </Field>
            <Field label="Status" error={fieldError(error, '/status')}>
              <select value={status} onChange={(event) => change(setStatus)(event.target.value as Status | '')}>
                <option value="">What did not arrive: failed and stopped</option>
                {STATUSES.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </Field>
            {cursor === undefined ? null : (
              <p className="notice" role="status">
                {formatCount(soFar)} are sent again; there are more in this range.
              </p>
            )}
          </>
        )}
      </CommandForm>
    </Dialog>
  )
}
