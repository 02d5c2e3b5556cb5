export const SALES_REPORT = 'daily_sales_report'

/** The generation that is read. */
export const LIVE_GENERATION = `(select live_generation from projections where name = '${SALES_REPORT}')`

const FIGURES = ['facts', 'price', 'tax', 'quantity', 'orders'] as const
/** What a row of `sales_rollups` sums up, by sale day and by booked day. */
export const FIGURE_COLUMNS = ['sale', 'booked'].flatMap((day) => FIGURES.map((figure) => `${day}_${figure}`))

/** What tells one cell from another, besides the generation and the shard. */
export const CELL_KEY = [
  'grain',
  'period',
  'starts',
  'product_category',
  'shipping_city',
  'product_id',
  'currency',
] as const

/** `2026-02` -> its days, ascending. */
export function daysOf(month: string): string[] {
  const first = Date.parse(`${month}-01T00:00:00Z`)
  return Array.from({ length: 31 }, (_, index) =>
    new Date(first + index * 86_400_000).toISOString().slice(0, 10),
  ).filter((day) => day.startsWith(month))
}
