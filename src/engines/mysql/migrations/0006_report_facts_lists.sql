-- Lists of the facts behind a sum of the sales report, by the last day first. Neither server can leave out an index that is
-- there already in the other's words, so each is made unless it is known.
set @make_index = if(
  exists (
    select 1 from information_schema.statistics
    where table_schema = database() and table_name = 'daily_sales_report_gen' and index_name = 'daily_sales_report_cell'),
  'do 0',
  'create index daily_sales_report_cell on daily_sales_report_gen
    (generation, product_category, shipping_city, sale_day)');
prepare make_index from @make_index;
execute make_index;
deallocate prepare make_index;

set @make_index = if(
  exists (
    select 1 from information_schema.statistics
    where table_schema = database() and table_name = 'daily_sales_report_gen' and index_name = 'daily_sales_report_product'),
  'do 0',
  'create index daily_sales_report_product on daily_sales_report_gen (generation, product_id, sale_day)');
prepare make_index from @make_index;
execute make_index;
deallocate prepare make_index;
