import type { WebhookEndpointWithSecret } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { CommandForm } from '../../ui/command-form.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { EndpointSecret } from './endpoint-secret.tsx'
import { ENDPOINTS_KEY } from './endpoints.tsx'

export function NewEndpoint({ onClose }: { onClose(): void }) {
  const { client } = useSession()
  const [url, setUrl] = useState('')
  const [events, setEvents] = useState('')
  const [description, setDescription] = useState('')
  const [made, setMade] = useState<WebhookEndpointWithSecret>()
  if (made !== undefined) return <EndpointSecret endpoint={made} title="The endpoint is made" onClose={onClose} />
  const eventTypes = events.split(/[\s,]+/).filter((name) => name !== '')
  const body = {
    url: url.trim(),
    ...(eventTypes.length === 0 ? {} : { event_types: eventTypes }),
    ...(description.trim() === '' ? {} : { description: description.trim() }),
  }
  return (
    <Dialog title="New webhook endpoint" onClose={onClose}>
      <CommandForm
        submit="Make endpoint"
        asks={body}
        run={(idempotencyKey) => client.post('/v1/webhook-endpoints', { body, idempotencyKey })}
        refresh={[ENDPOINTS_KEY]}
        done="The endpoint gets events from now on"
        onDone={setMade}
      >
        {(error) => (
          <>
            <Field label="URL" hint="https, on the public Internet" error={fieldError(error, '/url')}>
              <input
                type="url"
                required
                placeholder="https://shop.example/webhooks"
                value={url}
                onChange={(event) => setUrl(event.target.value)}
              />
            </Field>
            <Field
              label="Events"
              hint="Names such as order.paid, or order.* and payment.*, with spaces between; none: all of orders and payments"
              error={fieldError(error, '/event_types')}
            >
              <input
                className="mono"
                spellCheck={false}
                autoComplete="off"
                value={events}
                onChange={(event) => setEvents(event.target.value)}
              />
            </Field>
            <Field label="Description" hint="For people" error={fieldError(error, '/description')}>
              <input value={description} onChange={(event) => setDescription(event.target.value)} />
            </Field>
          </>
        )}
      </CommandForm>
    </Dialog>
  )
}
