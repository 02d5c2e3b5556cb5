import type { Minor } from '../../core/money.ts'

export const SALES_DIMENSIONS = ['day', 'month', 'category', 'city', 'product', 'country', 'region'] as const
export type SalesDimension = (typeof SALES_DIMENSIONS)[number]

/** `sale_day`: the day of the order. `booked_day`: the day on which the amount was booked. */
export const SALES_DAYS = ['sale_day', 'booked_day'] as const
export type SalesDay = (typeof SALES_DAYS)[number]

export const SALES_KINDS = ['sale', 'cancel', 'return', 'edit', 'move'] as const
export type SalesKind = (typeof SALES_KINDS)[number]

export const SALES_ORDERS = ['price', 'quantity'] as const

export interface SalesQuery {
  readonly productCategory?: string | undefined
  readonly shippingCity?: string | undefined
  readonly shippingCountry?: string | undefined
  readonly shippingRegion?: string | undefined
  readonly productId?: string | undefined
  readonly kind?: SalesKind | undefined
  readonly currency?: string | undefined
  /** First and last day, included; both in the sense of `dayOf`. */
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly dayOf: SalesDay
  readonly groupBy: readonly SalesDimension[]
}

/** Which sums are kept with the report: by nothing, by category, by city, by both, by product. */
export type SalesGrain = 'all' | 'category' | 'city' | 'category_city' | 'product'

/** Periods of one length, by the first day of the first and of the last one; without one it is open on that side. */
export interface SalesSpan {
  readonly period: 'lifetime' | 'month' | 'day'
  readonly first?: string | undefined
  readonly last?: string | undefined
}

/** Where a query is answered from: sums that are kept, over spans that do not overlap, or the rows themselves. */
export type SalesPlan =
  | { readonly source: 'rollups'; readonly grain: SalesGrain; readonly spans: readonly SalesSpan[] }
  | { readonly source: 'facts' }

/**
 * One reading of the report. `sort`: by this figure, largest first, else by group, ascending. `products` leaves only
 * these. At most `rowsMax` rows come back; `rowsMax + 1` of them when there are more.
 */
export interface SalesRead {
  readonly query: SalesQuery
  readonly plan: SalesPlan
  readonly sort?: (typeof SALES_ORDERS)[number] | undefined
  readonly products?: readonly string[] | undefined
  readonly rowsMax: number
}

export interface SalesFigures {
  readonly currency: string
  /** Sum of the signed amounts, net of tax. */
  readonly price: Minor
  readonly tax: Minor
  readonly quantity: number
  /**
   * Orders that have units left there. By `booked_day`: those that came to have units, less those that have none left.
   * With a `kind`: those that have such rows.
   */
  readonly orders: number
}

export interface SalesRow extends SalesFigures {
  /** The values of the dimensions grouped by; `month` is `YYYY-MM`, a region that is missing is empty. */
  readonly group: Readonly<Partial<Record<SalesDimension, string>>>
  /** Of a product: its name in the catalogue. */
  readonly productName?: string
}

export interface SalesFreshness {
  /** When the oldest event was made that is not in the report yet; `undefined` when everything is. */
  readonly oldestMissingMs: number | undefined
  /** Events that are not in the report yet. */
  readonly lagEvents: number
}

export interface SalesAnswers extends SalesFreshness {
  /** One per reading, in their order, all from one snapshot. One row per group and currency. */
  readonly answers: readonly (readonly SalesRow[])[]
}

/** A row of `daily_sales_report`. */
export interface SalesFact {
  readonly bookedDay: string
  readonly orderId: bigint
  readonly eventNo: number
  readonly lineNo: number
  readonly leg: number
  readonly kind: SalesKind
  readonly saleDay: string
  readonly orderDateMs: number
  readonly customerName: string | undefined
  readonly productId: string
  readonly productName: string
  readonly productCategory: string
  readonly quantity: number
  readonly price: Minor
  readonly tax: Minor
  readonly currency: string
  readonly shippingCountry: string
  readonly shippingRegion: string | undefined
  readonly shippingCity: string
}

/** Which facts stand behind a sum: the filters of its query. */
export type SalesFactQuery = Omit<SalesQuery, 'groupBy'>

/** The place of a fact in a list by day. */
export type SalesFactKey = Pick<SalesFact, 'orderId' | 'eventNo' | 'lineNo' | 'leg'> & { readonly day: string }

export interface ListedFact extends SalesFact {
  /** When its event was recorded. */
  readonly recordedAtMs: number | undefined
}

export interface SalesFactRange {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** A month whose rows were taken out of the report. */
export interface ArchivedMonth {
  /** `YYYY-MM` */
  readonly month: string
  /** The table that holds them; names of customers are not in it. */
  readonly table: string
  readonly facts: number
  readonly archivedAtMs: number
}

export interface SalesReportStore {
  /** Reads several things at once. Throws `report_archived` when a plan needs rows that were archived. */
  sales(reads: readonly SalesRead[]): Promise<SalesAnswers>
  /** The rows behind a sum, the last day (in the sense of `dayOf`) first; those after `after`. Throws `report_archived`. */
  factPage(query: SalesFactQuery, after: SalesFactKey | undefined, limit: number): Promise<ListedFact[]>
  /** How many rows lie in a range of sale days. Throws `report_archived`. */
  countFacts(range: SalesFactRange): Promise<number>
  /**
   * The rows of a range of sale days, in pages of at most `rows`, those of an order together. What is folded meanwhile
   * may be among them or not.
   */
  facts(range: SalesFactRange, rows: number): AsyncIterable<readonly SalesFact[]>
  /**
   * Makes the partitions of the month of `nowMs` and of the two that follow, and of those that have rows without a
   * partition; answers how many. Gives up, with what it has done, when others keep the report busy; call it again later.
   */
  extend(nowMs: number): Promise<number>
  /**
   * Takes the rows of every month before `month` (`YYYY-MM`) out of the report, each month into a table of its own; sums
   * keep them. Answers the months that were archived now. Throws `report_busy` while a rebuild is under way.
   */
  archive(month: string, nowMs: number): Promise<ArchivedMonth[]>
  archivedMonths(): Promise<ArchivedMonth[]>
  /**
   * Folds the orders of one month (`YYYY-MM`, by sale day) anew into the live report and corrects the sums by the
   * difference; answers the number of rows that the month has. Readers never see a part of an order. Throws
   * `report_archived`, `report_busy` while the whole report is being rebuilt.
   */
  rebuildMonth(month: string, onProgress: (facts: number) => void): Promise<number>
}
