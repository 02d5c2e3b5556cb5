import { sha256, sortedJson } from '../../core/canonical-json.ts'
import { decodeCursor, type Page, type PageRequest, pageLimit, pageOf } from '../../core/cursor.ts'
import { AppError, invalidField } from '../../core/errors.ts'
import { shardOfPrefixedId } from '../../core/ids.ts'
import { validator } from '../../core/schema.ts'
import type { PaymentFilter, PaymentViews } from '../ports/views.ts'
import { toSummary } from './documents.ts'
import { ListPayments, type PaymentSummary } from './list-schemas.ts'

export interface PaymentLists {
  /** Payments, newest first, for which all filters hold; a moment behind the log. `invalid_input`, `invalid_cursor`. */
  list(filter?: ListPayments, page?: PageRequest): Promise<Page<PaymentSummary>>
}

const checkList = validator(ListPayments, 'query')
const DAY_MS = 86_400_000

/** A day (UTC) or a time as a moment; of a day its start, or with `end` that of the next. */
function momentOf(text: string | undefined, field: string, end = false): number | undefined {
  if (text === undefined) return undefined
  const at = Date.parse(text)
  const isDay = text.length === 10
  if (Number.isNaN(at) || (isDay && new Date(at).toISOString().slice(0, 10) !== text)) {
    throw invalidField(`query/${field}`, `"${text}" is no day or time of the calendar`)
  }
  return isDay && end ? at + DAY_MS : at
}

function filterOf({ status, ...request }: ListPayments): PaymentFilter {
  const waiting = status === 'review' || status === 'needs_response' ? status : undefined
  return {
    ...(waiting === undefined ? { status: status as PaymentFilter['status'] } : { waiting }),
    customerId: request.customer_id,
    orderId: request.order_id,
    processor: request.processor,
    fromMs: momentOf(request.created_from, 'created_from'),
    beforeMs: momentOf(request.created_to, 'created_to', true),
    named: request.q,
  }
}

export function createPaymentLists({ views }: { readonly views: Pick<PaymentViews, 'list'> }): PaymentLists {
  return {
    async list(filter = {}, page = {}) {
      const request = checkList(filter)
      const digest = Buffer.from(sha256(sortedJson(request))).toString('base64url')
      const list = `payments ${digest.slice(0, 16)}`
      const limit = pageLimit(page.limit)
      const [before] = decodeCursor(list, 1, page.cursor) ?? []
      if (before !== undefined && shardOfPrefixedId('pi', before) === undefined) throw new AppError('invalid_cursor')
      const rows = await views.list(filterOf(request), before, limit + 1)
      return pageOf(list, rows, limit, (row) => [row.paymentIntentId], toSummary)
    },
  }
}
