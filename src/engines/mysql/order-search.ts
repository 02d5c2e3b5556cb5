import type { Projection } from '../../log/port.ts'
import { ORDER_SEARCH, type OrderWord, retoldOrders, type SearchedRow, wordsOfRows } from '../sql/order-search.ts'
import type { MysqlTx } from './client-mysql2.ts'
import type { Statement } from './literals.ts'

const READ = `
select o.shard, o.order_id, o.order_number, o.customer_name, c.email, o.shipping_city,
  (select json_arrayagg(json_array(l.sku, l.product_name, l.line_no))
   from order_line_items l force index (primary) where l.shard = o.shard and l.order_id = o.order_id) as \`lines\`
from orders o force index (primary) left join customers c force index (primary) on c.customer_id = o.customer_id
where (o.shard, o.order_id) in (?)
order by o.order_id`

// The rows of order_search_words are locked before those of order_search, in the order of their ids, by everybody.
const OLD = `
select generation, order_id, words from order_search_words force index (primary)
where generation in (?) and order_id in (?) order by generation, order_id for update`

const FORGET = `
delete s from order_search as s force index (primary) where (s.generation, s.token, s.order_id) in (?)`
const KEEP = `
insert into order_search_words (generation, order_id, words) values ?
on duplicate key update words = values(words)`
const ADD = `
insert into order_search (generation, token, order_id, shard) values ?
on duplicate key update shard = values(shard)`

const GENERATIONS = 'select distinct generation from order_search_words where order_id in (?)'

const CLEAR = 'delete from order_search where generation = ? limit ?'
const CLEAR_WORDS = 'delete from order_search_words where generation = ? limit ?'

type LineRow = [sku: string, productName: string, lineNo: number]

interface OldRow {
  generation: number
  order_id: bigint
  words: string[]
}

/** What makes the words of orders the given ones in a generation; only what differs is touched. */
function replacing(generation: number, words: readonly OrderWord[], old: readonly OldRow[]): Statement[] {
  const wanted = new Map<bigint, string[]>()
  for (const { orderId, token } of words) wanted.set(orderId, [...(wanted.get(orderId) ?? []), token])
  const had = new Map(old.filter((row) => row.generation === generation).map((row) => [row.order_id, row.words]))
  const gone: (readonly [number, string, bigint])[] = []
  const kept: (readonly [number, bigint, string])[] = []
  for (const [orderId, tokens] of wanted) {
    const before = had.get(orderId) ?? []
    const now = new Set(tokens)
    for (const token of before) if (!now.has(token)) gone.push([generation, token, orderId])
    if (before.length !== tokens.length || before.some((token, index) => token !== tokens[index])) {
      kept.push([generation, orderId, JSON.stringify(tokens)])
    }
  }
  const added = words
    .filter(({ orderId, token }) => !had.get(orderId)?.includes(token))
    .map(({ shard, orderId, token }) => [generation, token, orderId, shard] as const)
    // Everybody comes to the pages of the index in one order.
    .sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0))
  const statements: [string, readonly (readonly unknown[])[]][] = [
    [FORGET, gone],
    [KEEP, kept],
    [ADD, added],
  ]
  return statements.filter(([, rows]) => rows.length > 0).map(([text, rows]) => ({ text, params: [rows as object[]] }))
}

/** Stores the words that the orders have now. */
async function refresh(
  tx: MysqlTx,
  generations: readonly number[],
  orders: readonly (readonly [shard: number, orderId: bigint])[],
): Promise<void> {
  const [old, read] = await tx.batch([
    { text: OLD, params: [generations, orders.map(([, orderId]) => orderId)] },
    { text: READ, params: [orders] },
  ])
  const rows = read!.rows as readonly SearchedRow[]
  for (const { lines } of rows) (lines as LineRow[] | null)?.sort(([, , a], [, , b]) => a - b)
  const words = wordsOfRows(rows)
  const statements = generations.flatMap((generation) => replacing(generation, words, old!.rows as OldRow[]))
  if (statements.length > 0) await tx.batch(statements)
}

/** Takes away, in every generation, the words that the orders do not have any more. */
export async function forgetSearchWords(
  tx: MysqlTx,
  orders: readonly (readonly [shard: number, orderId: bigint])[],
): Promise<void> {
  const orderIds = orders.map(([, orderId]) => orderId)
  const rows = await tx.query<{ generation: number }>(GENERATIONS, [orderIds])
  const generations = rows.map((row) => row.generation).sort((a, b) => a - b)
  if (generations.length > 0) await refresh(tx, generations, orders)
}

/** `order_history` -> `order_search`: what orders are found by is read from the orders as they are now. */
export const orderSearchProjection: Projection<MysqlTx> = {
  name: ORDER_SEARCH,
  log: 'orders',
  version: 1,
  async handle({ shard, generation, events }, tx) {
    const orderIds = retoldOrders(events)
    if (orderIds.length === 0) return
    await refresh(
      tx,
      [generation],
      orderIds.map((orderId) => [shard, orderId]),
    )
  },
  async clear(generation, limit, tx) {
    const cleared = await tx.execute(CLEAR, [generation, limit])
    return cleared > 0 ? cleared : tx.execute(CLEAR_WORDS, [generation, limit])
  },
}
