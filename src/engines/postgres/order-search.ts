import type { Projection } from '../../log/port.ts'
import { ORDER_SEARCH, retoldOrders, type SearchedRow, wordsOfRows } from '../sql/order-search.ts'
import type { SqlTx } from '../sql/sql.ts'

const READ = `
select o.shard, o.order_id, o.order_number, o.customer_name, c.email, o.shipping_city,
  (select json_agg(json_build_array(l.sku, l.product_name) order by l.line_no)
   from order_line_items l where l.shard = o.shard and l.order_id = o.order_id) as lines
from orders o left join customers c on c.customer_id = o.customer_id
where (o.shard, o.order_id) in (select * from unnest($1::smallint[], $2::bigint[]))
order by o.order_id`

// The rows of order_search_words are locked before those of order_search, in the order of their ids, by everybody.
const LOCK = `
select order_id from order_search_words where generation = any($1::int[]) and order_id = any($2::bigint[])
order by generation, order_id for update`

/** Makes the words of these orders the given ones; only what differs is touched. */
const REPLACE = `
with word as (
  select * from unnest($2::smallint[], $3::bigint[], $4::text[]) as t (shard, order_id, token)),
told as (
  select order_id, array_agg(token) as words from word group by order_id),
old as (
  select s.order_id, unnest(s.words) as token from order_search_words s
  where s.generation = $1 and s.order_id in (select order_id from told)),
gone as (
  delete from order_search s using old
  where s.generation = $1 and s.token = old.token and s.order_id = old.order_id
    and (old.token, old.order_id) not in (select token, order_id from word)),
kept as (
  insert into order_search_words (generation, order_id, words)
  select $1, order_id, words from told order by order_id
  on conflict (generation, order_id) do update set words = excluded.words
  where order_search_words.words is distinct from excluded.words)
insert into order_search (generation, token, order_id, shard)
select $1, token, order_id, shard from word
where (token, order_id) not in (select token, order_id from old)
order by token, order_id on conflict do nothing`

const GENERATIONS = 'select distinct generation from order_search_words where order_id = any($1::bigint[])'

const CLEAR = `
delete from order_search where (generation, token, order_id) in (
  select generation, token, order_id from order_search where generation = $1 limit $2)
returning generation`
const CLEAR_WORDS = `
delete from order_search_words where (generation, order_id) in (
  select generation, order_id from order_search_words where generation = $1 limit $2)
returning generation`

/** Stores the words that the orders have now. */
async function refresh(
  tx: SqlTx,
  generations: readonly number[],
  shards: readonly number[],
  orderIds: readonly bigint[],
): Promise<void> {
  await tx.query(LOCK, [generations, orderIds])
  const words = wordsOfRows(await tx.query<SearchedRow>(READ, [shards, orderIds]))
  const columns = [words.map((word) => word.shard), words.map((word) => word.orderId), words.map((word) => word.token)]
  for (const generation of generations) await tx.query(REPLACE, [generation, ...columns])
}

/** Takes away, in every generation, the words that the orders do not have any more. */
export async function forgetSearchWords(
  tx: SqlTx,
  shards: readonly number[],
  orderIds: readonly bigint[],
): Promise<void> {
  const rows = await tx.query<{ generation: number }>(GENERATIONS, [orderIds])
  const generations = rows.map((row) => row.generation).sort((a, b) => a - b)
  if (generations.length > 0) await refresh(tx, generations, shards, orderIds)
}

/** `order_history` -> `order_search`: what orders are found by is read from the orders as they are now. */
export const orderSearchProjection: Projection<SqlTx> = {
  name: ORDER_SEARCH,
  log: 'orders',
  version: 1,
  async handle({ shard, generation, events }, tx) {
    const orderIds = retoldOrders(events)
    if (orderIds.length === 0) return
    await refresh(
      tx,
      [generation],
      orderIds.map(() => shard),
      orderIds,
    )
  },
  async clear(generation, limit, tx) {
    const cleared = (await tx.query(CLEAR, [generation, limit])).length
    return cleared > 0 ? cleared : (await tx.query(CLEAR_WORDS, [generation, limit])).length
  },
}
