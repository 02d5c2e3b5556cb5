import { useSession } from '../../data/session.tsx'
import { Tabs } from '../../ui/tabs.tsx'

const PARTS = [
  ['/', 'Payments'],
  ['/review', 'Review'],
  ['/disputes', 'Disputes'],
  ['/ledger', 'Ledger'],
  ['/settlements', 'Settlements'],
] as const

/** What there is of payments; the report needs a scope of its own. */
export function AreaTabs() {
  const { can } = useSession()
  return <Tabs label="Parts of payments" of={can('reports:read') ? [...PARTS, ['/report', 'Report']] : PARTS} />
}
