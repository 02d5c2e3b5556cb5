import type { Clock } from '../../core/clock.ts'
import { type CommandContext, DEFAULT_ACTOR } from '../../core/command.ts'
import { AppError, isAppError } from '../../core/errors.ts'
import type { FileRow } from '../../core/file-rows.ts'
import { fromMinor, isCurrency } from '../../core/money.ts'
import { validator } from '../../core/schema.ts'
import type { ChangeProduct, ProductDocument } from '../catalogue/schemas.ts'
import { PRODUCT_COLUMNS } from '../export/columns.ts'
import { type CatalogueStore, type ImportedProduct, MAIN_LOCATION, type OrderPorts, type Product } from '../ports.ts'
import { documentsOf, type TableImportOptions } from './documents.ts'
import { ImportedProductDocument } from './schemas.ts'

export interface ProductsImported {
  readonly rows: number
  readonly products_added: number
  readonly products_changed: number
  /** Those that were there already, and stay as they are. */
  readonly products_known: number
  readonly rows_bad: number
}

interface ProductImporterDeps {
  readonly ports: Pick<OrderPorts, 'imports' | 'catalogue' | 'stock'>
  readonly clock: Clock
  /** The command of the catalogue, so that a change by a file obeys its rules. */
  readonly changeProduct: (id: string, change: ChangeProduct, context: CommandContext) => Promise<ProductDocument>
}

interface Read {
  readonly row: FileRow
  readonly imported: ImportedProduct
  /** Whether the file says how many units there are. */
  readonly hasStock: boolean
}

const refusal = (reason: string) => new AppError('invalid_input', reason)
const check = validator(ImportedProductDocument)
const REQUIRED = ['product_id', 'name', 'category', 'price', 'currency']
const COLUMNS = { ...PRODUCT_COLUMNS, location_id: 'text' } as const

function importedProduct(row: ImportedProductDocument, atMs: number): Omit<Read, 'row'> | string {
  const { product_id: productId, sku = productId, name, category, price, currency, active = true, stock } = row
  const prices = Object.entries(row.prices ?? {})
  const unknown = [currency, ...prices.map(([code]) => code)].find((code) => !isCurrency(code))
  if (unknown !== undefined) return `"${unknown}" is no currency that is known`
  if (prices.some(([code]) => code === currency)) return `prices names ${currency}, which is the currency itself`
  const product: Product = {
    ...{ productId, sku, name, category, price: BigInt(price), currency, active, version: 1 },
    prices: Object.fromEntries(prices.map(([code, amount]) => [code, BigInt(amount)])),
    ...{ createdAtMs: atMs, updatedAtMs: atMs },
  }
  const here = row.location_id ?? MAIN_LOCATION
  const levels: [string, number][] = typeof stock === 'object' ? Object.entries(stock) : [[here, stock ?? 0]]
  return { imported: { product, stock: new Map(levels) }, hasStock: stock !== undefined }
}

/** What the file says differently; `undefined` when nothing. */
function changeTo(before: Product, { sku, name, category, price, prices, active }: Product): ChangeProduct | undefined {
  const codes = [...new Set([...Object.keys(before.prices), ...Object.keys(prices)])]
  const differing = codes.filter((code) => before.prices[code] !== prices[code])
  const change: ChangeProduct = {
    ...(sku === before.sku ? {} : { sku }),
    ...(name === before.name ? {} : { name }),
    ...(category === before.category ? {} : { category }),
    ...(price === before.price ? {} : { price: fromMinor(price) }),
    ...(active === before.active ? {} : { active }),
    ...(differing.length === 0
      ? {}
      : {
          prices: Object.fromEntries(
            differing.map((code) => [code, prices[code] === undefined ? null : fromMinor(prices[code])]),
          ),
        }),
  }
  return Object.keys(change).length === 0 ? undefined : change
}

