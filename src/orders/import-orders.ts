import { createHash } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { type CommandContext, DEFAULT_ACTOR } from '../core/command.ts'
import { hashToBucket, type IdMaker } from '../core/ids.ts'
import { startOfDay } from './business-day.ts'
import { bookingOf } from './decide.ts'
import { type BadRow, countRows, type ImportGroup, readGroups } from './import-file.ts'
import { loadOrderMapping, type OrderMapping } from './import-mapping.ts'
import type { ImportRow } from './import-row.ts'
import { evolve, type OrderEvent } from './order.ts'
import { createdDetails } from './placing.ts'
import type {
  Address,
  ImportedOrder,
  OrderHeader,
  OrderStore,
  Origin,
  PricedLine,
  Product,
  StoredAddress,
} from './ports.ts'

export interface ImportProgress {
  readonly rowsRead: number
  readonly rowsTotal: number
  readonly ordersImported: number
}

export interface ImportOptions {
  /** Name of a built-in mapping, a JSON file, or the mapping itself. */
  readonly map: string | OrderMapping
  readonly onProgress?: (progress: ImportProgress) => void
  /** Called for every row that was not taken over, as it is met. */
  readonly onBadRow?: (row: BadRow) => void
}

export interface OrdersImported {
  /** Rows of the file without its heading. */
  readonly rows: number
  readonly orders_imported: number
  readonly lines_imported: number
  /** Orders that were there already; they are left as they are. */
  readonly orders_known: number
  readonly rows_bad: number
}

interface ImporterDeps {
  readonly orders: OrderStore
  readonly ids: IdMaker
  readonly clock: Clock
  readonly timeZone: string
}

/** Orders of one batch; a batch is one statement per shard. */
const BATCH_ORDERS = 200
const ID_TRIES = 100

/** The same address of the same customer has the same id in every run. */
function addressIdOf(customerId: string, address: Address): string {
  const { city, region = '', postal_code: postalCode = '', country } = address
  const hash = createHash('sha256').update([customerId, city, region, postalCode, country].join('\n')).digest('hex')
  return `adr_${hash.slice(0, 24)}`
}

function addressOfRow(row: ImportRow): Address {
  return {
    city: row.city,
    ...(row.region === undefined ? {} : { region: row.region }),
    ...(row.postalCode === undefined ? {} : { postal_code: row.postalCode }),
    country: row.country,
  }
}

function pricedLine(row: ImportRow, index: number): PricedLine {
  const { productId, sku, productName, productCategory, quantity, price, discount, amount } = row
  return {
    lineNo: index + 1,
    productId,
    productVersion: 1,
    sku,
    productName,
    productCategory,
    quantity,
    price,
    discount,
    amount,
    tax: 0n,
  }
}

