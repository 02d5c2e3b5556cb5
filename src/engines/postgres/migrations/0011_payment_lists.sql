-- Lists of payments, and of the facts behind a sum of the sales report.

-- What waits for a person, repeated from the state: an operation in review, a dispute whose evidence is asked for.
alter table payment_view_gen
  add column in_review boolean not null default false,
  add column needs_response boolean not null default false;
update payment_view_gen set
  in_review = exists (select from json_array_elements(state->'operations') o where o->>'status' = 'review'),
  needs_response = exists (select from json_array_elements(state->'disputes') d where d->>'status' = 'needs_response')
where state::text ~ '"status":"(review|needs_response)"';

create or replace view payment_view as
select shard, payment_intent_id, version, status, currency, amount, authorized, captured, refunded, disputed, customer_id,
  order_id, processor, state, created_at, updated_at, in_review, needs_response
from payment_view_gen
where generation = (select live_generation from projections where name = 'payment_view');

-- Within a shard the ids of payments are in the order of time, so the primary key is the list without filters, and each
-- index of these is one with a filter; pages of the shards are merged.
create index payment_view_status on payment_view_gen (generation, status, shard, payment_intent_id);
create index payment_view_customer on payment_view_gen (generation, customer_id, shard, payment_intent_id)
  where customer_id is not null;
create index payment_view_order on payment_view_gen (generation, order_id, shard, payment_intent_id)
  where order_id is not null;
create index payment_view_processor on payment_view_gen (generation, processor, shard, payment_intent_id);
create index payment_view_in_review on payment_view_gen (generation, shard, payment_intent_id) where in_review;
create index payment_view_needs_response on payment_view_gen (generation, shard, payment_intent_id) where needs_response;
create index payment_operations_reference on payment_operations (reference) where reference is not null;

-- The facts, by the last day first; those of a category and a city have daily_sales_report_category_city.
create index daily_sales_report_sale_day on daily_sales_report_gen (generation, sale_day);
create index daily_sales_report_booked_day on daily_sales_report_gen (generation, booked_day);
create index daily_sales_report_product on daily_sales_report_gen (generation, product_id, sale_day);
