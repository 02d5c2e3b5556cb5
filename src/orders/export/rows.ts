import { type CsvCell, type CsvOptions, csvLine } from '../../core/csv.ts'
import {
  ADDRESS_COLUMNS,
  type ColumnKind,
  CUSTOMER_COLUMNS,
  HISTORY_COLUMNS,
  LINE_COLUMNS,
  ORDER_COLUMNS,
  PRODUCT_COLUMNS,
} from './columns.ts'
import type { ExportedCustomer, ExportedHistory, ExportedOrder, ExportedProduct } from './export.ts'

/** How documents become rows of CSV. */
export interface CsvForm<Document> {
  heading(): string
  rows(document: Document): string
}

function cellOf(value: unknown, kind: ColumnKind): CsvCell {
  if (value === undefined || value === null) return undefined
  return kind === 'json' ? JSON.stringify(value) : (value as CsvCell)
}

const cellsOf = (document: object, columns: Readonly<Record<string, ColumnKind>>): CsvCell[] =>
  Object.entries(columns).map(([column, kind]) => cellOf((document as Record<string, unknown>)[column], kind))

function flatForm<Document extends object>(
  columns: Readonly<Record<string, ColumnKind>>,
  options: CsvOptions,
): CsvForm<Document> {
  return {
    heading: () => csvLine(Object.keys(columns)),
    rows: (document) => csvLine(cellsOf(document, columns), options),
  }
}

/** The forms of the four exports. Texts are written as they are, unless they are for spreadsheets. */
export const CSV_FORMS = {
  orders: (options: CsvOptions = {}): CsvForm<ExportedOrder> => ({
    heading: () =>
      csvLine([...Object.keys(ORDER_COLUMNS), ...Object.keys(ADDRESS_COLUMNS), ...Object.keys(LINE_COLUMNS)]),
    rows(order) {
      const address = Object.values(ADDRESS_COLUMNS).map((member) => order.shipping_address[member])
      const head = [...cellsOf(order, ORDER_COLUMNS), ...address]
      return order.items.map((item) => csvLine([...head, ...cellsOf(item, LINE_COLUMNS)], options)).join('')
    },
  }),
  products: (options: CsvOptions = {}) => flatForm<ExportedProduct>(PRODUCT_COLUMNS, options),
  customers: (options: CsvOptions = {}) => flatForm<ExportedCustomer>(CUSTOMER_COLUMNS, options),
  order_history: (options: CsvOptions = {}) => flatForm<ExportedHistory>(HISTORY_COLUMNS, options),
} as const

export type ExportName = keyof typeof CSV_FORMS
