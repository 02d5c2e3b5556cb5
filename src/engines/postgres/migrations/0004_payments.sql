-- Payments: the events are the truth; the head row is the lock and the limits; the rest is derived or books of calls.

-- Stream head and money limits of one payment. The amounts repeat what the events say, so that no statement whatever,
-- not even one written by hand, can capture more than was authorized or refund more than was captured.
create table payment_intents (
  shard smallint not null,
  payment_intent_id text not null,
  version int not null check (version > 0),
  status text not null,
  currency text not null,
  amount bigint not null check (amount > 0),
  authorized bigint not null,
  capture_pending bigint not null,
  captured bigint not null,
  refund_pending bigint not null,
  refunded bigint not null,
  disputed bigint not null,
  customer_id text,
  order_id text,
  -- When the worker ends what is authorized; whoever is at work on it moves it on.
  expires_at timestamptz,
  -- Hash of the last event.
  hash bytea not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (shard, payment_intent_id),
  constraint payment_intents_not_negative check (
    authorized >= 0 and capture_pending >= 0 and captured >= 0 and refund_pending >= 0 and refunded >= 0
    and disputed >= 0),
  constraint payment_intents_capture_limit check (captured + capture_pending <= authorized),
  constraint payment_intents_refund_limit check (refunded + refund_pending <= captured)
) with (fillfactor = 80);
create index payment_intents_order on payment_intents (order_id) where order_id is not null;
create index payment_intents_expiry on payment_intents (expires_at) where expires_at is not null;

-- The log of payments. A role that writes payments needs: select, insert on payment_events; select, insert, update on
-- payment_intents, payment_operations, idempotency_keys, webhook_inbox, log_head. Nobody needs update or delete here.
create table payment_events (
  shard smallint not null,
  event_id bigint not null,
  payment_intent_id text not null,
  version int not null,
  event_type text not null,
  schema_version smallint not null,
  timestamp timestamptz not null,
  payload jsonb not null,
  op_id text,
  actor text not null,
  prev_hash bytea not null,
  hash bytea not null,
  primary key (shard, payment_intent_id, version),
  unique (shard, event_id)
);
create trigger payment_events_append_only before update or delete or truncate on payment_events
for each statement execute function refuse_change();

-- One row per call to a processor. next_check_at is when the worker looks at it; whoever is at work on it moves it on.
create table payment_operations (
  shard smallint not null,
  op_id text not null,
  payment_intent_id text not null,
  kind text not null,
  amount bigint not null,
  settled bigint not null,
  processor text not null,
  status text not null,
  reference text,
  dispute_id text,
  attempts int not null,
  requested_at timestamptz not null,
  next_check_at timestamptz,
  key_shard smallint,
  key_scope text,
  key text,
  key_op_id text,
  primary key (shard, op_id)
) with (fillfactor = 80);
create index payment_operations_due on payment_operations (next_check_at);
create index payment_operations_payment on payment_operations (payment_intent_id);
create index payment_operations_open on payment_operations (status, op_id) where status not in ('succeeded', 'failed');

-- What processors tell of their own accord, stored before it is applied. It waits while next_attempt_at is set; without
-- applied_at then, it was given up on.
create table webhook_inbox (
  processor text not null,
  event_id text not null,
  event_type text not null,
  subject jsonb,
  -- Encrypted, and forgotten after some days.
  body text,
  received_at timestamptz not null,
  attempts int not null,
  next_attempt_at timestamptz,
  applied_at timestamptz,
  last_error text,
  primary key (processor, event_id)
);
create index webhook_inbox_due on webhook_inbox (next_attempt_at) where next_attempt_at is not null;
create index webhook_inbox_received on webhook_inbox (received_at, processor, event_id);
create index webhook_inbox_bodies on webhook_inbox (received_at) where body is not null and next_attempt_at is null;

-- Keys of persons, each encrypted under a master key that is not here. Destroying one erases what is under it.
create table personal_keys (
  key_id text primary key,
  subject text not null,
  master_key_id text not null,
  wrapped bytea,
  created_at timestamptz not null,
  destroyed_at timestamptz
);
create unique index personal_keys_living on personal_keys (subject) where destroyed_at is null;

-- Read models: one projection, payment_view, folds them all.
create table payment_view_gen (
  generation int not null,
  shard smallint not null,
  payment_intent_id text not null,
  version int not null,
  status text not null,
  currency text not null,
  amount bigint not null,
  authorized bigint not null,
  captured bigint not null,
  refunded bigint not null,
  disputed bigint not null,
  customer_id text,
  order_id text,
  processor text not null,
  -- Only programs look into it, so it is kept as it comes.
  state json not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (generation, shard, payment_intent_id)
) with (fillfactor = 80);

create view payment_view as
select shard, payment_intent_id, version, status, currency, amount, authorized, captured, refunded, disputed, customer_id,
  order_id, processor, state, created_at, updated_at
from payment_view_gen
where generation = (select live_generation from projections where name = 'payment_view');

