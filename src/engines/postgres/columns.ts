import { assert } from '../../core/errors.ts'
import type { ColumnList } from '../sql/column-list.ts'
import type { SqlParam } from '../sql/sql.ts'

/**
 * The form in which a statement takes the rows of a list of columns: one array per column. A column that is added to the
 * list is stored by all statements that share it.
 */
export interface Columns<Source> {
  /** `order_id, order_number, ...` */
  readonly names: string
  /** `$4::bigint[], $5::text[], ...`, counted from `first`; for `unnest`. */
  arrays(first: number): string
  /** The parameter of one of them. */
  array(first: number, name: string): string
  /** The number of the first parameter behind them. */
  next(first: number): number
  /** One array per column. */
  params(sources: readonly Source[]): SqlParam[]
}

export function columns<Source>(list: ColumnList<Source>): Columns<Source> {
  return {
    names: list.map(([name]) => name).join(', '),
    arrays: (first) => list.map(([, type], index) => `$${first + index}::${type}[]`).join(', '),
    array(first, name) {
      const index = list.findIndex(([other]) => other === name)
      assert(index >= 0, `there is no column ${name}`)
      return `($${first + index}::${list[index]![1]}[])`
    },
    next: (first) => first + list.length,
    params: (sources) => list.map(([, , value]) => sources.map(value)),
  }
}
