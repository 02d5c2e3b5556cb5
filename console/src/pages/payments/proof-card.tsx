import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Async } from '../../ui/states.tsx'
import { Time } from '../../ui/values.tsx'

/** Where a finding lies, in words. */
const PLACES: Readonly<Record<string, string>> = {
  events: 'the events and the hashes that chain them',
  head: 'the head that events are added behind',
  operations: 'the operations',
  snapshots: 'the snapshots',
  set_aside: 'the read models, which could not fold it',
  view: 'the payment as lists show it',
  transactions: 'the transactions of the customer',
  ledger: 'the ledger',
  disputes: 'the disputes',
}

/** Checks that the payment is what its events say, and that nobody changed these. */
export function ProofCard({ paymentId, version }: { readonly paymentId: string; readonly version: number }) {
  const { client } = useSession()
  const [isAsked, setAsked] = useState(false)
  const proof = useQuery({
    queryKey: ['payments', 'one', paymentId, 'proof'],
    queryFn: ({ signal }) =>
      client.get('/v1/payments/{payment_intent_id}/proof', {
        params: { path: { payment_intent_id: paymentId } },
        signal,
      }),
    enabled: isAsked,
    staleTime: Number.POSITIVE_INFINITY,
  })
  const check = () => {
    if (isAsked) void proof.refetch()
    setAsked(true)
  }
  return (
    <Card
      title="Tamper check"
      actions={
        <Button onClick={check} busy={proof.isFetching}>
          {isAsked ? 'Check again' : 'Check now'}
        </Button>
      }
    >
      {isAsked ? (
        <Async of={proof} what="Checking">
          {(result) => (
            <div className="stack" role="status">
              <div className="notice" data-tone={result.ok ? 'ok' : 'bad'}>
                <strong>
                  {result.ok ? 'Nothing was changed' : `Something is wrong: ${result.findings.length} found`}
                </strong>
                <span>
                  {result.ok
                    ? `All ${result.events} events are as they were written, and everything kept beside them agrees with them.`
                    : `${result.events} events were checked.`}
                </span>
              </div>
              {result.ok ? null : (
                <ul className="pay-findings">
                  {result.findings.map(({ kind, message }) => (
                    <li key={`${kind} ${message}`}>
                      <strong>{kind}</strong> <span className="soft">({PLACES[kind] ?? kind})</span>
                      <br />
                      {message}
                    </li>
                  ))}
                </ul>
              )}
              <span className="soft small">
                Checked <Time at={result.checked_at} seconds />
                {result.events < version ? '; the payment has gone on since then' : null}
              </span>
            </div>
          )}
        </Async>
      ) : (
        <p className="soft">
          Verifies the hashes that chain the events, replays them, and compares head, operations, read models and ledger
          with the result.
        </p>
      )}
    </Card>
  )
}
