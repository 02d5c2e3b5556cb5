import { Badge } from '../../ui/badge.tsx'
import { Card } from '../../ui/card.tsx'
import { formatCount } from '../../ui/format.ts'
import { Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { type Fact, type Report, textOf } from './reports.ts'

const FACT: readonly Column<Fact>[] = [
  {
    header: 'What was compared',
    cell: ({ what, ok }) => (
      <span className="row">
        {what}
        {ok ? null : <Badge tone="bad">differences</Badge>}
      </span>
    ),
  },
  { header: 'Found', cell: ({ value }) => value, isNumber: true },
]

/** What a verification says of one model: the differences first. */
export function JobReport({ report: { model, ok, facts, findings } }: { readonly report: Report }) {
  const names = [...new Set(findings.flatMap(Object.keys))]
  const columns = names.map((name) => ({
    header: name.replaceAll('_', ' '),
    cell: ({ row }: { readonly row: Report['findings'][number] }) => (
      <span className="operations-reason">{name in row ? textOf(row[name]) : ''}</span>
    ),
  }))
  return (
    <Card
      title={`Verification of ${model}`}
      actions={<Badge tone={ok ? 'ok' : 'bad'}>{ok ? 'clean' : 'differences'}</Badge>}
    >
      {findings.length === 0 ? null : (
        <>
          <h3>
            {formatCount(findings.length)} {findings.length === 1 ? 'difference' : 'differences'}
          </h3>
          <Table
            label={`Differences of ${model}`}
            columns={columns}
            rows={findings.map((row, n) => ({ row, n }))}
            keyOf={({ n }) => String(n)}
            empty={<Empty title="No differences" />}
          />
        </>
      )}
      <Table
        label={`What was compared of ${model}`}
        columns={FACT}
        rows={facts}
        keyOf={({ what }) => what}
        empty={<Empty title="Nothing was compared" />}
      />
    </Card>
  )
}
