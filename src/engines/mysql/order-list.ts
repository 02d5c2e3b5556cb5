import type { Order, OrderFilter } from '../../orders/ports.ts'
import { COLUMN_FILTERS, type ColumnFilter, idRangeOf, paramOf, WORDS_COUNTED_MAX } from '../sql/order-filters.ts'
import { ORDER_SEARCH } from '../sql/order-search.ts'
import type { SqlParam } from '../sql/sql.ts'
import type { MysqlClient } from './client-mysql2.ts'
import type { Statement } from './literals.ts'
import { type MysqlOrderRow, ORDER_COLUMNS, toSortedOrder } from './order-rows.ts'

/**
 * Lists of orders, newest first: one statement, which finds the page by ids and then reads its orders with their lines.
 * The first of these that is given leads, and the page is read from its index; the others are looked at row by row:
 *
 * | filter               | index                                                       |
 * |----------------------|-------------------------------------------------------------|
 * | `q`                  | order_search (generation, token, order_id) of the rarest    |
 * | `number`             | unique (shard, order_number), one look-up per shard         |
 * | `customer_id`        | orders_by_customer (customer_id, order_id)                  |
 * | statuses             | that of one of them, with order_id; the server knows which  |
 * | none, or times only  | orders_by_id (order_id)                                     |
 *
 * Ids are ordered by time, so times are ranges of ids in whichever index leads. Which index it is says the statement: from
 * what it knows of the data, the server might take one that has to be sorted.
 */
const STATUS_INDEXES = {
  paymentStatus: 'orders_by_payment_status',
  fulfillmentStatus: 'orders_by_fulfillment_status',
  status: 'orders_by_status',
} as const satisfies Partial<Record<ColumnFilter, string>>

function indexesOf(given: readonly ColumnFilter[]): string {
  if (given.includes('customerId')) return 'orders_by_customer'
  const indexes = Object.entries(STATUS_INDEXES).filter(([name]) => given.includes(name as ColumnFilter))
  return indexes.length === 0 ? 'orders_by_id' : indexes.map(([, index]) => index).join(', ')
}

/** A page of ids in the order of time. `where` is about `o`; the last parameter is the number of rows. */
export const pageOf = (where: string, direction: 'asc' | 'desc', indexes = 'orders_by_id') => `
select o.shard, o.order_id from orders o force index (${indexes})
where ${where} order by o.order_id ${direction} limit ?`

/** The orders of a page of `shard` and `order_id`. */
export const ordersOf = (page: string, direction: 'asc' | 'desc') => `
select o.shard, ${ORDER_COLUMNS}
from (${page}) as page straight_join orders o force index (primary)
  on o.shard = page.shard and o.order_id = page.order_id
order by page.order_id ${direction}`

/** One look-up per shard. */
const pageByNumber = (where: string) => `
select o.shard, o.order_id
from log_head s straight_join orders o force index (orders_shard_order_number_key)
  on o.shard = s.shard and o.order_number = ?
where s.log = 'orders' and ${where} order by o.order_id desc limit ?`

/** Walks down the first word's orders, and keeps those that all other words have too. */
const pageByWords = (others: number, conditions: string) => `
select s.shard, s.order_id
from projections p straight_join order_search s force index (primary)
  on s.generation = p.live_generation and s.token = ? and s.order_id < ? and s.order_id >= ?
${Array.from({ length: others }, (_, index) => {
  const t = `t${index}`
  return `straight_join order_search ${t} force index (primary)
  on ${t}.generation = p.live_generation and ${t}.token = ? and ${t}.order_id = s.order_id`
}).join('\n')}
straight_join orders o force index (primary) on o.shard = s.shard and o.order_id = s.order_id${conditions}
where p.name = '${ORDER_SEARCH}' order by s.order_id desc limit ?`

const COUNT_WORD = `
select ? as token, (select count(*) from (
  select 1 from order_search s
  where s.generation = (select live_generation from projections where name = '${ORDER_SEARCH}') and s.token = ?
  limit ${WORDS_COUNTED_MAX}) as counted) as orders`

/** The words, those of fewest orders first. */
async function rarestFirst(sql: MysqlClient, words: readonly string[]): Promise<string[]> {
  if (words.length === 1) return [...words]
  const text = words.map(() => COUNT_WORD).join(' union all ')
  const rows = await sql.query<{ token: string; orders: bigint }>(
    text,
    words.flatMap((word) => [word, word]),
  )
  return rows.sort((a, b) => Number(a.orders - b.orders)).map((row) => row.token)
}

/** The statement for a filter, whose words stand in the order they are looked up; exported for the tests of the plans. */
export function listStatement(
  filter: OrderFilter,
  before: bigint | undefined,
  limit: number,
): Required<Statement> & { readonly params: SqlParam[] } {
  const given = COLUMN_FILTERS.filter(([name]) => filter[name] !== undefined)
  const { words = [] } = filter
  const range = idRangeOf(filter)
  const below = before === undefined || before > range.below ? range.below : before
  const ids = [below, range.from]
  const textOf = (filters: typeof given) => filters.map(([, condition]) => ` and ${condition} ?`).join('')
  const valuesOf = (filters: typeof given) => filters.map(([name]) => paramOf(filter, name))
  const [rarest, ...others] = words
  if (rarest !== undefined) {
    const page = pageByWords(others.length, textOf(given))
    return { text: ordersOf(page, 'desc'), params: [rarest, ...ids, ...others, ...valuesOf(given), limit] }
  }
  const inRange = 'o.order_id < ? and o.order_id >= ?'
  if (filter.orderNumber !== undefined) {
    const also = given.filter(([name]) => name !== 'orderNumber')
    const page = pageByNumber(`${inRange}${textOf(also)}`)
    return { text: ordersOf(page, 'desc'), params: [filter.orderNumber, ...ids, ...valuesOf(also), limit] }
  }
  const page = pageOf(`${inRange}${textOf(given)}`, 'desc', indexesOf(given.map(([name]) => name)))
  return { text: ordersOf(page, 'desc'), params: [...ids, ...valuesOf(given), limit] }
}

export async function listOrders(
  sql: MysqlClient,
  filter: OrderFilter,
  before: bigint | undefined,
  limit: number,
): Promise<Order[]> {
  const words = filter.words === undefined ? undefined : await rarestFirst(sql, filter.words)
  const { text, params } = listStatement({ ...filter, words }, before, limit)
  return (await sql.query<MysqlOrderRow>(text, params)).map(toSortedOrder)
}
