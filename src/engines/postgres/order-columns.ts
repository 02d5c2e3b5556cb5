import { LINE_LIST, type NewLine, type NewOrder, ORDER_LIST } from '../sql/order-columns.ts'
import { type Columns, columns } from './columns.ts'

export const ORDER: Columns<NewOrder> = columns(ORDER_LIST)
export const LINE: Columns<NewLine> = columns(LINE_LIST)
