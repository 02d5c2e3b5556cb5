import type { Clock } from '../../core/clock.ts'
import { invalidField } from '../../core/errors.ts'
import { type Closable, startLoop } from '../../core/lifecycle.ts'
import { LIMITS } from '../../core/limits.ts'
import type { Logger } from '../../core/logger.ts'
import type { ArchivedMonth, SalesFactRange, SalesReportStore } from '../ports.ts'
import { addMonths, dayOf, isDay, isMonth } from './calendar.ts'
import { factsCsvHead, factsCsvLine } from './csv.ts'

function checkMonth(month: string, field: string): void {
  if (!isMonth(month)) throw invalidField(`query/${field}`, 'must be a month such as 2026-03')
}

function checkRange({ from, to }: SalesFactRange): void {
  for (const [field, value] of Object.entries({ from, to })) {
    if (value !== undefined && !isDay(value)) throw invalidField(`query/${field}`, 'must be a day of the calendar')
  }
}

/** The rows of the report themselves, their partitions and archives. */
export function createReportUpkeep({ store, clock }: { store: SalesReportStore; clock: Clock }) {
  return {
    /**
     * The rows of `daily_sales_report` whose sale day lies in a range (both ends included) as CSV (RFC 4180), a piece at
     * a time, head first; amounts in minor units. `onProgress` hears how many of how many rows are read. Rows that are
     * booked meanwhile may be there or not. Throws `invalid_input`, `report_archived`.
     */
    async *salesFactsCsv(
      range: SalesFactRange = {},
      onProgress: (done: number, total: number) => void = () => undefined,
    ): AsyncGenerator<string> {
      checkRange(range)
      const total = await store.countFacts(range)
      let done = 0
      yield factsCsvHead()
      for await (const page of store.facts(range, LIMITS.reportPageFacts)) {
        yield page.map(factsCsvLine).join('')
        done += page.length
        onProgress(done, Math.max(done, total))
      }
    },

    /**
     * Takes the rows of every month before `month` (`YYYY-MM`) out of `daily_sales_report`, each month into a table of
     * its own that stays in the database, without names of customers. Sums by day, month, category, city and product go on
     * counting them; what needs the rows themselves is refused from then on. Only whole months that are over can be
     * archived. Throws `invalid_input`, `report_busy`.
     */
    async archiveReport(month: string): Promise<ArchivedMonth[]> {
      checkMonth(month, 'before')
      const now = clock.now()
      // Somewhere it may still be the last day of the month before.
      if (`${month}-01` > addMonths(dayOf(now - 2 * 86_400_000), 0)) {
        throw invalidField('query/before', 'must not be after the present month')
      }
      return store.archive(month, now)
    },

    /** Months that are archived, ascending, and the tables that have them. */
    archivedMonths: (): Promise<ArchivedMonth[]> => store.archivedMonths(),

    /**
     * Makes the rows and the sums of one month (`YYYY-MM`, by sale day) anew from the history of its orders, while the
     * report is read and goes on; answers how many rows it has. Throws `invalid_input`, `report_archived`, `report_busy`
     * when the whole report was rebuilt meanwhile.
     */
    async rebuildReportMonth(month: string, onProgress: (facts: number) => void = () => undefined): Promise<number> {
      checkMonth(month, 'month')
      return store.rebuildMonth(month, onProgress)
    },

    /** Makes the partitions that the report will need soon; answers how many. Repeat it now and then. */
    extendReport: (): Promise<number> => store.extend(clock.now()),
  }
}

const REST_MS = 3_600_000

/** Makes partitions ahead of time until closed; several processes may do it. */
export function startReportUpkeep(report: { extendReport(): Promise<number> }, logger: Logger): Closable {
  return startLoop({
    name: 'report partitions',
    logger,
    async step() {
      await report.extendReport()
      return REST_MS
    },
  })
}
