import type { WebhookEndpoint, WebhookEndpointWithSecret } from 'fanfold/client'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { keepFocus } from '../../ui/focus.ts'
import { Confirm } from './confirm.tsx'
import { DELIVERIES_KEY } from './deliveries.tsx'
import { EndpointSecret } from './endpoint-secret.tsx'
import { ENDPOINTS_KEY } from './endpoints.tsx'
import { ReplayRange } from './replay-range.tsx'

type Asked = 'pause' | 'rotate' | 'delete' | 'replay'
const PAUSED = 'the endpoint is paused'

export function EndpointActions({ endpoint }: { readonly endpoint: WebhookEndpoint }) {
  const { client } = useSession()
  const [, navigate] = useLocation()
  const [asked, setAsked] = useState<Asked>()
  const [rotated, setRotated] = useState<WebhookEndpointWithSecret>()
  const params = { path: { endpoint_id: endpoint.endpoint_id } }
  const refresh = [ENDPOINTS_KEY, DELIVERIES_KEY]
  const close = () => setAsked(undefined)
  const enable = useCommand(
    () => client.patch('/v1/webhook-endpoints/{endpoint_id}', { params, body: { active: true } }),
    { refresh, done: 'It gets what happens from now on', onShown: keepFocus },
  )
  const test = useCommand(() => client.post('/v1/webhook-endpoints/{endpoint_id}/test', { params }), {
    refresh,
    done: 'A test event is on its way; its delivery tells how it went',
  })
  const refusal = endpoint.active ? undefined : PAUSED
  return (
    <>
      <Button onClick={() => test.mutate(undefined)} busy={test.isPending} refusal={refusal}>
        Send test event
      </Button>
      <Button onClick={() => setAsked('replay')} refusal={refusal}>
        Replay a time range
      </Button>
      <Button onClick={() => setAsked('rotate')}>Rotate secret</Button>
      {endpoint.active ? (
        <Button key="pause" onClick={() => setAsked('pause')}>
          Pause
        </Button>
      ) : (
        <Button key="enable" onClick={() => enable.mutate(undefined)} busy={enable.isPending}>
          Enable
        </Button>
      )}
      <Button kind="danger" onClick={() => setAsked('delete')}>
        Delete
      </Button>
      {asked === 'pause' ? (
        <Confirm
          title="Pause this endpoint"
          submit="Pause"
          run={() => client.patch('/v1/webhook-endpoints/{endpoint_id}', { params, body: { active: false } })}
          refresh={refresh}
          done="The endpoint is paused"
          onClose={close}
        >
          <p>
            It gets nothing any more. What waits is stopped, and can be replayed later; what happens meanwhile is not
            kept for it.
          </p>
        </Confirm>
      ) : null}
      {asked === 'rotate' ? (
        <Confirm
          title="Give it a new secret"
          submit="Rotate secret"
          run={(idempotencyKey) =>
            client.post('/v1/webhook-endpoints/{endpoint_id}/rotate-secret', { params, idempotencyKey })
          }
          refresh={refresh}
          done="The new secret signs from now on"
          onDone={setRotated}
          onClose={close}
        >
          <p>The old secret signs beside the new one for a day, so that the receiver can change over.</p>
        </Confirm>
      ) : null}
      {asked === 'delete' ? (
        <Confirm
          title="Delete this endpoint"
          submit="Delete endpoint"
          run={() => client.delete('/v1/webhook-endpoints/{endpoint_id}', { params })}
          refresh={[]}
          done="The endpoint is deleted"
          onDone={() => navigate('/webhooks')}
          onClose={close}
        >
          <p>Nothing is sent to it any more, and its deliveries are forgotten.</p>
        </Confirm>
      ) : null}
      {asked === 'replay' ? <ReplayRange endpoint={endpoint} onClose={close} /> : null}
      {rotated === undefined ? null : (
        <EndpointSecret endpoint={rotated} title="The new secret" onClose={() => setRotated(undefined)} />
      )}
    </>
  )
}
