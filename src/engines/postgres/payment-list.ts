import { prefixedIdAt, prefixedIdInShard, shardOfPrefixedId } from '../../core/ids.ts'
import { stateFromJson } from '../../payments/model/state-json.ts'
import type { ListedPayment, PaymentFilter } from '../../payments/ports/views.ts'
import type { SqlClient, SqlParam } from '../sql/sql.ts'

/**
 * Lists of payments, newest first. Within a shard, ids are in the order of time: each shard gives a page from an index,
 * and these are merged. Each set of filters has a text of its own, so that each has its own plan. Any of these can lead;
 * the others are looked at row by row:
 *
 * | filter                       | index                                              |
 * |------------------------------|----------------------------------------------------|
 * | `named`                      | look-ups of the id, by order and by reference      |
 * | `orderId`                    | payment_view_order                                 |
 * | `customerId`                 | payment_view_customer                              |
 * | `status`                     | payment_view_status                                |
 * | `waiting`                    | payment_view_in_review, payment_view_needs_response |
 * | `processor`                  | payment_view_processor                             |
 * | none, or times only          | primary key                                        |
 */

// An id is made a moment before its payment.
const ID_SLACK_MS = 3_600_000
const END_MS = Number.POSITIVE_INFINITY

const VALUES = [
  ['status', 'v.status ='],
  ['customerId', 'v.customer_id ='],
  ['orderId', 'v.order_id ='],
  ['processor', 'v.processor ='],
  ['fromMs', 'v.created_at >='],
  ['beforeMs', 'v.created_at <'],
] as const satisfies readonly (readonly [keyof PaymentFilter, string])[]

const WAITING = { review: 'v.in_review', needs_response: 'v.needs_response' } as const

/** What stands behind the shard in an id: its place in time. */
const placeOf = (id: string) => `substr(${id}, 6) collate "C"`

/** Parameters: 1 shards, 2 ids below and 3 ids from, of each; 4 rows. */
const pageOfShards = (where: readonly string[]) => `
select each.payment_intent_id, each.state
from unnest($1::smallint[], $2::text[], $3::text[]) as s (shard, below, since)
cross join lateral (
  select v.payment_intent_id, v.state from payment_view v
  where ${['v.shard = s.shard', 'v.payment_intent_id < s.below', 'v.payment_intent_id >= s.since', ...where].join(' and ')}
  order by v.payment_intent_id desc limit $4) each
order by ${placeOf('each.payment_intent_id')} desc limit $4`

/** Parameters: 1 the shard of the name if it is an id, 2 the name, 3 the id below, 4 rows. */
const pageByName = (where: readonly string[]) => `
with named as materialized (
  select $1::smallint as shard, $2::text as id where $1::smallint is not null
  union select shard, payment_intent_id from payment_view where order_id = $2
  union select shard, payment_intent_id from payment_operations where reference = $2)
select v.payment_intent_id, v.state
from named n cross join lateral (
  select v.* from payment_view v where v.shard = n.shard and v.payment_intent_id = n.id offset 0) v
where ${[`${placeOf('v.payment_intent_id')} < ${placeOf('$3::text')}`, ...where].join(' and ')}
order by ${placeOf('v.payment_intent_id')} desc limit $4`

const statements = new Map<string, string>()

/** The statement and its parameters for a filter; exported for the tests of the plans. */
export function listStatement(
  shards: number,
  filter: PaymentFilter,
  before: string | undefined,
  limit: number,
): { text: string; params: SqlParam[] } {
  const given = VALUES.filter(([name]) => filter[name] !== undefined)
  const { waiting, named, fromMs, beforeMs } = filter
  const key = [...given.map(([name]) => name), waiting, named === undefined].join()
  let text = statements.get(key)
  if (text === undefined) {
    const values = given.map(([, condition], index) => `${condition} $${index + 5}`)
    const where = waiting === undefined ? values : [...values, WAITING[waiting]]
    text = named === undefined ? pageOfShards(where) : pageByName(where)
    statements.set(key, text)
  }
  const values = given.map(([name]): SqlParam => {
    const value = filter[name]
    return typeof value === 'number' ? new Date(value) : value
  })
  if (named !== undefined) {
    const below = before ?? prefixedIdAt('pi', 0, END_MS)
    return { text, params: [shardOfPrefixedId('pi', named), named, below, limit, ...values] }
  }
  const numbers = Array.from({ length: shards }, (_, shard) => shard)
  const below = (shard: number) => {
    const end = prefixedIdAt('pi', shard, beforeMs === undefined ? END_MS : beforeMs + ID_SLACK_MS)
    const last = before === undefined ? end : prefixedIdInShard('pi', shard, before)
    return last < end ? last : end
  }
  const since = (shard: number) => prefixedIdAt('pi', shard, fromMs === undefined ? 0 : fromMs - ID_SLACK_MS)
  return { text, params: [numbers, numbers.map(below), numbers.map(since), limit, ...values] }
}

export async function listPayments(
  sql: SqlClient,
  shards: number,
  filter: PaymentFilter,
  before: string | undefined,
  limit: number,
): Promise<ListedPayment[]> {
  const { text, params } = listStatement(shards, filter, before, limit)
  const rows = await sql.query<{ payment_intent_id: string; state: Record<string, unknown> }>(text, params)
  return rows.map((row) => ({ paymentIntentId: row.payment_intent_id, state: stateFromJson(row.state) }))
}
