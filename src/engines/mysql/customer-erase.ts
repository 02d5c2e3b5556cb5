import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { failureKind } from '../../core/retry.ts'
import { eachStep, ORDERS_PER_STEP } from '../sql/customer-erase.ts'
import { customerOperation } from '../sql/customer-rows.ts'
import type { MysqlClient } from './client-mysql2.ts'
import { forgetSearchWords } from './order-search.ts'

const ADDRESS_WITHOUT_PERSON = `json_remove(shipping_address, '$.name', '$.line1', '$.line2', '$.postal_code')`

const LOCK = 'select customer_id from customers where customer_id = ? for update'
const ERASE = `
update customers set name = null, email = null, version = version + case when erased_at is null then 1 else 0 end,
  erased_at = coalesce(erased_at, ?)
where customer_id = ?`
const ERASE_ADDRESSES = 'delete from addresses where customer_id = ?'

const PAGE = `
select shard, order_id from orders force index (orders_by_customer)
where customer_id = ? and order_id > ? order by order_id limit ?`

// With another updated_at, so that a command that read the order before decides again: it would store the old address.
const EMPTY_ORDERS = `
update orders force index (primary) set customer_name = null, shipping_address = ${ADDRESS_WITHOUT_PERSON},
  billing = null, gift = null, note = null, metadata = '{}',
  updated_at = greatest(?, updated_at + interval 1000 microsecond)
where (shard, order_id) in (?)`

const EMPTY_FORMER = `
update order_addresses force index (primary) set shipping_address = ${ADDRESS_WITHOUT_PERSON}
where (shard, order_id) in (?)`

// Every generation, also those that are being built or cleared away. Archived months hold no names.
const EMPTY_REPORT = `
update daily_sales_report_gen force index (primary) set customer_name = null
where (shard, order_id) in (?) and customer_name is not null`

const CHECKPOINTS = 'select shard, projection, generation from projection_checkpoints'
const PASS_CHECKPOINT = `
select last_event_id from projection_checkpoints where shard = ? and projection = ? and generation = ? for update`

// The answers to what was done with the customer himself.
const OWN_ANSWERS = `
select shard, scope, \`key\`, response_body from idempotency_keys
where customer_operation = ? and response_body is not null for update`
const PUT_ANSWER = 'update idempotency_keys set response_body = ? where shard = ? and scope = ? and `key` = ?'

const PERSONAL = new Set(['email', 'name', 'line1', 'line2', 'postal_code'])

interface AnswerRow {
  shard: number
  scope: string
  key: string
  response_body: Record<string, unknown>
}

/** An answer without what is personal; that of a customer has a name, which is empty then. */
function withoutPerson(body: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.fromEntries(Object.entries(body).filter(([name]) => !PERSONAL.has(name)))
  return 'name' in body && !('address_id' in body) ? { ...kept, name: '' } : kept
}

/**
 * Waits until nobody is left who may be writing from what he has read before: each fold holds its checkpoint from its
 * begin to its end. Throws `write_contention`.
 */
async function earlierFoldsDone(sql: MysqlClient): Promise<void> {
  const checkpoints = await sql.query<{ shard: number; projection: string; generation: number }>(CHECKPOINTS)
  try {
    // One at a time: holding several would make folds wait for each other.
    for (const { shard, projection, generation } of checkpoints) {
      await sql.query(PASS_CHECKPOINT, [shard, projection, generation])
    }
  } catch (error) {
    if (failureKind(error) !== 'conflict') throw error
    throw new AppError('write_contention', 'A long write is under way; erase the customer again when it is over', {
      cause: error,
      retryAfterMs: LIMITS.statementMsMax,
    })
  }
}

interface PageRow {
  shard: number
  order_id: bigint
}

const keysOf = (page: readonly PageRow[]) => page.map((row): [number, bigint] => [row.shard, row.order_id])

/**
 * Erases a customer as the port says, source first and copies after, in small steps; each can be repeated. Orders share
 * the lock of their customer while they are stored, so erasing him waits for those that copy his name, and those that
 * come later see that he has changed.
 */
export async function eraseCustomer(sql: MysqlClient, customerId: string, atMs: number): Promise<boolean> {
  const at = new Date(atMs)
  const known = await sql.transaction(async (tx) => {
    const [locked] = await tx.batch([
      { text: LOCK, params: [customerId] },
      { text: ERASE, params: [at, customerId] },
      { text: ERASE_ADDRESSES, params: [customerId] },
    ])
    return locked!.rows.length === 1
  })
  if (!known) return false

  const pageAfter = (after: bigint) => sql.query<PageRow>(PAGE, [customerId, after, ORDERS_PER_STEP])
  await eachStep(async (after) => {
    const page = await pageAfter(after)
    if (page.length > 0) await sql.execute(EMPTY_ORDERS, [at, keysOf(page)])
    return page
  })
  await earlierFoldsDone(sql)
  await eachStep(async (after) => {
    const page = await pageAfter(after)
    if (page.length === 0) return page
    await sql.transaction(async (tx) => {
      await tx.execute(EMPTY_FORMER, [keysOf(page)])
      await forgetSearchWords(tx, keysOf(page))
      await tx.execute(EMPTY_REPORT, [keysOf(page)])
    })
    return page
  })
  await sql.transaction(async (tx) => {
    const answers = await tx.query<AnswerRow>(OWN_ANSWERS, [customerOperation(customerId)])
    for (const { shard, scope, key, response_body } of answers) {
      await tx.execute(PUT_ANSWER, [withoutPerson(response_body), shard, scope, key])
    }
  })
  return true
}
