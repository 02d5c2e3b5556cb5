import type { Payment, PaymentDispute } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { Button } from '../../ui/button.tsx'
import { Card, Facts } from '../../ui/card.tsx'
import { Money, Time } from '../../ui/values.tsx'
import { Deadline } from './deadline.tsx'
import { EvidenceDialog } from './evidence-dialog.tsx'
import { DisputeStatus } from './statuses.tsx'

/** Money that the bank of the payer asks back from this payment. */
export function DisputesCard({ payment }: { readonly payment: Payment }) {
  const { can } = useSession()
  const [open, setOpen] = useState<PaymentDispute>()
  const { disputes, currency, payment_intent_id: paymentId } = payment
  return (
    <Card title="Disputes">
      {disputes.length === 0 ? <p className="soft">The bank of the payer has asked nothing back.</p> : null}
      {disputes.map((dispute) => (
        <section key={dispute.dispute_id} className="stack pay-dispute">
          <h3 className="row">
            <span className="mono">{dispute.dispute_id}</span> <DisputeStatus of={dispute.status} />
          </h3>
          <Facts
            of={[
              ['Amount', <Money key="amount" minor={dispute.amount} currency={currency} />],
              ['Reason', dispute.reason],
              ['Evidence due', <Deadline key="due" dueBy={dispute.evidence_due_by} status={dispute.status} />],
              ['Opened', <Time key="opened" at={dispute.opened_at} />],
              ['Last change', <Time key="updated" at={dispute.updated_at} />],
            ]}
          />
          {can('payments') ? (
            <div>
              <Button
                refusal={dispute.status === 'needs_response' ? undefined : `The dispute is ${dispute.status}`}
                onClick={() => setOpen(dispute)}
              >
                Submit evidence
              </Button>
            </div>
          ) : null}
        </section>
      ))}
      {open === undefined ? null : (
        <EvidenceDialog
          dispute={{ ...open, payment_intent_id: paymentId, currency }}
          onClose={() => setOpen(undefined)}
        />
      )}
    </Card>
  )
}
