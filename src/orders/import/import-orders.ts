import type { Clock } from '../../core/clock.ts'
import { type CommandContext, DEFAULT_ACTOR } from '../../core/command.ts'
import {
  type BadRow,
  formatOf,
  type ImportFormat,
  type OnBadRow,
  readRows,
  type SourceOptions,
} from '../../core/file-rows.ts'
import { hashToBucket, type IdMaker } from '../../core/ids.ts'
import { historyHash } from '../model/chain.ts'
import { saleOf } from '../model/decision.ts'
import type { OrderEvent } from '../model/events.ts'
import { evolve } from '../model/order.ts'
import { createdDetails, placeOf } from '../placing/placing.ts'
import {
  type ImportedCustomer,
  type ImportedOrder,
  type ImportedProduct,
  MAIN_LOCATION,
  type OrderHeader,
  type OrderImportStore,
  type Origin,
  type StoredAddress,
} from '../ports.ts'
import { allBad, type OrderDraft } from './draft.ts'
import { countRows, type RowGroup, readGroups } from './groups.ts'
import { createInFlight } from './in-flight.ts'
import { createMappedReader } from './mapped.ts'
import { loadOrderMapping, type OrderMapping } from './mapping.ts'
import { createNativeReader, REQUIRED_COLUMNS } from './native.ts'

export interface ImportProgress {
  readonly rowsRead: number
  /** Unknown of JSON Lines with an order a line, which are read once. */
  readonly rowsTotal: number | undefined
  readonly ordersImported: number
}

export interface ImportOptions {
  /** Name of a built-in mapping, a JSON file, or the mapping itself. Left out: the columns are those of our own export. */
  readonly map?: string | OrderMapping | undefined
  /** By the end of the file's name unless given: `.csv`, else JSON Lines. */
  readonly format?: ImportFormat | undefined
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined
  /** Called for every row that was not taken over, as it is met. */
  readonly onBadRow?: OnBadRow | undefined
}

/** `rows = lines_imported + lines_known + rows_bad`, or orders where each row is one. */
export interface OrdersImported {
  /** Rows of the file without its heading. */
  readonly rows: number
  readonly orders_imported: number
  readonly lines_imported: number
  /** Orders that were there already, and their lines; they are left as they are. */
  readonly orders_known: number
  readonly lines_known: number
  readonly rows_bad: number
}

export interface ImporterDeps {
  readonly imports: OrderImportStore
  /** Shards of the log of orders. */
  readonly shards: number
  readonly ids: IdMaker
  readonly clock: Clock
  readonly timeZone: string
}

/** Orders of one batch; a batch is one statement per shard. Larger ones cost more in garbage than they save in trips. */
const BATCH_ORDERS = 400
const BATCH_LINES = 2_000
/** So that one is made ready while others are stored. */
const BATCHES_IN_FLIGHT = 2
const ID_TRIES = 100
/** Products and customers that are remembered as stored, each. */
const REMEMBERED = 100_000

function importedOrder(draft: OrderDraft, { shards, ids }: ImporterDeps, origin: Origin): ImportedOrder {
  const { currency, shipping, totalPrice, lines, newAddress, rows, ...told } = draft
  const shard = hashToBucket(draft.orderNumber, shards)
  const header: OrderHeader = { ...told, orderId: ids.next(shard, draft.orderDateMs), origin: 'import' }
  const created = createdDetails({ header, currency, lines, shipping, totalPrice })
  const unbooked = { booked_day: draft.businessDay, ship_to: placeOf(draft.shippingAddress), legs: [] }
  const state = evolve(undefined, { type: 'ORDER_IMPORTED', details: { ...created, ...unbooked } })
  const event: OrderEvent = { type: 'ORDER_IMPORTED', details: { ...created, ...saleOf(state, draft.businessDay) } }
  const entry = { event, atMs: origin.atMs, actor: origin.actor, requestId: undefined }
  const hash = historyHash({ ...entry, orderId: header.orderId, version: 1 })
  return { shard, header, lines, state, event: { ...entry, hash } }
}

