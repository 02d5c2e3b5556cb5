import { hash } from 'node:crypto'
import { type BadRow, textOf } from '../../core/file-rows.ts'
import { LIMITS } from '../../core/limits.ts'
import { startOfDay } from '../model/business-day.ts'
import { type Address, MAIN_LOCATION, type PricedLine } from '../ports.ts'
import { allBad, type OrderDraft } from './draft.ts'
import type { RowGroup } from './groups.ts'
import type { OrderMapping } from './mapping.ts'
import { type ImportRow, readRow } from './row.ts'

/** The same address of the same customer has the same id in every run. */
function addressIdOf(customerId: string, address: Address): string {
  const { city, region = '', postal_code: postalCode = '', country } = address
  return `adr_${hash('sha256', [customerId, city, region, postalCode, country].join('\n')).slice(0, 24)}`
}

function pricedLine(row: ImportRow, index: number): PricedLine {
  const { productId, sku, productName, productCategory, quantity, price, discount, amount } = row
  return {
    ...{ lineNo: index + 1, productId, productVersion: 1, locationId: MAIN_LOCATION, sku, productName },
    ...{ productCategory, quantity, price, discount, taxIncluded: 0n, amount, tax: 0n },
  }
}

/** Why an order's rows can't be one order. */
function disagreement(rows: readonly ImportRow[]): string | undefined {
  const [first] = rows
  for (const field of ['day', 'customerId', 'city', 'region', 'country', 'postalCode'] as const) {
    const other = rows.find((row) => row[field] !== first![field])
    if (other !== undefined) return `order ${first!.orderNumber} has both "${first![field]}" and "${other[field]}"`
  }
  const most = LIMITS.importedLinesMax
  return rows.length > most ? `order ${first!.orderNumber} has more than ${most} rows` : undefined
}

/** Reads orders whose columns are named by a mapping: one row is one line of an order, at a decimal amount. */
export function createMappedReader(mapping: OrderMapping, timeZone: string) {
  const starts = new Map<string, number>()

  function startOf(day: string): number {
    const known = starts.get(day)
    if (known !== undefined) return known
    const at = startOfDay(day, timeZone)!
    starts.set(day, at)
    return at
  }

  /** The order, or why its rows are none: an order with a row that can't be read is left out whole. */
  return function read({ orderNumber, rows: fileRows }: RowGroup): OrderDraft | BadRow[] {
    const rows: ImportRow[] = []
    const bad = new Map<number, string>()
    for (const [index, fileRow] of fileRows.entries()) {
      const row = readRow((field) => textOf(fileRow, mapping.columns[field] ?? ''), mapping)
      if (typeof row === 'string') bad.set(index, row)
      else rows.push(row)
    }
    if (bad.size > 0) {
      const [firstBad] = bad.keys()
      const because = `line ${fileRows[firstBad!]!.line} of the same order can't be read`
      const told = fileRows.map((row, index) => ({ line: row.line, reason: bad.get(index), row: row.raw }))
      return [
        ...told.filter((row) => row.reason !== undefined).map((row) => ({ ...row, reason: row.reason! })),
        ...told.filter((row) => row.reason === undefined).map((row) => ({ ...row, reason: because })),
      ]
    }
    const problem = disagreement(rows)
    if (problem !== undefined) return allBad(fileRows, problem)

    const [{ day, customerId, customerName, city, region, postalCode, country }] = rows as [ImportRow]
    const address: Address = {
      city,
      ...(region === undefined ? {} : { region }),
      ...(postalCode === undefined ? {} : { postal_code: postalCode }),
      country,
    }
    const lines = rows.map(pricedLine)
    return {
      orderNumber,
      orderDateMs: startOf(day),
      timeZone,
      businessDay: day,
      customerId,
      customerName,
      currency: mapping.currency,
      pricesIncludeTax: false,
      adjustments: [],
      taxRules: [],
      shippingAddressId: addressIdOf(customerId, address),
      shippingAddress: address,
      newAddress: address,
      billing: undefined,
      gift: undefined,
      note: undefined,
      metadata: {},
      shipping: { amount: 0n, tax: 0n },
      totalPrice: lines.reduce((sum, line) => sum + line.amount, 0n),
      lines,
      rows: fileRows,
    }
  }
}
