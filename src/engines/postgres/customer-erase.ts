import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { eachStep, ORDERS_PER_STEP } from '../sql/customer-erase.ts'
import { customerOperation } from '../sql/customer-rows.ts'
import type { SqlClient } from '../sql/sql.ts'
import { forgetSearchWords } from './order-search.ts'

const ADDRESS_WITHOUT_PERSON = `shipping_address - '{name,line1,line2,postal_code}'::text[]`

/** The columns of an order that hold something personal, and what they hold when its customer has been erased. */
export const EMPTIED: Readonly<Record<string, string>> = {
  customer_name: 'null',
  shipping_address: ADDRESS_WITHOUT_PERSON,
  billing: 'null',
  gift: 'null',
  note: 'null',
  metadata: `'{}'::jsonb`,
}

const ERASE = `
update customers set name = null, email = null, version = version + case when erased_at is null then 1 else 0 end,
  erased_at = coalesce(erased_at, $2)
where customer_id = $1 returning customer_id`
const ERASE_ADDRESSES = 'delete from addresses where customer_id = $1'

const LOCKED = `
page as (
  select shard, order_id from orders where customer_id = $1 and order_id > $2 order by order_id limit $3),
locked as (
  select shard, order_id from orders where (shard, order_id) in (select shard, order_id from page)
  order by order_id for update)`

// With another updated_at, so that a command that read the order before decides again: it would store the old address.
const EMPTY_ORDERS = `
with ${LOCKED}
update orders o set ${Object.entries(EMPTIED)
  .map(([name, empty]) => `${name} = ${empty}`)
  .join(', ')}, updated_at = greatest($4, o.updated_at + interval '1 millisecond')
from locked l where o.shard = l.shard and o.order_id = l.order_id
returning o.shard, o.order_id`

const EMPTY_FORMER = `
update order_addresses a set shipping_address = ${ADDRESS_WITHOUT_PERSON}
from unnest($1::smallint[], $2::bigint[]) as t (shard, order_id)
where a.shard = t.shard and a.order_id = t.order_id`

const PAGE = `
select shard, order_id, business_day from orders
where customer_id = $1 and order_id > $2 order by order_id limit $3`

// Every generation, also those that are being built or cleared away. Archived months hold no names.
const EMPTY_REPORT = `
update daily_sales_report_gen r set customer_name = null
from unnest($1::smallint[], $2::bigint[], $3::date[]) as t (shard, order_id, sale_day)
where r.shard = t.shard and r.order_id = t.order_id and r.sale_day = t.sale_day and r.customer_name is not null`

const BODY_WITHOUT_PERSON = `
((b - '{email,name,line1,line2,postal_code}'::text[])
  || case when b ? 'name' and not b ? 'address_id' then '{"name": ""}' else '{}' end::jsonb)::json`

// The answers to what was done with the customer himself.
const EMPTY_OWN_ANSWERS = `
update idempotency_keys k set response_body = ${BODY_WITHOUT_PERSON}
from (select shard, scope, key, response_body::jsonb as b from idempotency_keys
  where operation_id = $1 and operation_id like 'customer:%') l
where k.shard = l.shard and k.scope = l.scope and k.key = l.key`

// Tables into which names are copied from a customer or his orders; a projection begins with its checkpoint.
const COPIED_INTO = ['orders', 'order_search', 'daily_sales_report_gen', 'projection_checkpoints']

// A statement locks its tables before it takes its view of the data. So who holds no such lock now, or takes it from now
// on, sees what is committed now.
const WRITERS = `
select distinct virtualtransaction as writer from pg_locks
where locktype = 'relation' and mode = 'RowExclusiveLock' and granted and pid <> pg_backend_pid()
  and database = (select oid from pg_database where datname = current_database())
  and relation = any($1::regclass[])`

const POLL_MS = 10

/** Waits until nobody is left who may be writing from what he has read before. Throws `write_contention`. */
async function earlierWritersDone(sql: SqlClient): Promise<void> {
  const writers = async () =>
    new Set((await sql.query<{ writer: string }>(WRITERS, [COPIED_INTO])).map((row) => row.writer))
  const earlier = await writers()
  const tries = LIMITS.statementMsMax / POLL_MS
  for (let left = tries; earlier.size > 0 && left > 0; left--) {
    await sleep(POLL_MS)
    const now = await writers()
    for (const writer of earlier) if (!now.has(writer)) earlier.delete(writer)
  }
  if (earlier.size > 0) {
    throw new AppError('write_contention', 'A long write is under way; erase the customer again when it is over', {
      retryAfterMs: LIMITS.statementMsMax,
    })
  }
}

interface PageRow {
  shard: number
  order_id: bigint
  business_day: string
}

/**
 * Erases a customer as the port says, source first and copies after, in small steps; each can be repeated. Between them
 * it waits for the writers that may still copy what was there before.
 */
export async function eraseCustomer(sql: SqlClient, customerId: string, atMs: number): Promise<boolean> {
  const at = new Date(atMs)
  const known = await sql.transaction(async (tx) => {
    const rows = await tx.query(ERASE, [customerId, at])
    await tx.query(ERASE_ADDRESSES, [customerId])
    return rows.length === 1
  })
  if (!known) return false

  await earlierWritersDone(sql)
  await eachStep((after) => sql.query<{ order_id: bigint }>(EMPTY_ORDERS, [customerId, after, ORDERS_PER_STEP, at]))
  await earlierWritersDone(sql)
  await eachStep((after) =>
    sql.transaction(async (tx) => {
      const page = await tx.query<PageRow>(PAGE, [customerId, after, ORDERS_PER_STEP])
      const [shards, orderIds] = [page.map((row) => row.shard), page.map((row) => row.order_id)]
      await tx.query(EMPTY_FORMER, [shards, orderIds])
      await forgetSearchWords(tx, shards, orderIds)
      await tx.query(EMPTY_REPORT, [shards, orderIds, page.map((row) => row.business_day)])
      return page
    }),
  )
  await sql.query(EMPTY_OWN_ANSWERS, [customerOperation(customerId)])
  return true
}
