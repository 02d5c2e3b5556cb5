-- Where a store lives while it moves to another engine, and afterwards (docs/moving.md).
create table store_moves (
  store text primary key check (store in ('follows', 'timelines')),
  to_url text not null,
  phase text not null check (phase in ('copying', 'switched', 'done', 'cancelled')),
  started_at timestamptz not null
);

-- By which phase each process acts, by its node number.
create table store_move_acks (
  store text not null,
  node smallint not null,
  phase text not null,
  primary key (store, node)
);
