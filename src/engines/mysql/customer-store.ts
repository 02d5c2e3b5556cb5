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
import type { MysqlClient } from './client-mysql2.ts'
import { eraseCustomer } from './customer-erase.ts'
import { once } from './idempotency.ts'

const INSERT = `
insert into customers (${CUSTOMER_COLUMNS}) values (?, ?, ?, ?, ?, ?) on duplicate key update customer_id = customer_id`

const FIND = `select ${CUSTOMER_COLUMNS} from customers where customer_id in (?) and erased_at is null`
const LIST = `
select ${CUSTOMER_COLUMNS} from customers where customer_id > ? and erased_at is null order by customer_id limit ?`

// Keeps the customer from being erased until the address is there, so that erasing finds it.
const LOCK = 'select customer_id from customers where customer_id = ? and erased_at is null for update'

const INSERT_ADDRESS = `insert into addresses (${ADDRESS_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const FIND_ADDRESSES = `select ${ADDRESS_COLUMNS} from addresses where (customer_id, address_id) in (?)`
const ADDRESSES = `
select ${ADDRESS_COLUMNS} from addresses where customer_id = ? and address_id > ? order by address_id limit ?`

export function openCustomerStore(sql: MysqlClient): CustomerStore {
  return {
    create(customer, { key }, present) {
      const { customerId, name, email, guest, version, createdAtMs } = customer
      return sql.transaction((tx) =>
        once(
          tx,
          key,
          async () => {
            const values = [customerId, name, email, guest, version, new Date(createdAtMs)]
            if ((await tx.execute(INSERT, values)) === 0) {
              throw new AppError('already_exists', `There is, or was, a customer with the id ${customerId}`)
            }
            return present(customer)
          },
          customerOperation(customerId),
        ),
      )
    },
    async find(customerIds) {
      if (customerIds.length === 0) return []
      return (await sql.query<CustomerRow>(FIND, [customerIds])).map(toCustomer)
    },
    async list(after, limit) {
      return (await sql.query<CustomerRow>(LIST, [after ?? '', limit])).map(toCustomer)
    },
    async addAddress(address, { key }, present) {
      const { customerId, addressId, name, line1, line2, city, region, postal_code, country, createdAtMs } = address
      const street = [name, line1, line2, city, region, postal_code, country]
      return sql.transaction(async (tx) => {
        if ((await tx.query(LOCK, [customerId])).length === 0) return undefined
        return once(
          tx,
          key,
          async () => {
            await tx.execute(INSERT_ADDRESS, [customerId, addressId, ...street, new Date(createdAtMs)])
            return present(address)
          },
          customerOperation(customerId),
        )
      })
    },
    async findAddresses(keys) {
      if (keys.length === 0) return []
      const pairs = keys.map(({ customerId, addressId }) => [customerId, addressId])
      return (await sql.query<AddressRow>(FIND_ADDRESSES, [pairs])).map(toAddress)
    },
    async addresses(customerId, after, limit) {
      return (await sql.query<AddressRow>(ADDRESSES, [customerId, after ?? '', limit])).map(toAddress)
    },
    erase: (customerId, atMs) => eraseCustomer(sql, customerId, atMs),
  }
}
