import { AppError } from '../../core/errors.ts'
import type { CustomerStore } from '../../orders/ports.ts'
import {
  ADDRESS_COLUMNS,
  type AddressRow,
  CUSTOMER_COLUMNS,
  type CustomerRow,
  customerOperation,
  toAddress,
  toCustomer,
} from '../sql/customer-rows.ts'
import { once } from '../sql/idempotency.ts'
import type { SqlClient } from '../sql/sql.ts'
import { eraseCustomer } from './customer-erase.ts'

const INSERT = `
insert into customers (customer_id, name, email, guest, version, created_at) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing returning customer_id`

const FIND = `select ${CUSTOMER_COLUMNS} from customers where customer_id = any($1::text[]) and erased_at is null`
const LIST = `
select ${CUSTOMER_COLUMNS} from customers where customer_id > $1 and erased_at is null order by customer_id limit $2`

// Keeps the customer from being erased until the address is there, so that erasing finds it.
const LOCK = 'select customer_id from customers where customer_id = $1 and erased_at is null for update'

const INSERT_ADDRESS = `
insert into addresses (customer_id, address_id, name, line1, line2, city, region, postal_code, country, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

const FIND_ADDRESSES = `
select ${ADDRESS_COLUMNS} from addresses
where (customer_id, address_id) in (select * from unnest($1::text[], $2::text[]))`
const ADDRESSES = `
select ${ADDRESS_COLUMNS} from addresses where customer_id = $1 and address_id > $2 order by address_id limit $3`

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
