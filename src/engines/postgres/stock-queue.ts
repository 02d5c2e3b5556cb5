/**
 * Statements that move stock lock its levels first (`locked`) and write what they read under the lock, never the row's
 * own columns: PostgreSQL checks constraints on the row as the statement's snapshot has it before it notices that there
 * is a newer one, so `reserved + 1` of a row that was sold out a moment ago would be refused although units came back.
 *
 * What was locked and what is moved are put together by one aggregate, since a join of the two would be planned for few
 * rows, as a loop over one for each of the other.
 *
 * How a batch shares what is in stock, for orders and cart holds alike: the common table expressions `short` and `fits`.
 * They read `req (item, ...)` and `wanted (item, line_no, product_id, location_id, quantity, held, need, available)`,
 * where `need` is what an item wants beyond what it holds.
 *
 * `short` asks for more than all there is. Of the others those fit whose products suffice for them and everybody before
 * them; the rest tries again in the next batch, since somebody before may have been refused for another product.
 */
export const SHARE_STOCK = `
short as (
  select distinct on (item) item, product_id, location_id, quantity, available + held as available from wanted
  where need > available order by item, line_no),
queued as (
  select item, need, available, sum(need) over (partition by product_id, location_id order by item) as so_far
  from wanted where item not in (select item from short)),
fits as (
  select * from req where item in (select item from queued)
    and item not in (select item from queued where need > 0 and so_far > available))`
