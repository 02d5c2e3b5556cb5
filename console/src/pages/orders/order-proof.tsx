import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Async } from '../../ui/states.tsx'
import { Time } from '../../ui/values.tsx'

/** Checks the chain of hashes of the history, and replays it against what is stored; on demand only. */
export function OrderProof({ orderId, version }: { readonly orderId: string; readonly version: number }) {
  const { client } = useSession()
  const [isAsked, setAsked] = useState(false)
  const proof = useQuery({
    queryKey: ['order-proof', orderId],
    queryFn: ({ signal }) =>
      client.get('/v1/orders/{order_id}/proof', { params: { path: { order_id: orderId } }, signal }),
    enabled: isAsked,
    staleTime: Number.POSITIVE_INFINITY,
  })
  const check = () => (isAsked ? void proof.refetch() : setAsked(true))
  return (
    <Card
      title="Hash chain"
      actions={
        <Button onClick={check} busy={proof.isFetching}>
          {isAsked ? 'Check again' : 'Check'}
        </Button>
      }
    >
      <div role="status" className="stack">
        {isAsked ? (
          <Async of={proof} what="Checking">
            {({ ok, events, findings, checked_at: at }) => (
              <div className="notice" data-tone={ok ? 'ok' : 'bad'}>
                <strong>
                  {ok ? 'The history is whole, and the order is what it says' : `${findings.length} differences found`}
                </strong>
                <span>
                  {events} of {version} entries checked, at <Time at={at} seconds />
                </span>
                {findings.map(({ kind, message }) => (
                  <span key={`${kind} ${message}`}>
                    <code>{kind}</code> {message}
                  </span>
                ))}
              </div>
            )}
          </Async>
        ) : (
          <p className="soft">
            Each entry of the history holds a SHA-256 of itself and of the entry before. Checking computes them anew,
            replays the history, and compares the end with the order.
          </p>
        )}
      </div>
    </Card>
  )
}
