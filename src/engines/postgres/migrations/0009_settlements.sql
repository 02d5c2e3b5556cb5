-- What processors say they have settled, and how it compares with what payments have recorded.

create table settlement_files (
  -- Made of the processor and the hash of the file, so that a file is known whoever brings it again.
  settlement_id text primary key,
  processor text not null,
  file_name text not null,
  file_hash bytea not null,
  -- The days that it is about, the last not included; null while it is being read.
  period_from timestamptz,
  period_to timestamptz,
  rows_read bigint not null,
  rows_bad bigint not null,
  created_at timestamptz not null,
  imported_at timestamptz,
  reconciled_at timestamptz,
  matched bigint not null,
  differing bigint not null,
  missing bigint not null,
  unknown bigint not null,
  not_compared bigint not null
);
create index settlement_files_newest on settlement_files (created_at, settlement_id);

create table settlement_lines (
  settlement_id text not null,
  -- Line of the file.
  line bigint not null,
  type text not null,
  reference text,
  op_id text,
  amount bigint not null,
  currency text not null,
  fee bigint not null,
  occurred_at timestamptz not null,
  payout_id text,
  primary key (settlement_id, line)
);

-- The comparison: one row for each line, and behind them one for each operation or dispute that the file lacks.
create table settlement_items (
  settlement_id text not null,
  item_no bigint not null,
  result text not null,
  -- What is not the same: amount, currency, outcome, settled_before.
  differences text[] not null,
  line bigint,
  type text not null,
  -- The operation or the dispute.
  subject_id text,
  payment_intent_id text,
  expected_amount bigint,
  expected_currency text,
  occurred_at timestamptz not null,
  primary key (settlement_id, item_no)
);
create index settlement_items_result on settlement_items (settlement_id, result, item_no);
create index settlement_items_subject on settlement_items (subject_id, type);
