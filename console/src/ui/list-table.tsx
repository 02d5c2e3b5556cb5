import { asQuestion, type List } from '../data/use-list.ts'
import { Async } from './states.tsx'
import { Table, type TableProps } from './table.tsx'

interface ListTableProps<Row> extends Omit<TableProps<Row>, 'rows' | 'more'> {
  readonly list: List<Row>
  /** What is said until the first rows are there. */
  readonly what?: string
}

/** The table of a list: while it loads, where it fails, and with all of its pages. */
export function ListTable<Row>({ list, what, ...table }: ListTableProps<Row>) {
  return (
    <Async of={asQuestion(list)} what={what}>
      {(rows) => <Table {...table} rows={rows} more={list.more} />}
    </Async>
  )
}
