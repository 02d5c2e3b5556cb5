/**
 * How a batch shares what is in stock, for orders, edits and cart holds alike: the common table expressions `wanted`,
 * `short` and `fits`. They read `req (item, ...)`, `asked (item, line_no, product_id, location_id, quantity, held)`, where
 * `held` is what the item has reserved of it already, and `locked (product_id, location_id, on_hand, reserved)`.
 *
 * `short` asks for more than all there is. Of the others those fit whose products suffice for them and everybody before
 * them; the rest tries again in the next batch, since somebody before may have been refused for another product.
 *
 * What is free stands beside each line by sorting both together: a join would be planned for few rows, as a loop over
 * all locked rows for each line.
 */
export const SHARE_STOCK = `
wanted as (
  select * from (
    select item, line_no, product_id, location_id, quantity, held, greatest(quantity - held, 0) as need,
      coalesce(max(free) over (partition by product_id, location_id), 0) as available
    from (
      select item, line_no, product_id, location_id, quantity, held, null::bigint as free from asked
      union all select null, null, product_id, location_id, null, null, on_hand - reserved from locked) u) w
  where item is not null),
short as (
  select distinct on (item) item, product_id, location_id, quantity, available + held as available from wanted
  where need > available order by item, line_no),
queued as (
  select item, need, available, sum(need) over (partition by product_id, location_id order by item) as so_far
  from wanted where item not in (select item from short)),
fits as (
  select * from req where item in (select item from queued)
    and item not in (select item from queued where need > 0 and so_far > available))`
