import type { Clock } from '../core/clock.ts'
import type { CommandContext } from '../core/command.ts'
import { cursorNumber, decodeCursor, type Page, type PageRequest, pageLimit, pageOf } from '../core/cursor.ts'
import { AppError, invalidField, isAppError } from '../core/errors.ts'
import type { IdMaker } from '../core/ids.ts'
import { createCatalogue } from './catalogue/catalogue.ts'
import { createCustomers } from './catalogue/customers.ts'
import { createStock } from './catalogue/stock.ts'
import { createOrderChecker } from './check.ts'
import { createExporter } from './export/export.ts'
import { createCustomerImporter } from './import/import-customers.ts'
import { createOrderImporter } from './import/import-orders.ts'
import { createProductImporter } from './import/import-products.ts'
import { orderActions } from './lifecycle/actions.ts'
import { orderIdOf, readOrder } from './lifecycle/change.ts'
import { historyDocument, orderDocument } from './lifecycle/documents.ts'
import { createLifecycle } from './lifecycle/lifecycle.ts'
import { checkVersion, orderAsOf, parseAsOf } from './lifecycle/past.ts'
import { createOrderLists } from './lists/lists.ts'
import { businessDay } from './model/business-day.ts'
import { createPlacing } from './placing/placing.ts'
import { createSources } from './placing/sources.ts'
import type { OrderPorts } from './ports.ts'
import { createSalesReport } from './report/report.ts'
import type { HistoryDocument, OrderDocument, PlaceOrder } from './schemas.ts'
import { createVerifier } from './verify.ts'

export interface OrdersDeps {
  readonly ports: OrderPorts
  readonly ids: IdMaker
  readonly clock: Clock
  /** IANA name of the store's time zone; decides to which day a sale belongs. Default UTC. */
  readonly timeZone?: string
}

export interface GetOrder {
  readonly asOf?: string | undefined
  readonly version?: number | undefined
  readonly actions?: boolean | undefined
}

/**
 * Orders: catalogue with price history and stock, customers, the life of an order, and the sales report.
 * Documents are those of the HTTP API; amounts are integers in minor units.
 */
export function createOrders({ ports, ids, clock, timeZone = 'UTC' }: OrdersDeps) {
  const { orders, catalogue, customers, stock, imports, report } = ports
  const products = createCatalogue({ store: catalogue, clock })
  const sources = createSources(ports, clock)
  const placeOrder = createPlacing({ orders, stock, sources, ids, clock, timeZone })
  const lifecycle = createLifecycle({ orders, customers, sources, clock, timeZone })

  /** What costs nothing is paid at once. When this is cut short, the flow of payments does the same. */
  async function settled(order: OrderDocument, { actor, requestId }: CommandContext): Promise<OrderDocument> {
    const who = { ...(actor === undefined ? {} : { actor }), ...(requestId === undefined ? {} : { requestId }) }
    try {
      return await lifecycle.settle(order.order_id, { ...who, idempotencyKey: `settle:${order.order_id}` })
    } catch (error) {
      // It has gone on meanwhile, e.g. was cancelled.
      if (isAppError(error, 'illegal_transition')) return order
      throw error
    }
  }

  return {
    ...products,
    ...createStock({ stock, orders, sources, ids, clock }),
    ...createCustomers({ store: customers, clock }),
    ...lifecycle,
    /**
     * Places an order: today's prices and the address are copied into it, its units are reserved, all in one
     * transaction. One that costs nothing is PAID at once. Amounts in minor units. Repeatable by `idempotencyKey`; a
     * refused order leaves the key unused.
     * Throws `invalid_input`, `unknown_currency`, `customer_not_found`, `address_not_found`, `product_not_found`,
     * `product_inactive`, `location_not_found`, `reservation_not_found`, `reservation_gone`, `currency_mismatch`,
     * `price_changed` (with `expected_total`, `actual_total`), `insufficient_stock` (with `product_id`, `requested`,
     * `available`), `idempotency_key_reused`, `write_contention`, `overloaded`.
     */
    async place(input: PlaceOrder, context: CommandContext = {}): Promise<OrderDocument> {
      const order = await placeOrder(input, context)
      return order.total_price === 0 ? settled(order, context) : order
    },
    ...createSalesReport({ store: report, clock }),
    ...createVerifier(ports),
    ...createOrderChecker({ ports, clock }),
    ...createOrderLists({ orders, timeZone }),
    ...createOrderImporter({ imports, shards: orders.shards, ids, clock, timeZone }),
    ...createProductImporter({ ports, clock, changeProduct: products.changeProduct }),
    ...createCustomerImporter({ imports, clock }),
    ...createExporter({ ports, timeZone }),

    /**
     * An order as it is, or as it was: `asOf` is a version or a time (RFC 3339), `version` the number of an entry of its
     * history; what it was then is replayed from that. With `actions` an order as it is tells what may be done with it.
     * Throws `order_not_found` (also for a moment before it was made), `invalid_input` (also for a version it never had).
     */
    async get(id: string, { asOf, version, actions = false }: GetOrder = {}): Promise<OrderDocument> {
      const orderId = orderIdOf(id)
      if (asOf !== undefined && version !== undefined) throw invalidField('query/version', 'must not come with as_of')
      const moment = asOf === undefined ? undefined : parseAsOf(asOf)
      const order = await readOrder(orders, orderId)
      const wanted = version === undefined ? moment : checkVersion(version, order.state.version)
      if (wanted !== undefined) return orderDocument(await orderAsOf(orders, order, wanted))
      const document = orderDocument(order)
      return actions
        ? { ...document, actions: orderActions(order.state, businessDay(clock.now(), timeZone)) }
        : document
    },

    /** What happened to an order, from its making on. Throws `order_not_found`, `invalid_cursor`. */
    async history(id: string, page: PageRequest = {}): Promise<Page<HistoryDocument>> {
      const orderId = orderIdOf(id)
      const list = `history ${id}`
      const limit = pageLimit(page.limit)
      const after = cursorNumber(decodeCursor(list, 1, page.cursor)?.[0] ?? '0')
      const rows = await orders.history(orderId, after, limit + 1)
      if (rows.length === 0 && after === 0) throw new AppError('order_not_found', `No order ${id}`)
      return pageOf(list, rows, limit, (entry) => [String(entry.version)], historyDocument)
    },
  }
}

export type Orders = ReturnType<typeof createOrders>