/** Products, customers and addresses of orders; what was stored before in this run is not sent again. */
function createCatalogueImporter(imports: OrderImportStore) {
  /** Product -> whether it is there; else its sku belongs to another. */
  const products = new Map<string, boolean>()
  const customers = new Set<string>()

  async function storeProducts(drafts: readonly OrderDraft[], origin: Origin): Promise<void> {
    if (products.size > REMEMBERED) products.clear()
    const fresh = new Map<string, ImportedProduct>()
    for (const { lines, currency } of drafts) {
      for (const { productId, sku, productName: name, productCategory: category, price } of lines) {
        if (products.has(productId) || fresh.has(productId)) continue
        const times = { createdAtMs: origin.atMs, updatedAtMs: origin.atMs }
        const product = { productId, sku, name, category, price, currency, prices: {}, active: true, version: 1 }
        fresh.set(productId, { product: { ...product, ...times }, stock: new Map([[MAIN_LOCATION, 0]]) })
      }
    }
    if (fresh.size === 0) return
    const outcomes = await imports.importProducts([...fresh.values()], origin)
    for (const [index, productId] of [...fresh.keys()].entries()) {
      products.set(productId, outcomes[index] !== 'sku_taken')
    }
  }

  async function storeCustomers(drafts: readonly OrderDraft[], origin: Origin): Promise<void> {
    if (customers.size > REMEMBERED) customers.clear()
    const fresh = new Map<string, { customer: ImportedCustomer['customer']; addresses: Map<string, StoredAddress> }>()
    const seen: string[] = []
    for (const { customerId, customerName: name, shippingAddressId, newAddress } of drafts) {
      const key = `${customerId}\n${newAddress === undefined ? '' : shippingAddressId}`
      if (customers.has(key)) continue
      seen.push(key)
      const customer = { customerId, name, email: undefined, guest: false, version: 1, createdAtMs: origin.atMs }
      const known = fresh.get(customerId) ?? { customer, addresses: new Map() }
      fresh.set(customerId, known)
      if (newAddress === undefined || shippingAddressId === undefined) continue
      const address = { ...newAddress, addressId: shippingAddressId, customerId, createdAtMs: origin.atMs }
      known.addresses.set(shippingAddressId, address)
    }
    if (fresh.size === 0) return
    const list = [...fresh.values()].map(({ customer, addresses }) => ({
      customer,
      addresses: [...addresses.values()],
    }))
    await imports.importCustomers(list, { update: false })
    for (const key of seen) customers.add(key)
  }

  return {
    /** The drafts that can be stored now; the others have a product whose sku is taken. */
    async store(drafts: readonly OrderDraft[], origin: Origin, onBadRow: OnBadRow): Promise<OrderDraft[]> {
      await storeProducts(drafts, origin)
      const usable = drafts.filter(({ lines, rows }) => {
        const taken = lines.find((line) => products.get(line.productId) === false)
        if (taken === undefined) return true
        const reason = `the sku "${taken.sku}" belongs to another product than ${taken.productId}`
        for (const row of allBad(rows, reason)) onBadRow(row)
        return false
      })
      await storeCustomers(usable, origin)
      return usable
    },
  }
}

