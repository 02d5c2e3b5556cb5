import pg from 'pg'

/** Payments with their whole life, made in the database: authorized and captured, every tenth refunded in part. */
const CUSTOMERS = 10_000
/** Payments of a shard that are under way at the same time, so that their events lie mixed in the log. */
const AT_ONCE = 64

const MADE = (from: number, count: number) => `
create temporary table made as
select n, (n % (select count(*) from log_head where log = 'payments'))::smallint as shard,
  'pi_bench' || lpad(n::text, 19, '0') as id, 'op_bench' || lpad(n::text, 19, '0') as op,
  now() - interval '30 days' + n * interval '1 second' as at
from generate_series(${from}, ${from + count - 1}) as n`

const EVENTS = `
create temporary table made_events as
select m.shard, m.id, m.n, v.version, v.type, m.at + v.version * interval '100 milliseconds' as at, v.payload, v.op
from made m cross join lateral (values
  (1, 'INITIATED', jsonb_build_object('amount', 4200, 'currency', 'USD', 'customer_id', 'customer_' || m.n % ${CUSTOMERS},
    'payment_method', jsonb_build_object('type', 'card', 'token', 'tok_ok', 'brand', 'visa', 'last4', '4242'),
    'capture_method', 'automatic', 'route', jsonb_build_array('sandbox')), null),
  (2, 'AUTHORIZATION_REQUESTED', jsonb_build_object('op_id', m.op, 'amount', 4200), m.op),
  (3, 'AUTHORIZED', jsonb_build_object('op_id', m.op, 'amount', 4200, 'reference', 'ch_' || m.n), m.op),
  (4, 'CAPTURE_REQUESTED', jsonb_build_object('op_id', m.op || '_capture', 'amount', 4200), m.op || '_capture'),
  (5, 'CAPTURED', jsonb_build_object('op_id', m.op || '_capture', 'amount', 4200, 'reference', 'ch_' || m.n),
    m.op || '_capture'),
  (6, 'REFUND_REQUESTED', jsonb_build_object('op_id', m.op || '_r', 'amount', 1000, 'reason', 'damaged'), m.op || '_r'),
  (7, 'REFUNDED', jsonb_build_object('op_id', m.op || '_r', 'amount', 1000, 'reference', 're_' || m.n), m.op || '_r')
) as v (version, type, payload, op)
where v.version <= 5 or m.n % 10 = 0`

const STORE = `
insert into payment_events (shard, event_id, payment_intent_id, version, event_type, schema_version, timestamp, payload, op_id,
  actor, prev_hash, hash)
select e.shard, g.last_event_id + row_number() over (partition by e.shard order by e.n / (${AT_ONCE} * 4), e.version, e.n), e.id,
  e.version, e.type, case e.type when 'INITIATED' then 2 else 1 end, e.at, e.payload, e.op, 'bench', '\\x00', '\\x00'
from made_events e join log_head g on g.log = 'payments' and g.shard = e.shard;
update log_head g set last_event_id = g.last_event_id + m.made
from (select shard, count(*) as made from made_events group by shard) m where g.log = 'payments' and g.shard = m.shard;
drop table made, made_events`

const ROUND = 50_000

/** Adds payments to the log of a migrated, otherwise empty database; answers the number of events. */
export async function addPayments(url: string, count: number): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`set work_mem = '64MB'; set jit = off`)
    for (let from = 0; from < count; from += ROUND) {
      await client.query(`${MADE(from, Math.min(ROUND, count - from))}; ${EVENTS}; ${STORE}`)
    }
    await client.query('vacuum analyze payment_events')
    const { rows } = await client.query('select count(*)::int as events from payment_events')
    return (rows[0] as { events: number }).events
  } finally {
    await client.end()
  }
}
