import { sha256, sortedJson } from '../../core/canonical-json.ts'
import { decodeIdCursor, type Page, type PageRequest, pageLimit, pageOf } from '../../core/cursor.ts'
import { invalidField } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { validator } from '../../core/schema.ts'
import { orderDocument } from '../lifecycle/documents.ts'
import type { OrderDocument } from '../lifecycle/schemas.ts'
import { startOfDay } from '../model/business-day.ts'
import type { OrderFilter, OrderStore } from '../ports.ts'
import { addDays } from '../report/calendar.ts'
import { ListOrders } from './schemas.ts'
import { searchedWords } from './search.ts'

const checkList = validator(ListOrders, 'query')

/** A day of the store, or a time, as a moment; of a day its start, or with `end` that of the next. */
export function momentOf(text: string, timeZone: string, field: string, end = false): number {
  const isDay = !text.includes('T')
  const at = isDay ? startOfDay(text, timeZone) : Date.parse(text)
  if (at === undefined || Number.isNaN(at)) throw invalidField(field, `"${text}" is no day or time of the calendar`)
  return isDay && end ? startOfDay(addDays(text, 1), timeZone)! : at
}

function wordsIn(query: string): string[] {
  const words = searchedWords(query)
  if (words.length === 0) throw invalidField('query/q', 'must hold a letter or a digit')
  if (words.length > LIMITS.searchWordsMax) {
    throw invalidField('query/q', `must hold at most ${LIMITS.searchWordsMax} words`)
  }
  return words
}

function filterOf(request: ListOrders, timeZone: string): OrderFilter {
  const { placed_from: from, placed_to: to, q } = request
  return {
    customerId: request.customer_id,
    status: request.status,
    paymentStatus: request.payment_status,
    fulfillmentStatus: request.fulfillment_status,
    orderNumber: request.number,
    fromMs: from === undefined ? undefined : momentOf(from, timeZone, 'query/placed_from'),
    beforeMs: to === undefined ? undefined : momentOf(to, timeZone, 'query/placed_to', true),
    words: q === undefined ? undefined : wordsIn(q),
  }
}

export function createOrderLists({ orders, timeZone }: { orders: OrderStore; timeZone: string }) {
  return {
    /**
     * Orders, newest first, for which all filters hold. The words of `q` are found a moment after the order was placed or
     * changed: they are a read model of their own. Throws `invalid_input`, `invalid_cursor`.
     */
    async list(filter: ListOrders = {}, page: PageRequest = {}): Promise<Page<OrderDocument>> {
      const request = checkList(filter)
      const list = `orders ${Buffer.from(sha256(sortedJson(request)))
        .toString('base64url')
        .slice(0, 16)}`
      const limit = pageLimit(page.limit)
      const before = decodeIdCursor(list, page.cursor)
      const rows = await orders.list(filterOf(request, timeZone), before, limit + 1)
      return pageOf(list, rows, limit, (order) => [order.orderId], orderDocument)
    },
  }
}
