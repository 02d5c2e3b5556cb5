import { query } from './postgres.ts'

/**
 * The naive way: an event table numbered by a sequence, one transaction per event. `filler` makes its rows as wide as
 * ours. The other two tables are for the naive way to do all that a command does.
 */
const TABLES = `
create table plain_events (
  event_id bigserial primary key, payment_intent_id text not null, version int not null, event_type text not null,
  timestamp timestamptz not null, payload jsonb not null, filler text not null);
create table plain_keys (
  scope text not null, key text not null, fingerprint text not null, response jsonb, created_at timestamptz not null,
  primary key (scope, key));
create table plain_intents (
  payment_intent_id text primary key, version int not null, status text not null, currency text not null, amount bigint not null,
  authorized bigint not null, captured bigint not null, refunded bigint not null, customer_id text,
  check (captured <= authorized and refunded <= captured), updated_at timestamptz not null);
create index plain_intents_customer on plain_intents (customer_id);`

const WIDTH = (table: string) => `select coalesce(round(avg(pg_column_size(e.*))), 0)::int as width from ${table} e`

export const PLAIN_INSERT = `
insert into plain_events (payment_intent_id, version, event_type, timestamp, payload, filler)
values ($1, 1, 'INITIATED', now(), $2, $3)`

export interface PlainRow {
  readonly payload: string
  readonly filler: string
}

/** Makes the tables in `url`, and a row of the width of the events in `ourUrl`. */
export async function preparePlain(url: string, ourUrl: string): Promise<{ row: PlainRow; width: number }> {
  await query(url, TABLES)
  const [ours] = await query(ourUrl, 'select payload::text from payment_events limit 1')
  const payload = ours?.['payload'] as string
  const width = async (on: string, table: string) => (await query(on, WIDTH(table)))[0]?.['width'] as number
  const target = await width(ourUrl, 'payment_events')
  const sample = `insert into plain_events (payment_intent_id, version, event_type, timestamp, payload, filler)
    select 'pi_' || repeat('0', 24), 1, 'INITIATED', now(), '${payload}', ''`
  await query(url, sample)
  const filler = 'x'.repeat(Math.max(0, target - (await width(url, 'plain_events'))))
  await query(url, 'truncate plain_events')
  return { row: { payload, filler }, width: target }
}

/** The insert as a script of pgbench. */
export function pgbenchScript({ payload, filler }: PlainRow): string {
  const text = PLAIN_INSERT.trim()
    .replace('$1', "'pi_' || lpad(:n::text, 24, '0')")
    .replace('$2', `'${payload}'`)
    .replace('$3', `'${filler}'`)
  return `\\set n random(1, 1000000000)\n${text.replaceAll('\n', ' ')};\n`
}
