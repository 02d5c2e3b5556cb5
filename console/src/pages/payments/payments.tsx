import './payments.css'
import { Route, Switch } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { DisputesPage } from './disputes-page.tsx'
import { LedgerPage } from './ledger-page.tsx'
import { ListPage } from './list-page.tsx'
import { NewPaymentPage } from './new-payment-page.tsx'
import { PaymentPage } from './payment-page.tsx'
import { ReportPage } from './report-page.tsx'
import { ReviewPage } from './review-page.tsx'
import { SettlementPage } from './settlement-page.tsx'
import { SettlementsPage } from './settlements-page.tsx'

export default function Payments() {
  const { can } = useSession()
  return (
    <Switch>
      <Route path="/">
        <ListPage />
      </Route>
      {can('payments') ? (
        <Route path="/new">
          <NewPaymentPage />
        </Route>
      ) : null}
      <Route path="/review">
        <ReviewPage />
      </Route>
      <Route path="/disputes">
        <DisputesPage />
      </Route>
      <Route path="/ledger">
        <LedgerPage />
      </Route>
      <Route path="/settlements">
        <SettlementsPage />
      </Route>
      <Route path="/settlements/:settlement_id">
        {({ settlement_id: id }) => <SettlementPage key={id} settlementId={id} />}
      </Route>
      {can('reports:read') ? (
        <Route path="/report">
          <ReportPage />
        </Route>
      ) : null}
      <Route path="/:payment_intent_id">{({ payment_intent_id: id }) => <PaymentPage key={id} paymentId={id} />}</Route>
    </Switch>
  )
}