export function createOrderImporter(deps: ImporterDeps) {
  const { imports, shards, clock, timeZone } = deps

  /** Orders of the file, some at a time, each read or refused; the last number is that of the rows read. */
  async function* draftsOf(
    file: string,
    { map, format }: ImportOptions,
    onBadRow: OnBadRow,
  ): AsyncGenerator<{ drafts: OrderDraft[]; rowsRead: number; rowsTotal: number | undefined }> {
    const mapping = typeof map === 'string' ? await loadOrderMapping(map) : map
    const accept = (results: readonly (OrderDraft | BadRow[])[]) =>
      results.filter((result): result is OrderDraft => {
        if (!Array.isArray(result)) return true
        for (const row of result) onBadRow(row)
        return false
      })

    if (mapping === undefined && formatOf(file, format) === 'jsonl') {
      const read = createNativeReader(timeZone)
      for await (const { rows, rowsRead } of readRows(file, { format, columns: [] }, onBadRow)) {
        yield {
          drafts: accept(rows.map((row) => read({ rows: [row] }, row.members))),
          rowsRead,
          rowsTotal: undefined,
        }
      }
      return
    }
    const source: SourceOptions =
      mapping === undefined
        ? { format, columns: REQUIRED_COLUMNS }
        : { format, encoding: mapping.encoding, delimiter: mapping.delimiter, columns: Object.values(mapping.columns) }
    const read: (group: RowGroup) => OrderDraft | BadRow[] =
      mapping === undefined ? createNativeReader(timeZone) : createMappedReader(mapping, timeZone)
    const numberColumn = mapping?.columns.order_number ?? 'order_number'
    const counts = await countRows(file, source, numberColumn)
    for await (const { groups, rowsRead } of readGroups(file, source, numberColumn, counts, onBadRow)) {
      yield { drafts: accept(groups.map((group) => read(group))), rowsRead, rowsTotal: counts.rows }
    }
  }

  return {
    /**
     * Imports orders of the past from CSV or JSON Lines, as paid and delivered, without any effect on stock; products,
     * customers and addresses are added where they are missing. Streams the file in bounded memory; a row that can't be
     * taken over is reported and does not stop it. Running it again changes nothing, and completes a run that was
     * killed: what is there is passed over. Throws `invalid_input` for a file or mapping that can't be used.
     */
    async importOrders(
      file: string,
      options: ImportOptions = {},
      context: CommandContext = {},
    ): Promise<OrdersImported> {
      const result = { rows: 0, orders_imported: 0, lines_imported: 0, orders_known: 0, lines_known: 0, rows_bad: 0 }
      const catalogue = createCatalogueImporter(imports)
      const inFlight = createInFlight(BATCHES_IN_FLIGHT)
      const bad: OnBadRow = (row) => {
        result.rows_bad += 1
        options.onBadRow?.(row)
      }
      const known = (drafts: readonly OrderDraft[]) => {
        result.orders_known += drafts.length
        result.lines_known += drafts.reduce((sum, draft) => sum + draft.rows.length, 0)
      }

      /** Stores a batch; an order whose id is taken by another one gets a new id. */
      async function store(batch: readonly OrderDraft[]): Promise<void> {
        const origin: Origin = { actor: context.actor ?? DEFAULT_ACTOR, atMs: clock.now(), key: undefined }
        const numbers = batch.map(({ orderNumber }) => ({ orderNumber, shard: hashToBucket(orderNumber, shards) }))
        const there = await imports.knownOrders(numbers)
        const fresh: OrderDraft[] = []
        for (const draft of batch) {
          if (there.has(draft.orderNumber)) known([draft])
          else fresh.push(draft)
          // A file may name an order twice.
          there.add(draft.orderNumber)
        }
        let waiting = await catalogue.store(fresh, origin, bad)
        for (let attempt = 0; waiting.length > 0; attempt++) {
          if (attempt === ID_TRIES) throw new Error('no free ids for imported orders')
          const outcomes = await imports.importOrders(waiting.map((draft) => importedOrder(draft, deps, origin)))
          known(waiting.filter((_, index) => outcomes[index] === 'known'))
          const imported = waiting.filter((_, index) => outcomes[index] === 'imported')
          result.orders_imported += imported.length
          result.lines_imported += imported.reduce((sum, draft) => sum + draft.rows.length, 0)
          waiting = waiting.filter((_, index) => outcomes[index] === 'id_taken')
        }
      }

      let batch: OrderDraft[] = []
      let lines = 0
      for await (const { drafts, rowsRead, rowsTotal } of draftsOf(file, options, bad)) {
        result.rows = rowsRead
        for (const draft of drafts) {
          batch.push(draft)
          lines += draft.lines.length
          if (batch.length < BATCH_ORDERS && lines < BATCH_LINES) continue
          const full = batch
          batch = []
          lines = 0
          await inFlight.add(() => store(full))
        }
        options.onProgress?.({ rowsRead, rowsTotal, ordersImported: result.orders_imported })
      }
      if (batch.length > 0) await inFlight.add(() => store(batch))
      await inFlight.end()
      options.onProgress?.({ rowsRead: result.rows, rowsTotal: result.rows, ordersImported: result.orders_imported })
      return result
    },
  }
}
