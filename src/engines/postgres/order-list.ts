import type { Order, OrderFilter } from '../../orders/ports.ts'
import {
  COLUMN_FILTERS,
  type ColumnFilter,
  idRangeOf,
  isLed,
  paramOf,
  WORDS_COUNTED_MAX,
} from '../sql/order-filters.ts'
import { type OrderRow, toOrder } from '../sql/order-rows.ts'
import { ORDER_SEARCH } from '../sql/order-search.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'
import { ORDER_COLUMNS } from './order-rows.ts'

/**
 * Lists of orders, newest first: one statement, which finds the page by ids and then reads its orders with their lines.
 * Each set of filters has a text of its own, so that each has its own plan. The first of these that is given leads, and
 * the page is read from its index; the others are looked at row by row:
 *
 * | filter               | index                                                       |
 * |----------------------|-------------------------------------------------------------|
 * | `number`             | unique (shard, order_number), one look-up per shard         |
 * | `q`                  | order_search (generation, token, order_id) of the rarest    |
 * | `customer_id`        | orders_by_customer (customer_id, order_id)                  |
 * | `payment_status`     | orders_by_payment_status (payment_status, order_id)         |
 * | `fulfillment_status` | orders_by_fulfillment_status (fulfillment_status, order_id) |
 * | `status`             | orders_by_status (status, order_id)                         |
 * | none, or times only  | primary key (shard, order_id), a page of each shard, merged |
 *
 * Ids are ordered by time, so times are ranges of ids in whichever index leads.
 */

/** Parameters: 1 ids below, 2 ids from, 3 rows, and those of the filters from 4. */
const FIRST = 4

/**
 * A page of ids in the order of time, from the primary key: a page of each shard, merged. `where` is about `o`.
 */
export const mergedPage = (where: string, direction: 'asc' | 'desc', limit: `$${number}`) => `
  select each.* from (select shard from log_head where log = 'orders') as s cross join lateral (
    select o.shard, o.order_id from orders o
    where o.shard = s.shard and ${where} order by o.order_id ${direction} limit ${limit}) each
  order by each.order_id ${direction} limit ${limit}`

/** The text for one set of filters. */
function statementOf(given: readonly ColumnFilter[], byWords: boolean): string {
  const conditions = COLUMN_FILTERS.filter(([name]) => given.includes(name)).map(
    ([, condition], index) => `${condition} $${FIRST + index}`,
  )
  const where = ['o.order_id < $1', 'o.order_id >= $2', ...conditions].join(' and ')
  const page = () => {
    if (byWords) return pageByWords(conditions, FIRST + conditions.length)
    if (given.includes('orderNumber') || !isLed(given)) return mergedPage(where, 'desc', '$3')
    return `
  select o.shard, o.order_id from orders o where ${where} order by o.order_id desc limit $3`
  }
  return `
with page as materialized (${page()})
select ${ORDER_COLUMNS} from page join orders o on o.shard = page.shard and o.order_id = page.order_id
order by page.order_id desc`
}

/** Walks down the rarest word's orders, and keeps those that all other words have too. */
function pageByWords(conditions: readonly string[], wordsParam: number): string {
  const also = conditions.length === 0 ? '' : ` and ${conditions.join(' and ')}`
  return `
  with live as (select live_generation as generation from projections where name = '${ORDER_SEARCH}'),
  rarest as (
    select w.token from unnest($${wordsParam}::text[]) as w (token)
    order by (select count(*) from (
      select 1 from order_search s
      where s.generation = (select generation from live) and s.token = w.token limit ${WORDS_COUNTED_MAX}) as counted)
    limit 1)
  select found.shard, found.order_id
  from rarest cross join lateral (
    select s.shard, s.order_id from order_search s
    where s.generation = (select generation from live) and s.token = rarest.token
      and s.order_id < $1 and s.order_id >= $2
      and not exists (
        select 1 from unnest($${wordsParam}::text[]) as w (token)
        where w.token <> rarest.token and not exists (
          select 1 from order_search t
          where t.generation = (select generation from live) and t.token = w.token and t.order_id = s.order_id))
      and exists (select 1 from orders o where o.shard = s.shard and o.order_id = s.order_id${also})
    order by s.order_id desc limit $3) as found`
}

const statements = new Map<string, string>()

/** The statement and its parameters for a filter; exported for the tests of the plans. */
export function listStatement(
  filter: OrderFilter,
  before: bigint | undefined,
  limit: number,
): { text: string; params: SqlParam[] } {
  const given = COLUMN_FILTERS.map(([name]) => name).filter((name) => filter[name] !== undefined)
  const { words = [] } = filter
  const key = `${given.join()} ${words.length > 0}`
  const text = statements.get(key) ?? statementOf(given, words.length > 0)
  statements.set(key, text)
  const range = idRangeOf(filter)
  const below = before === undefined || before > range.below ? range.below : before
  const params: SqlParam[] = [below, range.from, limit, ...given.map((name) => paramOf(filter, name))]
  if (words.length > 0) params.push(words)
  return { text, params }
}

export async function listOrders(
  sql: SqlClient,
  filter: OrderFilter,
  before: bigint | undefined,
  limit: number,
): Promise<Order[]> {
  const { text, params } = listStatement(filter, before, limit)
  return (await sql.query<OrderRow>(text, params)).map(toOrder)
}
