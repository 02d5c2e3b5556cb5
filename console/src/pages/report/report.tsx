import './report.css'
import { Route, Switch } from 'wouter'
import { FactsPage } from './facts-page.tsx'
import { ReportPage } from './report-page.tsx'

export default function Report() {
  return (
    <Switch>
      <Route path="/">
        <ReportPage />
      </Route>
      <Route path="/facts">
        <FactsPage />
      </Route>
    </Switch>
  )
}
