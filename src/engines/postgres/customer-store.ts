import { AppError } from '../../core/errors.ts'
import type { Customer, CustomerStore, StoredAddress } from '../../orders/ports.ts'
import { once } from '../sql/idempotency.ts'
import type { SqlClient } from '../sql/sql.ts'

const INSERT = `
insert into customers (customer_id, name, email, version, created_at) values ($1, $2, $3, $4, $5)
on conflict do nothing returning customer_id`

const FIND = `
select customer_id, name, email, version, created_at from customers
where customer_id = any($1::text[]) and erased_at is null`

// Keeps the customer from being erased until the address is there, so that erasing finds it.
const LOCK = 'select customer_id from customers where customer_id = $1 and erased_at is null for update'

const INSERT_ADDRESS = `
insert into addresses (customer_id, address_id, name, line1, line2, city, region, postal_code, country, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`

const ADDRESS_COLUMNS = 'customer_id, address_id, name, line1, line2, city, region, postal_code, country, created_at'
const FIND_ADDRESSES = `
select ${ADDRESS_COLUMNS} from addresses
where (customer_id, address_id) in (select * from unnest($1::text[], $2::text[]))`
const ADDRESSES = `
select ${ADDRESS_COLUMNS} from addresses where customer_id = $1 and address_id > $2 order by address_id limit $3`

const ERASE = `
update customers set name = null, email = null, version = version + 1, erased_at = coalesce(erased_at, $2)
where customer_id = $1 returning customer_id`
const ERASE_ADDRESSES = 'delete from addresses where customer_id = $1'

// By pages of the customer's orders: one with very many must not hold locks for long. Every generation of the report.
const ERASE_ORDERS = `
update orders set customer_name = null, billing = null,
  shipping_address = shipping_address - 'name' - 'line1' - 'line2' - 'postal_code'
where (shard, order_id) in (
  select shard, order_id from orders where customer_id = $1 and order_id > $2 order by order_id limit $3)
returning shard, order_id`
const ERASE_REPORT = `
update daily_sales_report_gen r set customer_name = null
from projection_checkpoints c, unnest($1::smallint[], $2::bigint[]) as t (shard, order_id)
where c.projection = 'daily_sales_report' and c.shard = t.shard
  and r.generation = c.generation and r.shard = t.shard and r.order_id = t.order_id`
const ERASE_PAGE = 200

interface CustomerRow {
  customer_id: string
  name: string | null
  email: string | null
  version: number
  created_at: Date
}

function toCustomer(row: CustomerRow): Customer {
  return {
    customerId: row.customer_id,
    name: row.name ?? undefined,
    email: row.email ?? undefined,
    version: row.version,
    createdAtMs: row.created_at.getTime(),
  }
}

interface AddressRow {
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

function toAddress(row: AddressRow): StoredAddress {
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
  async function eraseOrders(customerId: string): Promise<void> {
    let after = 0n
    for (;;) {
      const rows = await sql.transaction(async (tx) => {
        const page = await tx.query<{ shard: number; order_id: bigint }>(ERASE_ORDERS, [customerId, after, ERASE_PAGE])
        await tx.query(ERASE_REPORT, [page.map((row) => row.shard), page.map((row) => row.order_id)])
        return page
      })
      if (rows.length < ERASE_PAGE) return
      after = rows.reduce((max, row) => (row.order_id > max ? row.order_id : max), after)
    }
  }

  return {
    create(customer, { key }, present) {
      const { customerId, name, email, version, createdAtMs } = customer
      return sql.transaction((tx) =>
        once(tx, key, async () => {
          const values = [customerId, name, email, version, new Date(createdAtMs)]
          if ((await tx.query(INSERT, values)).length === 0) {
            throw new AppError('already_exists', `There is, or was, a customer with the id ${customerId}`)
          }
          return present(customer)
        }),
      )
    },
    async find(customerIds) {
      return (await sql.query<CustomerRow>(FIND, [customerIds])).map(toCustomer)
    },
    async addAddress(address, { key }, present) {
      const { customerId, addressId, name, line1, line2, city, region, postal_code, country, createdAtMs } = address
      const at = new Date(createdAtMs)
      return sql.transaction(async (tx) => {
        if ((await tx.query(LOCK, [customerId])).length === 0) return undefined
        return once(tx, key, async () => {
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
        })
      })
    },
    async findAddresses(keys) {
      const columns = [keys.map((key) => key.customerId), keys.map((key) => key.addressId)]
      return (await sql.query<AddressRow>(FIND_ADDRESSES, columns)).map(toAddress)
    },
    async addresses(customerId, after, limit) {
      return (await sql.query<AddressRow>(ADDRESSES, [customerId, after ?? '', limit])).map(toAddress)
    },
    async erase(customerId, atMs) {
      const known = await sql.transaction(async (tx) => {
        const rows = await tx.query(ERASE, [customerId, new Date(atMs)])
        await tx.query(ERASE_ADDRESSES, [customerId])
        return rows.length === 1
      })
      if (known) await eraseOrders(customerId)
      return known
    },
  }
}
