import type { SystemStatus } from 'fanfold/client'
import { Link } from 'wouter'
import { Badge } from '../../ui/badge.tsx'
import { Card } from '../../ui/card.tsx'
import { formatCount } from '../../ui/format.ts'
import { Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'

type Engine = SystemStatus['engines'][number]
type Projection = SystemStatus['projections'][number]
type Lane = SystemStatus['queue'][number]

const ENGINE: readonly Column<Engine>[] = [
  { header: 'Engine', cell: ({ name }) => <strong>{name}</strong> },
  {
    header: 'State',
    cell: ({ ok, error }) =>
      ok ? (
        <Badge tone="ok">answers</Badge>
      ) : (
        <>
          <Badge tone="bad">away</Badge> <span className="small">{error}</span>
        </>
      ),
  },
  { header: 'Version', cell: ({ version }) => version ?? <span className="soft">not known</span> },
  { header: 'Stores', cell: ({ stores }) => stores.join(', ') },
  { header: 'URL', cell: ({ url }) => <code className="overview-url">{url}</code> },
]

const PROJECTION: readonly Column<Projection>[] = [
  { header: 'Projection', cell: ({ name }) => <code>{name}</code> },
  { header: 'Log', cell: ({ log }) => log },
  { header: 'Lag, events', cell: ({ lag }) => formatCount(lag), isNumber: true },
  {
    header: 'State',
    cell: ({ building, quarantined, lag }) => (
      <span className="row">
        {quarantined > 0 ? <Badge tone="bad">{formatCount(quarantined)} quarantined</Badge> : null}
        {building === null ? null : <Badge tone="info">rebuilding generation {building}</Badge>}
        {lag > 0 ? <Badge tone="warn">behind</Badge> : null}
        {quarantined === 0 && building === null && lag === 0 ? <Badge tone="ok">up to date</Badge> : null}
      </span>
    ),
  },
  { header: 'Generation', cell: ({ generation }) => generation, isNumber: true },
]

const LANE: readonly Column<Lane>[] = [
  { header: 'Topic', cell: ({ topic }) => <code>{topic}</code> },
  { header: 'Lane', cell: ({ lane }) => lane },
  { header: 'Waiting', cell: ({ depth }) => formatCount(depth), isNumber: true },
  {
    header: 'Dead letters',
    cell: ({ topic, lane, dead_letters }) =>
      dead_letters === 0 ? (
        0
      ) : (
        <Link href={`/operations?topic=${encodeURIComponent(topic)}&lane=${lane}`}>{formatCount(dead_letters)}</Link>
      ),
    isNumber: true,
  },
]

/** The parts that the figures are made of: engines, projections, the queue. */
export function StateTables({ system: { engines, projections, queue } }: { readonly system: SystemStatus }) {
  return (
    <>
      <div id="engines" className="overview-anchor">
        <Card title="Engines" bare>
          <Table
            label="Engines"
            columns={ENGINE}
            rows={engines}
            keyOf={({ name, url }) => `${name} ${url}`}
            empty={null}
          />
        </Card>
      </div>
      <div className="grid overview-tables">
        <div id="projections" className="overview-anchor">
          <Card title="Projections" bare>
            <Table
              label="Projections"
              columns={PROJECTION}
              rows={projections}
              keyOf={({ name }) => name}
              empty={<Empty title="Nothing is known of projections now" />}
            />
          </Card>
        </div>
        <div id="queue" className="overview-anchor">
          <Card title="Queue" bare>
            <Table
              label="Queue"
              columns={LANE}
              rows={queue}
              keyOf={({ topic, lane }) => `${topic} ${lane}`}
              empty={<Empty title="No topic has held a message yet" />}
            />
          </Card>
        </div>
      </div>
    </>
  )
}
