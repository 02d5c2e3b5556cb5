import type { Clock } from '../core/clock.ts'
import { decodeCursor, decodeIdCursor, type Page, type PageRequest, pageLimit, pageOf } from '../core/cursor.ts'
import { AppError, invalidField } from '../core/errors.ts'
import type { IdMaker } from '../core/ids.ts'
import { validator } from '../core/schema.ts'
import { createCatalogue } from './catalogue.ts'
import { createCustomers } from './customers.ts'
import { historyDocument, orderDocument } from './documents.ts'
import { createImporter } from './import-orders.ts'
import { createLifecycle, orderIdOf, readOrder } from './lifecycle.ts'
import { evolve, type OrderState } from './order.ts'
import { createPlacing } from './placing.ts'
import type { OrderPorts, OrderStore } from './ports.ts'
import { createSalesReport } from './report.ts'
import { type HistoryDocument, ListOrders, type OrderDocument } from './schemas.ts'
import { createVerifier } from './verify.ts'

const checkList = validator(ListOrders, 'query')

export interface OrdersDeps {
  readonly ports: OrderPorts
  readonly ids: IdMaker
  readonly clock: Clock
  /** IANA name of the store's time zone; decides to which day a sale belongs. Default UTC. */
  readonly timeZone?: string
}

const HISTORY_PAGE = 500

/** The last state that a history had at a version or a moment. */
async function stateAsOf(
  store: OrderStore,
  orderId: bigint,
  asOf: { version: number } | { atMs: number },
): Promise<{ state: OrderState; atMs: number } | undefined> {
  let found: { state: OrderState; atMs: number } | undefined
  for (;;) {
    const page = await store.history(orderId, found?.state.version ?? 0, HISTORY_PAGE)
    for (const entry of page) {
      const wanted = 'version' in asOf ? entry.version <= asOf.version : entry.atMs <= asOf.atMs
      if (!wanted) return found
      found = { state: evolve(found?.state, entry.event), atMs: entry.atMs }
    }
    if (page.length < HISTORY_PAGE) return found
  }
}

function parseAsOf(text: string): { version: number } | { atMs: number } {
  if (/^[1-9]\d{0,8}$/.test(text)) return { version: Number(text) }
  const atMs = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(atMs)) throw invalidField('query/as_of', 'must be a version or a time such as 2026-03-01T09:30:00Z')
  return { atMs }
}

/**
 * Orders: catalogue with price history and stock, customers, the life of an order, and the sales report.
 * Documents are those of the HTTP API; amounts are integers in minor units.
 */
export function createOrders({ ports, ids, clock, timeZone = 'UTC' }: OrdersDeps) {
  const { orders, catalogue, customers, report } = ports

  return {
    ...createCatalogue({ store: catalogue, clock }),
    ...createCustomers({ store: customers, clock }),
    place: createPlacing({ orders, catalogue, customers, ids, clock, timeZone }),
    ...createLifecycle({ orders, clock, timeZone }),
    ...createSalesReport({ store: report, clock }),
    ...createVerifier(ports),
    ...createImporter({ orders, ids, clock, timeZone }),

    /**
     * An order as it is, or as it was: `asOf` is a version or a time (RFC 3339); what it was then is replayed from its
     * history. Throws `order_not_found` (also for a moment before it was made), `invalid_input`.
     */
    async get(id: string, options: { asOf?: string | undefined } = {}): Promise<OrderDocument> {
      const orderId = orderIdOf(id)
      const asOf = options.asOf === undefined ? undefined : parseAsOf(options.asOf)
      const order = await readOrder(orders, orderId)
      if (asOf === undefined) return orderDocument(order)
      const past = await stateAsOf(orders, orderId, asOf)
      if (past === undefined) throw new AppError('order_not_found', `Order ${id} was not there yet`)
      return orderDocument(order, past.state, past.atMs)
    },

    /** Orders, newest first, of one customer or in one status if given. Throws `invalid_input`, `invalid_cursor`. */
    async list(filter: ListOrders = {}, page: PageRequest = {}): Promise<Page<OrderDocument>> {
      const { customer_id: customerId, status } = checkList(filter)
      const list = `orders ${customerId ?? ''} ${status ?? ''}`
      const limit = pageLimit(page.limit)
      const before = decodeIdCursor(list, page.cursor)
      const rows = await orders.list({ customerId, status }, before, limit + 1)
      return pageOf(
        list,
        rows,
        limit,
        (order) => [order.orderId],
        (order) => orderDocument(order),
      )
    },

    /** What happened to an order, from its making on. Throws `order_not_found`, `invalid_cursor`. */
    async history(id: string, page: PageRequest = {}): Promise<Page<HistoryDocument>> {
      const orderId = orderIdOf(id)
      const list = `history ${id}`
      const limit = pageLimit(page.limit)
      const after = Number(decodeCursor(list, 1, page.cursor)?.[0] ?? 0)
      if (!Number.isSafeInteger(after)) throw new AppError('invalid_cursor')
      const rows = await orders.history(orderId, after, limit + 1)
      if (rows.length === 0 && after === 0) throw new AppError('order_not_found', `No order ${id}`)
      return pageOf(list, rows, limit, (entry) => [String(entry.version)], historyDocument)
    },
  }
}

export type Orders = ReturnType<typeof createOrders>
