import type { Clock } from '../../core/clock.ts'
import type { FileRow } from '../../core/file-rows.ts'
import { validator } from '../../core/schema.ts'
import { addressOf } from '../catalogue/documents.ts'
import { CUSTOMER_COLUMNS } from '../export/columns.ts'
import type { Address, ImportedCustomer, OrderImportStore } from '../ports.ts'
import { documentsOf, type TableImportOptions } from './documents.ts'
import { ImportedCustomerDocument } from './schemas.ts'

export interface CustomersImported {
  readonly rows: number
  readonly customers_added: number
  readonly customers_changed: number
  /** Those that were there already, and stay as they are. */
  readonly customers_known: number
  /** Those that were erased here, and stay so. */
  readonly customers_erased: number
  readonly rows_bad: number
}

const check = validator(ImportedCustomerDocument)
const REQUIRED = ['customer_id', 'name']

function importedCustomer(row: ImportedCustomerDocument, nowMs: number): ImportedCustomer | string {
  const { customer_id: customerId, name, email, guest = false, created_at: createdAt, addresses = [] } = row
  const createdAtMs = createdAt === undefined ? nowMs : Date.parse(createdAt)
  if (Number.isNaN(createdAtMs)) return `"${createdAt}" is no time`
  const ids = addresses.map((address) => address.address_id)
  if (new Set(ids).size < ids.length) return 'an address_id stands there twice'
  return {
    customer: { customerId, name, email, guest, version: 1, createdAtMs },
    addresses: addresses.map((address) => ({
      ...addressOf(address as Address),
      addressId: address.address_id,
      customerId,
      createdAtMs,
    })),
  }
}

export function createCustomerImporter({ imports, clock }: { imports: OrderImportStore; clock: Clock }) {
  return {
    /**
     * Adds the customers of a CSV or JSON Lines file with their addresses. Those that are known by their id stay as they
     * are, but for addresses they lack, or get the name and e-mail of the file with `update`. Repeatable. Throws
     * `invalid_input` for a file that can't be used.
     */
    async importCustomers(file: string, options: TableImportOptions = {}): Promise<CustomersImported> {
      const result = {
        rows: 0,
        customers_added: 0,
        customers_changed: 0,
        customers_known: 0,
        customers_erased: 0,
        rows_bad: 0,
      }
      const refuse = (row: FileRow, reason: string) => {
        result.rows_bad += 1
        options.onBadRow?.({ line: row.line, reason, row: row.raw })
      }
      const source = { ...options, columns: CUSTOMER_COLUMNS, required: REQUIRED, check, refuse }
      for await (const batch of documentsOf(file, source)) {
        result.rows = batch.rowsRead
        const atMs = clock.now()
        const customers = new Map<string, ImportedCustomer>()
        for (const { row, document } of batch.documents) {
          const customer = importedCustomer(document, atMs)
          if (typeof customer === 'string') refuse(row, customer)
          else if (customers.has(document.customer_id))
            refuse(row, `customer ${document.customer_id} stands there twice`)
          else customers.set(document.customer_id, customer)
        }
        const outcomes = await imports.importCustomers([...customers.values()], { update: options.update === true })
        for (const outcome of outcomes) result[`customers_${outcome}`] += 1
        options.onProgress?.(batch.bytesRead, batch.bytesTotal)
      }
      return result
    },
  }
}