export function createProductImporter({
  ports: { imports, catalogue, stock },
  clock,
  changeProduct,
}: ProductImporterDeps) {
  return {
    /**
     * Adds the products of a CSV or JSON Lines file, with their stock. Those that are known by their id stay as they
     * are, or become what the file says with `update`. Repeatable. Throws `invalid_input` for a file that can't be used.
     */
    async importProducts(
      file: string,
      options: TableImportOptions = {},
      context: CommandContext = {},
    ): Promise<ProductsImported> {
      const result = { rows: 0, products_added: 0, products_changed: 0, products_known: 0, rows_bad: 0 }
      const locations = new Set((await stock.locations()).map((location) => location.locationId))
      const refuse = (row: FileRow, reason: string) => {
        result.rows_bad += 1
        options.onBadRow?.({ line: row.line, reason, row: row.raw })
      }

      /** One known product, changed where the file says so; answers whether it was. */
      async function update(
        { imported: { product, stock: levels }, hasStock }: Read,
        before: Product,
      ): Promise<boolean> {
        if (before.currency !== product.currency)
          throw refusal(`the currency of a product can't become ${product.currency}`)
        const change = changeTo(before, product)
        if (change !== undefined)
          await changeProduct(product.productId, change, { actor: context.actor ?? DEFAULT_ACTOR })
        let changed = change !== undefined
        if (!hasStock) return changed
        const there = new Map(
          (await stock.levels([product.productId])).map((level) => [level.locationId, level.onHand]),
        )
        for (const [locationId, onHand] of levels) {
          if ((there.get(locationId) ?? 0) === onHand) continue
          const origin = { actor: context.actor ?? DEFAULT_ACTOR, atMs: clock.now(), key: undefined }
          const outcome = await stock.setOnHand(product.productId, locationId, onHand, origin)
          if (outcome?.kind === 'reserved')
            throw refusal(`${outcome.level.reserved} units at ${locationId} are reserved`)
          changed = true
        }
        return changed
      }

      async function updateAll(known: readonly Read[]): Promise<void> {
        const before = await productsById(catalogue, known)
        for (const read of known) {
          try {
            const changed = await update(read, before.get(read.imported.product.productId)!)
            result[changed ? 'products_changed' : 'products_known'] += 1
          } catch (error) {
            if (!isAppError(error) || error.status >= 500) throw error
            refuse(read.row, error.message)
          }
        }
      }

      for await (const batch of documentsOf(file, {
        ...options,
        columns: COLUMNS,
        required: REQUIRED,
        check,
        refuse,
      })) {
        result.rows = batch.rowsRead
        const atMs = clock.now()
        const reads = new Map<string, Read>()
        for (const { row, document } of batch.documents) {
          const read = importedProduct(document, atMs)
          if (typeof read === 'string') refuse(row, read)
          else if (reads.has(document.product_id)) refuse(row, `product ${document.product_id} stands there twice`)
          else {
            const nowhere = [...read.imported.stock.keys()].find((locationId) => !locations.has(locationId))
            if (nowhere === undefined) reads.set(document.product_id, { row, ...read })
            else refuse(row, `there is no location ${nowhere}`)
          }
        }
        const skus = new Map<string, string>()
        for (const [productId, { row, imported }] of reads) {
          const { sku } = imported.product
          const first = skus.get(sku) ?? productId
          skus.set(sku, first)
          if (first === productId) continue
          reads.delete(productId)
          refuse(row, `the sku "${sku}" belongs to the product ${first}`)
        }
        const list = [...reads.values()]
        const origin = { actor: context.actor ?? DEFAULT_ACTOR, atMs, key: undefined }
        const outcomes = await imports.importProducts(
          list.map((read) => read.imported),
          origin,
        )
        const known = list.filter((_, index) => outcomes[index] === 'known')
        result.products_added += outcomes.filter((outcome) => outcome === 'added').length
        for (const [index, outcome] of outcomes.entries()) {
          if (outcome !== 'sku_taken') continue
          const { row, imported } = list[index]!
          refuse(row, `the sku "${imported.product.sku}" belongs to another product`)
        }
        if (options.update === true) await updateAll(known)
        else result.products_known += known.length
        options.onProgress?.(batch.bytesRead, batch.bytesTotal)
      }
      return result
    },
  }
}

async function productsById(catalogue: CatalogueStore, reads: readonly Read[]): Promise<Map<string, Product>> {
  const products = await catalogue.find(reads.map((read) => read.imported.product.productId))
  return new Map(products.map((product) => [product.productId, product]))
}
