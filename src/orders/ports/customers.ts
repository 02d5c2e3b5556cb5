import type { Once, Origin } from './catalogue.ts'

export interface Customer {
  readonly customerId: string
  readonly name: string | undefined
  readonly email: string | undefined
  /** Known by one order only, which made him. */
  readonly guest: boolean
  readonly version: number
  readonly createdAtMs: number
}

/** A postal address. `line1` is missing from addresses that came by an import. */
export interface Address {
  readonly name?: string
  readonly line1?: string
  readonly line2?: string
  readonly city: string
  readonly region?: string
  readonly postal_code?: string
  readonly country: string
}

export interface StoredAddress extends Address {
  readonly addressId: string
  readonly customerId: string
  readonly createdAtMs: number
}

export type AddressKey = Pick<StoredAddress, 'customerId' | 'addressId'>

export interface CustomerStore {
  /** Once per key. Throws `already_exists` for a known id, also that of an erased customer. */
  create<Body>(customer: Customer, origin: Origin, present: (customer: Customer) => Body): Promise<Once<Body>>
  /** Those that exist and were not erased, in no order. */
  find(customerIds: readonly string[]): Promise<Customer[]>
  /** Ascending by id, after `after`; without those that were erased. */
  list(after: string | undefined, limit: number): Promise<Customer[]>
  /** Once per key. The customer must exist. */
  addAddress<Body>(
    address: StoredAddress,
    origin: Origin,
    present: (address: StoredAddress) => Body,
  ): Promise<Once<Body> | undefined>
  /** Those that exist, in no order. An address never changes; it goes only with its customer. */
  findAddresses(keys: readonly AddressKey[]): Promise<StoredAddress[]>
  /** Ascending by id, after `after`. */
  addresses(customerId: string, after: string | undefined, limit: number): Promise<StoredAddress[]>
  /**
   * Empties name and e-mail, deletes the addresses, and empties everything personal (names, streets, billing, gift,
   * note, metadata) in the customer's orders, their former addresses, their search words, the report, and the answers
   * kept for idempotency keys; city and amounts stay. Repeatable, and safe to stop half-way. False: no such customer.
   */
  erase(customerId: string, atMs: number): Promise<boolean>
}
