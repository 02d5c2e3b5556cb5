import type { BadRow, FileRow } from '../../core/file-rows.ts'
import type { Minor } from '../../core/money.ts'
import type { Worth } from '../model/amounts.ts'
import type { Address, OrderHeader, PricedLine } from '../ports.ts'

/** An order as a file tells it, whatever the form of the file. */
export interface OrderDraft
  extends Pick<
    OrderHeader,
    | 'orderNumber'
    | 'orderDateMs'
    | 'timeZone'
    | 'businessDay'
    | 'customerId'
    | 'customerName'
    | 'pricesIncludeTax'
    | 'adjustments'
    | 'taxRules'
    | 'shippingAddressId'
    | 'shippingAddress'
    | 'billing'
    | 'gift'
    | 'note'
    | 'metadata'
  > {
  readonly currency: string
  readonly shipping: Worth
  readonly totalPrice: Minor
  readonly lines: readonly PricedLine[]
  /** An address that the customer is to have, under `shippingAddressId`. */
  readonly newAddress: Address | undefined
  /** What it was made from. */
  readonly rows: readonly FileRow[]
}

/** The same reason for each row. */
export const allBad = (rows: readonly FileRow[], reason: string): BadRow[] =>
  rows.map(({ line, raw }) => ({ line, reason, row: raw }))

/** Days and moments that ids can be made for. */
export const DAYS = { first: '2010-01-01', last: '2078-12-31' } as const