export function createImporter({ orders, ids, clock, timeZone }: ImporterDeps) {
  function importedOrder({ orderNumber, rows }: ImportGroup, currency: string, origin: Origin): ImportedOrder {
    const [first] = rows as [ImportRow]
    const shard = hashToBucket(orderNumber, orders.shards)
    const orderDateMs = startOfDay(first.day, timeZone)!
    const lines = rows.map(pricedLine)
    const subtotal = lines.reduce((sum, line) => sum + line.amount, 0n)
    const address = addressOfRow(first)
    const header: OrderHeader = {
      orderId: ids.next(shard, orderDateMs),
      orderNumber,
      customerId: first.customerId,
      customerName: first.customerName,
      orderDateMs,
      timeZone,
      businessDay: first.day,
      currency,
      subtotal,
      shippingTotal: 0n,
      taxTotal: 0n,
      totalPrice: subtotal,
      shippingAddressId: addressIdOf(first.customerId, address),
      shippingAddress: address,
      billing: undefined,
      metadata: {},
      origin: 'import',
    }
    const created = createdDetails(header, lines)
    const state = evolve(undefined, {
      type: 'ORDER_IMPORTED',
      details: { ...created, booked_day: first.day, ship_to: created.ship_to, legs: [] },
    })
    const event: OrderEvent = {
      type: 'ORDER_IMPORTED',
      details: { ...created, ...bookingOf(state, 'sale', first.day) },
    }
    const entry = { event, atMs: origin.atMs, actor: origin.actor, requestId: undefined }
    return { shard, header, lines, state, event: entry }
  }

  function catalogueOf(groups: readonly ImportGroup[], currency: string, atMs: number) {
    const products = new Map<string, Product>()
    const customers = new Map<string, { name: string }>()
    const addresses = new Map<string, StoredAddress>()
    for (const row of groups.flatMap((group) => group.rows)) {
      const { productId, sku, productName: name, productCategory: category, price, customerId } = row
      const times = { createdAtMs: atMs, updatedAtMs: atMs }
      if (!products.has(productId)) {
        products.set(productId, { productId, sku, name, category, price, currency, active: true, version: 1, ...times })
      }
      customers.set(customerId, { name: row.customerName })
      const address = addressOfRow(row)
      const addressId = addressIdOf(customerId, address)
      addresses.set(addressId, { ...address, addressId, customerId, createdAtMs: atMs })
    }
    return {
      products: [...products.values()],
      customers: [...customers].map(([customerId, { name }]) => ({
        customerId,
        name,
        email: undefined,
        version: 1,
        createdAtMs: atMs,
      })),
      addresses: [...addresses.values()],
    }
  }

  /** Stores a batch; an order whose id is taken by another one gets a new id. */
  async function store(groups: readonly ImportGroup[], currency: string, origin: Origin) {
    let waiting = groups
    const done = { imported: 0, lines: 0, known: 0 }
    for (let attempt = 0; waiting.length > 0; attempt++) {
      if (attempt === ID_TRIES) throw new Error('no free ids for imported orders')
      const outcomes = await orders.importOrders(waiting.map((group) => importedOrder(group, currency, origin)))
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome === 'known') done.known += 1
        if (outcome === 'imported') {
          done.imported += 1
          done.lines += waiting[index]!.rows.length
        }
      }
      waiting = waiting.filter((_, index) => outcomes[index] === 'id_taken')
    }
    return done
  }

  return {
    /**
     * Imports orders of the past from a CSV file, as paid and delivered, without any effect on stock; products,
     * customers and addresses are added where they are missing. Streams the file; a row that can't be taken over is
     * reported and does not stop it. Running it again changes nothing, and completes a run that was killed.
     * Throws `invalid_input` for a file or mapping that can't be used.
     */
    async importOrders(file: string, options: ImportOptions, context: CommandContext = {}): Promise<OrdersImported> {
      const mapping = typeof options.map === 'string' ? await loadOrderMapping(options.map) : options.map
      const { rows, byOrder } = await countRows(file, mapping)
      const result = { rows, orders_imported: 0, lines_imported: 0, orders_known: 0, rows_bad: 0 }
      const bad = (row: BadRow) => {
        result.rows_bad += 1
        options.onBadRow?.(row)
      }
      let batch: ImportGroup[] = []
      let rowsRead = 0

      async function flush(): Promise<void> {
        const origin: Origin = { actor: context.actor ?? DEFAULT_ACTOR, atMs: clock.now(), key: undefined }
        const products = await orders.importCatalogue(catalogueOf(batch, mapping.currency, origin.atMs), origin)
        const usable = batch.filter((group) => {
          const missing = group.rows.find((row) => !products.has(row.productId))
          if (missing === undefined) return true
          for (const row of group.rows) {
            bad({
              line: row.fileLine,
              reason: `the sku "${missing.sku}" belongs to another product than ${missing.productId}`,
            })
          }
          return false
        })
        const stored = await store(usable, mapping.currency, origin)
        result.orders_imported += stored.imported
        result.lines_imported += stored.lines
        result.orders_known += stored.known
        batch = []
        options.onProgress?.({ rowsRead, rowsTotal: rows, ordersImported: result.orders_imported })
      }

      for await (const group of readGroups(file, mapping, byOrder, bad)) {
        rowsRead += 1
        if (group !== undefined) batch.push(group)
        if (batch.length >= BATCH_ORDERS) await flush()
      }
      if (batch.length > 0) await flush()
      return result
    },
  }
}
