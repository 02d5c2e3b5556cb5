-- Words under which orders are found, newest first: a projection of the log of orders, so that placing stays fast.
create table if not exists order_search (
  generation int not null,
  token varchar(255) not null,
  order_id bigint not null,
  shard smallint not null,
  primary key (generation, token, order_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;

-- The same by order: what has to go when the order changes; words is a list of texts.
create table if not exists order_search_words (
  generation int not null,
  order_id bigint not null,
  words json not null,
  primary key (generation, order_id)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin;
