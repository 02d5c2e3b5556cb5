import { AppError } from '../../core/errors.ts'
import type { Customer, CustomerStore, StoredAddress } from '../../orders/ports.ts'
import { once } from '../sql/idempotency.ts'
import type { SqlClient } from '../sql/sql.ts'
import { customerOperation, eraseCustomer } from './customer-erase.ts'

const INSERT = `
insert into customers (customer_id, name, email, guest, version, created_at) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing returning customer_id`

const COLUMNS = 'customer_id, name, email, guest, version, created_at'
const FIND = `select ${COLUMNS} from customers where customer_id = any($1::text[]) and erased_at is null`
const LIST = `
select ${COLUMNS} from customers where customer_id > $1 and erased_at is null order by customer_id limit $2`

// Keeps the customer from being erased until the address is there, so that erasing finds it.
const LOCK = 'select customer_id from customers where customer_id = $1 and erased_at is null for update'

const INSERT_ADDRESS = `
insert into addresses (customer_id, address_id, name, line1, line2, city, region, postal_code, country, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

export const ADDRESS_COLUMNS =
  'customer_id, address_id, name, line1, line2, city, region, postal_code, country, created_at'
const FIND_ADDRESSES = `
select ${ADDRESS_COLUMNS} from addresses
where (customer_id, address_id) in (select * from unnest($1::text[], $2::text[]))`
const ADDRESSES = `
select ${ADDRESS_COLUMNS} from addresses where customer_id = $1 and address_id > $2 order by address_id limit $3`

interface CustomerRow {
  customer_id: string
  name: string | null
  email: string | null
  guest: boolean
  version: number
  created_at: Date
}

function toCustomer(row: CustomerRow): Customer {
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

export function openCustomerStore(sql: SqlClient): CustomerStore {
  return {
    create(customer, { key }, present) {
      const { customerId, name, email, guest, version, createdAtMs } = customer
      return sql.transaction((tx) =>
        once(
          tx,
          key,
          async () => {
            const values = [customerId, name, email, guest, version, new Date(createdAtMs)]
            if ((await tx.query(INSERT, values)).length === 0) {
              throw new AppError('already_exists', `There is, or was, a customer with the id ${customerId}`)
            }
            return present(customer)
          },
          customerOperation(customerId),
        ),
      )
    },
    async find(customerIds) {
      return (await sql.query<CustomerRow>(FIND, [customerIds])).map(toCustomer)
    },
    async list(after, limit) {
      return (await sql.query<CustomerRow>(LIST, [after ?? '', limit])).map(toCustomer)
    },
    async addAddress(address, { key }, present) {
      const { customerId, addressId, name, line1, line2, city, region, postal_code, country, createdAtMs } = address
      const at = new Date(createdAtMs)
      return sql.transaction(async (tx) => {
        if ((await tx.query(LOCK, [customerId])).length === 0) return undefined
        return once(
          tx,
          key,
          async () => {
            await tx.query(INSERT_ADDRESS, [
              customerId,
              addressId,
              name,
              line1,
              line2,
              city,
              region,
              postal_code,
              country,
              at,
            ])
            return present(address)
          },
          customerOperation(customerId),
        )
      })
    },
    async findAddresses(keys) {
      const columns = [keys.map((key) => key.customerId), keys.map((key) => key.addressId)]
      return (await sql.query<AddressRow>(FIND_ADDRESSES, columns)).map(toAddress)
    },
    async addresses(customerId, after, limit) {
      return (await sql.query<AddressRow>(ADDRESSES, [customerId, after ?? '', limit])).map(toAddress)
    },
    erase: (customerId, atMs) => eraseCustomer(sql, customerId, atMs),
  }
}
