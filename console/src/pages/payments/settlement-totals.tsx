import type { SettlementWithTotals } from 'fanfold/client'
import { Card } from '../../ui/card.tsx'
import { formatCount } from '../../ui/format.ts'
import { Empty } from '../../ui/states.tsx'
import { Table } from '../../ui/table.tsx'
import { Money } from '../../ui/values.tsx'

/** Sums of the lines of a file by type, as the file has them. */
export function TotalsCard({ settlement }: { readonly settlement: SettlementWithTotals }) {
  return (
    <Card title="Sums of the file" bare>
      <Table
        label="Sums of the file"
        columns={[
          { header: 'Type', cell: (row) => row.type },
          { header: 'Lines', isNumber: true, cell: (row) => formatCount(row.lines) },
          { header: 'Amount', isNumber: true, cell: (row) => <Money minor={row.amount} currency={row.currency} /> },
          { header: 'Fees', isNumber: true, cell: (row) => <Money minor={row.fee} currency={row.currency} /> },
        ]}
        rows={settlement.totals}
        keyOf={(row) => `${row.currency} ${row.type}`}
        empty={<Empty title="The file has no lines" />}
      />
    </Card>
  )
}
