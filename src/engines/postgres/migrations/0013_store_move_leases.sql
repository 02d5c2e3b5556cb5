-- Which move it is, where the store comes from, and who carries it out until when (docs/moving.md).
alter table store_moves
  add column move_id text not null unique default gen_random_uuid()::text,
  add column from_place text not null default 'the main database',
  add column mover text,
  add column leased_until timestamptz;
alter table store_moves
  drop constraint store_moves_phase_check,
  add constraint store_moves_phase_check check (phase in ('copying', 'switched', 'returning', 'done', 'cancelled'));

-- Whether the process holds stores that can move: for others no move waits.
alter table id_nodes add column holds_movable boolean not null default true;
