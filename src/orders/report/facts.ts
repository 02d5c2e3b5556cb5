import { sha256, sortedJson } from '../../core/canonical-json.ts'
import { decodeCursor, type Page, type PageRequest, pageLimit, pageOf } from '../../core/cursor.ts'
import { AppError } from '../../core/errors.ts'
import { parseId } from '../../core/ids.ts'
import { fromMinor } from '../../core/money.ts'
import { validator } from '../../core/schema.ts'
import type { ListedFact, SalesDay, SalesFactKey, SalesReportStore } from '../ports.ts'
import { isDay } from './calendar.ts'
import { checkDays, filtersOf } from './filters.ts'
import { type SalesFactDocument, SalesFactsQuery } from './schemas.ts'

const checkQuery = validator(SalesFactsQuery, 'query')

const dayOfFact = (fact: ListedFact, dayOf: SalesDay) => (dayOf === 'sale_day' ? fact.saleDay : fact.bookedDay)

function factDocument(fact: ListedFact, dayOf: SalesDay): SalesFactDocument {
  const { shippingRegion, recordedAtMs } = fact
  return {
    day: dayOfFact(fact, dayOf),
    sale_day: fact.saleDay,
    booked_day: fact.bookedDay,
    order_id: String(fact.orderId),
    event_no: fact.eventNo,
    line_no: fact.lineNo,
    leg: fact.leg,
    kind: fact.kind,
    product_id: fact.productId,
    product_name: fact.productName,
    product_category: fact.productCategory,
    quantity: fact.quantity,
    amount: fromMinor(fact.price),
    tax: fromMinor(fact.tax),
    currency: fact.currency,
    shipping_country: fact.shippingCountry,
    ...(shippingRegion === undefined ? {} : { shipping_region: shippingRegion }),
    shipping_city: fact.shippingCity,
    order_date: new Date(fact.orderDateMs).toISOString(),
    ...(recordedAtMs === undefined ? {} : { recorded_at: new Date(recordedAtMs).toISOString() }),
  }
}

function keyOf([day = '', id = '', ...numbers]: readonly string[]): SalesFactKey {
  const orderId = parseId(id)
  const [eventNo = 0, lineNo = 0, leg = 0] = numbers.map(Number)
  const isKey = isDay(day) && orderId !== undefined && [eventNo, lineNo, leg].every(isCount)
  if (!isKey) throw new AppError('invalid_cursor')
  return { day, orderId, eventNo, lineNo, leg }
}

const COUNT_MAX = 2 ** 31 - 1
const isCount = (number: number) => Number.isInteger(number) && number >= 0 && number <= COUNT_MAX

export function createSalesFacts({ store }: { store: Pick<SalesReportStore, 'factPage'> }) {
  return {
    /**
     * The facts behind a figure of the sales report, by the same filters, the last day first: their amounts, taxes and
     * quantities add up to it. Throws `invalid_input`, `invalid_cursor`, and `report_archived` when some of them were
     * archived.
     */
    async salesFacts(input: SalesFactsQuery = {}, page: PageRequest = {}): Promise<Page<SalesFactDocument>> {
      const request = checkQuery(input)
      checkDays(request)
      const query = filtersOf(request)
      const digest = Buffer.from(sha256(sortedJson(request))).toString('base64url')
      const list = `facts ${digest.slice(0, 16)}`
      const limit = pageLimit(page.limit)
      const key = decodeCursor(list, 5, page.cursor)
      const rows = await store.factPage(query, key && keyOf(key), limit + 1)
      const { dayOf } = query
      return pageOf(
        list,
        rows,
        limit,
        (fact) => [dayOfFact(fact, dayOf), fact.orderId, ...[fact.eventNo, fact.lineNo, fact.leg].map(String)],
        (fact) => factDocument(fact, dayOf),
      )
    },
  }
}
