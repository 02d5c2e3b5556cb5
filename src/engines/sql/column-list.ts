import type { SqlScalar } from './sql.ts'

/** What a column holds, in the words of PostgreSQL; other databases have types of their own for it. */
export type ColumnType =
  | 'bigint'
  | 'boolean'
  | 'bytea'
  | 'date'
  | 'int'
  /** As it was sent, not looked into. */
  | 'json'
  | 'jsonb'
  | 'smallint'
  | 'text'
  | 'timestamptz'

export type Column<Source> = readonly [name: string, type: ColumnType, value: (source: Source) => SqlScalar | undefined]

/** The columns of rows that a statement stores many of: their names, their types, and what they are filled with. */
export type ColumnList<Source> = readonly Column<Source>[]