-- Amounts are in minor units and not signed: the type tells the direction.
create table customer_transactions_gen (
  generation int not null,
  customer_id text not null,
  timestamp timestamptz not null,
  payment_intent_id text not null,
  version int not null,
  event_type text not null,
  amount bigint not null,
  currency text not null,
  order_id text,
  primary key (generation, customer_id, timestamp, payment_intent_id, version)
);
create index customer_transactions_payment on customer_transactions_gen (generation, payment_intent_id, version);

create view customer_transactions as
select customer_id, timestamp, payment_intent_id, version, event_type, amount, currency, order_id
from customer_transactions_gen
where generation = (select live_generation from projections where name = 'payment_view');

create table payment_disputes_gen (
  generation int not null,
  shard smallint not null,
  payment_intent_id text not null,
  dispute_id text not null,
  processor text not null,
  customer_id text,
  order_id text,
  amount bigint not null,
  currency text not null,
  reason text not null,
  status text not null,
  -- infinity where the processor named no time, so that those come last.
  evidence_due_by timestamptz not null,
  opened_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (generation, shard, payment_intent_id, dispute_id)
) with (fillfactor = 80);
create index payment_disputes_due on payment_disputes_gen (
  generation, status, evidence_due_by, payment_intent_id, dispute_id);

create view payment_disputes as
select shard, payment_intent_id, dispute_id, processor, customer_id, order_id, amount, currency, reason, status,
  evidence_due_by, opened_at, updated_at
from payment_disputes_gen
where generation = (select live_generation from projections where name = 'payment_view');

-- Double entry: debits are positive, credits negative, and the lines of one event add up to 0.
create table ledger_entries_gen (
  generation int not null,
  shard smallint not null,
  event_id bigint not null,
  line smallint not null,
  payment_intent_id text not null,
  account text not null,
  currency text not null,
  amount bigint not null,
  timestamp timestamptz not null,
  primary key (generation, payment_intent_id, event_id, line)
);
create index ledger_entries_account on ledger_entries_gen (generation, account, timestamp, shard, event_id, line);

create view ledger_entries as
select shard, event_id, line, payment_intent_id, account, currency, amount, timestamp
from ledger_entries_gen
where generation = (select live_generation from projections where name = 'payment_view');

-- One row per shard, so that shards are folded side by side; whoever reads adds them up.
create table ledger_balances_gen (
  generation int not null,
  shard smallint not null,
  account text not null,
  currency text not null,
  debit numeric(38) not null,
  credit numeric(38) not null,
  primary key (generation, shard, account, currency)
) with (fillfactor = 80);

create view ledger_balances as
select shard, account, currency, debit, credit
from ledger_balances_gen
where generation = (select live_generation from projections where name = 'payment_view');

create table payment_daily_gen (
  generation int not null,
  shard smallint not null,
  day date not null,
  currency text not null,
  processor text not null,
  created bigint not null,
  authorized bigint not null,
  declined bigint not null,
  captures bigint not null,
  captured_amount numeric(38) not null,
  refunds bigint not null,
  refunded_amount numeric(38) not null,
  disputes bigint not null,
  disputed_amount numeric(38) not null,
  primary key (generation, shard, day, currency, processor)
) with (fillfactor = 80);

create view payment_daily as
select shard, day, currency, processor, created, authorized, declined, captures, captured_amount, refunds, refunded_amount,
  disputes, disputed_amount
from payment_daily_gen
where generation = (select live_generation from projections where name = 'payment_view');

-- States on the way: they spare the fold of a long history, and nothing else.
create table payment_snapshots_gen (
  generation int not null,
  shard smallint not null,
  payment_intent_id text not null,
  version int not null,
  state_version int not null,
  event_hash bytea not null,
  state jsonb not null,
  primary key (generation, shard, payment_intent_id, version)
);

create view payment_snapshots as
select shard, payment_intent_id, version, state_version, event_hash, state
from payment_snapshots_gen
where generation = (select live_generation from projections where name = 'payment_snapshots');

-- Sandbox processors: books of their own, as if they lay in another house.
create table sandbox_keys (
  processor text not null,
  key text not null,
  expires_at timestamptz not null,
  primary key (processor, key)
);

create table sandbox_charges (
  reference text primary key,
  processor text not null,
  key text not null,
  payment_intent_id text not null,
  token text not null,
  currency text not null,
  status text not null,
  requested bigint not null,
  authorized bigint not null,
  captured bigint not null,
  refunded bigint not null,
  expires_at timestamptz,
  dispute jsonb
);

create table sandbox_entries (
  entry_id bigint primary key,
  processor text not null,
  key text not null,
  kind text not null,
  reference text not null,
  charge text,
  payment_intent_id text not null,
  amount bigint not null,
  currency text not null,
  status text not null,
  code text,
  message text,
  expires_at timestamptz,
  created_at timestamptz not null
);
create index sandbox_entries_key on sandbox_entries (key, entry_id);

-- What a sandbox will do of its own accord, and tell by webhook.
create table sandbox_dues (
  processor text not null,
  due_id text not null,
  due_at timestamptz not null,
  deed jsonb not null,
  -- Order of deeds that are due at the same time.
  number bigint generated always as identity,
  primary key (processor, due_id)
);
create index sandbox_dues_due on sandbox_dues (processor, due_at, number);
