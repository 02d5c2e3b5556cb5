-- Words under which orders are found, newest first: a projection of the log of orders, so that placing stays fast.
create table order_search (
  generation int not null,
  token text collate "C" not null,
  order_id bigint not null,
  shard smallint not null,
  primary key (generation, token, order_id)
);

-- The same by order: what has to go when the order changes.
create table order_search_words (
  generation int not null,
  order_id bigint not null,
  words text[] not null,
  primary key (generation, order_id)
) with (fillfactor = 90);

-- The lists of orders by what their payments and their goods say. order_id stands for time.
create index orders_by_payment_status on orders (payment_status, order_id);
create index orders_by_fulfillment_status on orders (fulfillment_status, order_id);

-- Answers that are kept for commands on a customer; erasing him empties them.
create index idempotency_keys_customer on idempotency_keys (operation_id) where operation_id like 'customer:%';
