import type { Clock } from '../core/clock.ts'
import { type CommandContext, checkExpectedVersion, DEFAULT_ACTOR, idempotencyKeyOf } from '../core/command.ts'
import { decodeCursor, type Page, type PageRequest, pageLimit, pageOf } from '../core/cursor.ts'
import { AppError } from '../core/errors.ts'
import { prefixedId } from '../core/ids.ts'
import { LIMITS } from '../core/limits.ts'
import { currencyExponent } from '../core/money.ts'
import { validator } from '../core/schema.ts'
import { priceDocument, productDocument, stockDocument } from './documents.ts'
import type { CatalogueStore, Origin, Product } from './ports.ts'
import {
  ChangeProduct,
  CreateProduct,
  type PriceDocument,
  type ProductDocument,
  SetStock,
  type StockDocument,
} from './schemas.ts'

const checkCreate = validator(CreateProduct)
const checkChange = validator(ChangeProduct)
const checkStock = validator(SetStock)

export function originOf(context: CommandContext, clock: Clock, key?: Origin['key']): Origin {
  return { actor: context.actor ?? DEFAULT_ACTOR, atMs: clock.now(), key }
}

const notFound = (productId: string) => new AppError('product_not_found', `No product ${productId}`)

export function createCatalogue({ store, clock }: { store: CatalogueStore; clock: Clock }) {
  async function read(productId: string): Promise<Product> {
    const [product] = await store.find([productId])
    if (product === undefined) throw notFound(productId)
    return product
  }

  return {
    /**
     * Adds a product; `price` in minor units. Repeatable by `idempotencyKey`.
     * Throws `invalid_input`, `unknown_currency`, `already_exists` (id or sku), `idempotency_key_reused`.
     */
    async createProduct(input: CreateProduct, context: CommandContext = {}): Promise<ProductDocument> {
      const request = checkCreate(input)
      currencyExponent(request.currency)
      const { sku, name, category, price, currency, stock = 0 } = request
      const key = idempotencyKeyOf(context, 'CreateProduct', request)
      const origin = originOf(context, clock, key)
      const product: Product = {
        productId: request.product_id ?? prefixedId('prod', 0, clock),
        sku,
        name,
        category,
        price: BigInt(price),
        currency,
        active: true,
        version: 1,
        createdAtMs: origin.atMs,
        updatedAtMs: origin.atMs,
      }
      const { body, replayed } = await store.create(product, stock, origin, productDocument)
      if (replayed) context.onReplay?.()
      return body
    },

    /**
     * Changes a product; a new price joins the price history, and orders placed before keep theirs.
     * Throws `invalid_input`, `product_not_found`, `version_mismatch` (with `expectedVersion`), `already_exists` (sku).
     */
    async changeProduct(
      productId: string,
      input: ChangeProduct,
      context: CommandContext = {},
    ): Promise<ProductDocument> {
      const { price, sku, name, category, active } = checkChange(input)
      const deadline = clock.now() + LIMITS.commandMsMax
      for (;;) {
        const before = await read(productId)
        checkExpectedVersion(context, before.version)
        const change = {
          ...(sku === undefined ? {} : { sku }),
          ...(name === undefined ? {} : { name }),
          ...(category === undefined ? {} : { category }),
          ...(price === undefined ? {} : { price: BigInt(price) }),
          ...(active === undefined ? {} : { active }),
        }
        const product = await store.change(productId, before.version, change, originOf(context, clock))
        if (product !== undefined) return productDocument(product)
        if (clock.now() > deadline) throw new AppError('write_contention', undefined, { retryAfterMs: 1_000 })
      }
    },

    /** Throws `product_not_found`. */
    async getProduct(productId: string): Promise<ProductDocument> {
      return productDocument(await read(productId))
    },

    /** Products by id, of one category if given. Throws `invalid_cursor`. */
    async listProducts(
      filter: { category?: string | undefined } = {},
      page: PageRequest = {},
    ): Promise<Page<ProductDocument>> {
      const list = `products ${filter.category ?? ''}`
      const limit = pageLimit(page.limit)
      const [after] = decodeCursor(list, 1, page.cursor) ?? []
      const rows = await store.list(filter, after, limit + 1)
      return pageOf(list, rows, limit, (product) => [product.productId], productDocument)
    },

    /** The prices a product has had, newest first. Throws `product_not_found`, `invalid_cursor`. */
    async listPrices(productId: string, page: PageRequest = {}): Promise<Page<PriceDocument>> {
      await read(productId)
      const list = `prices ${productId}`
      const limit = pageLimit(page.limit)
      const [before] = decodeCursor(list, 1, page.cursor) ?? []
      const below = before === undefined ? undefined : Number(before)
      if (below !== undefined && !Number.isInteger(below)) throw new AppError('invalid_cursor')
      const rows = await store.prices(productId, below, limit + 1)
      return pageOf(list, rows, limit, (price) => [String(price.version)], priceDocument)
    },

    /** Throws `product_not_found`. */
    async getStock(productId: string): Promise<StockDocument> {
      const level = await store.stock(productId)
      if (level === undefined) throw notFound(productId)
      return stockDocument(level)
    },

    /**
     * Sets the units on hand, as counted in the warehouse: those that open orders hold are part of them.
     * Throws `invalid_input`, `product_not_found`, and `insufficient_stock` for fewer than are reserved.
     */
    async setStock(productId: string, input: SetStock, context: CommandContext = {}): Promise<StockDocument> {
      const { on_hand: onHand } = checkStock(input)
      const outcome = await store.setOnHand(productId, onHand, originOf(context, clock))
      if (outcome === undefined) throw notFound(productId)
      const { kind, level } = outcome
      if (kind === 'reserved') {
        throw new AppError(
          'insufficient_stock',
          `Open orders hold ${level.reserved} of product ${productId}, so ${onHand} on hand are too few`,
          {
            data: { product_id: productId, requested: onHand, reserved: level.reserved },
          },
        )
      }
      return stockDocument(level)
    },
  }
}
