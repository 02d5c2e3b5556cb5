import type { ColumnList } from '../sql/column-list.ts'
import type { SqlParam, SqlScalar } from '../sql/sql.ts'

/** `order_id, order_number, ...`, quoted. */
export const namesOf = (list: ColumnList<never>): string => list.map(([name]) => `\`${name}\``).join(', ')

/** The rows of `values ?`: of each source the columns of its list, in their order. */
export function valuesOf<Source>(list: ColumnList<Source>, sources: readonly Source[]): SqlParam {
  return sources.map((source) =>
    list.map(([, type, value]): SqlScalar | undefined => {
      const given = value(source)
      // Anything inside JSON must not be taken for a list of rows.
      return given !== null && given !== undefined && (type === 'json' || type === 'jsonb')
        ? JSON.stringify(given)
        : given
    }),
  )
}
