import type { Customer, StoredAddress } from '../../orders/ports.ts'

export const CUSTOMER_COLUMNS = 'customer_id, name, email, guest, version, created_at'

export interface CustomerRow {
  customer_id: string
  name: string | null
  email: string | null
  guest: boolean
  version: number
  created_at: Date
}

export function toCustomer(row: CustomerRow): Customer {
  return {
    customerId: row.customer_id,
    name: row.name ?? undefined,
    email: row.email ?? undefined,
    guest: row.guest,
    version: row.version,
    createdAtMs: row.created_at.getTime(),
  }
}

export interface AddressRow {
  customer_id: string
  address_id: string
  name: string | null
  line1: string | null
  line2: string | null
  city: string
  region: string | null
  postal_code: string | null
  country: string
  created_at: Date
}

export function toAddress(row: AddressRow): StoredAddress {
  return {
    addressId: row.address_id,
    customerId: row.customer_id,
    createdAtMs: row.created_at.getTime(),
    city: row.city,
    country: row.country,
    ...(row.name === null ? {} : { name: row.name }),
    ...(row.line1 === null ? {} : { line1: row.line1 }),
    ...(row.line2 === null ? {} : { line2: row.line2 }),
    ...(row.region === null ? {} : { region: row.region }),
    ...(row.postal_code === null ? {} : { postal_code: row.postal_code }),
  }
}

export const ADDRESS_COLUMNS =
  'customer_id, address_id, name, line1, line2, city, region, postal_code, country, created_at'

/** Under which the answers to commands on a customer are kept. */
export const customerOperation = (customerId: string): string => `customer:${customerId}`
