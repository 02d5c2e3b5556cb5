import type { Clock } from '../../core/clock.ts'
import { type CommandContext, checkExpectedVersion, DEFAULT_ACTOR, idempotencyKeyOf } from '../../core/command.ts'
import { cursorNumber, decodeCursor, type Page, type PageRequest, pageLimit, pageOf } from '../../core/cursor.ts'
import { AppError, invalidField } from '../../core/errors.ts'
import { prefixedId } from '../../core/ids.ts'
import { LIMITS } from '../../core/limits.ts'
import { currencyExponent } from '../../core/money.ts'
import { validator } from '../../core/schema.ts'
import { type CatalogueStore, MAIN_LOCATION, type Origin, type PricePosition, type Product } from '../ports.ts'
import { priceDocument, productDocument } from './documents.ts'
import { ChangeProduct, CreateProduct, type PriceDocument, type ProductDocument } from './schemas.ts'

const checkCreate = validator(CreateProduct)
const checkChange = validator(ChangeProduct)

export function originOf(context: CommandContext, clock: Clock, key?: Origin['key']): Origin {
  return { actor: context.actor ?? DEFAULT_ACTOR, atMs: clock.now(), key }
}

export const productNotFound = (productId: string) => new AppError('product_not_found', `No product ${productId}`)

/** The prices in other currencies after a change of some; null removes one. */
function pricesAfter(
  own: string,
  before: Product['prices'],
  change: Readonly<Record<string, number | null>>,
): Product['prices'] {
  const after = new Map(Object.entries(before))
  for (const [currency, price] of Object.entries(change)) {
    currencyExponent(currency)
    if (currency === own) throw invalidField(`/prices/${currency}`, 'is the currency of price; change that instead')
    if (price === null) after.delete(currency)
    else after.set(currency, BigInt(price))
  }
  if (after.size > LIMITS.pricesMax) throw invalidField('/prices', `must be at most ${LIMITS.pricesMax} currencies`)
  return Object.fromEntries(after)
}

function pricePosition(cursor: readonly string[] | undefined): PricePosition | undefined {
  if (cursor === undefined) return undefined
  return { version: cursorNumber(cursor[0]!), currency: cursor[1]! }
}

export function createCatalogue({ store, clock }: { store: CatalogueStore; clock: Clock }) {
  async function read(productId: string): Promise<Product> {
    const [product] = await store.find([productId])
    if (product === undefined) throw productNotFound(productId)
    return product
  }

  return {
    /**
     * Adds a product; prices in minor units. Repeatable by `idempotencyKey`. Throws `invalid_input`,
     * `unknown_currency`, `location_not_found`, `already_exists` (id or sku), `idempotency_key_reused`.
     */
    async createProduct(input: CreateProduct, context: CommandContext = {}): Promise<ProductDocument> {
      const request = checkCreate(input)
      currencyExponent(request.currency)
      const { sku, name, category, price, currency, prices = {}, stock: onHand = 0, location_id } = request
      const key = idempotencyKeyOf(context, 'CreateProduct', request)
      const origin = originOf(context, clock, key)
      const product: Product = {
        productId: request.product_id ?? prefixedId('prod', 0, clock),
        sku,
        name,
        category,
        price: BigInt(price),
        currency,
        prices: pricesAfter(currency, {}, prices),
        active: true,
        version: 1,
        createdAtMs: origin.atMs,
        updatedAtMs: origin.atMs,
      }
      const stock = { locationId: location_id ?? MAIN_LOCATION, onHand }
      const { body, replayed } = await store.create(product, stock, origin, productDocument)
      if (replayed) context.onReplay?.()
      return body
    },

    /**
     * Changes a product; new prices join the price history, and orders placed before keep theirs.
     * Throws `invalid_input`, `unknown_currency`, `product_not_found`, `version_mismatch` (with `expectedVersion`), `already_exists` (sku).
     */
    async changeProduct(
      productId: string,
      input: ChangeProduct,
      context: CommandContext = {},
    ): Promise<ProductDocument> {
      const { price, prices, sku, name, category, active } = checkChange(input)
      const deadline = clock.now() + LIMITS.commandMsMax
      for (;;) {
        const before = await read(productId)
        checkExpectedVersion(context, before.version)
        const change = {
          ...(sku === undefined ? {} : { sku }),
          ...(name === undefined ? {} : { name }),
          ...(category === undefined ? {} : { category }),
          ...(price === undefined ? {} : { price: BigInt(price) }),
          ...(prices === undefined ? {} : { prices: pricesAfter(before.currency, before.prices, prices) }),
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
      const rows = await store.prices(productId, pricePosition(decodeCursor(list, 2, page.cursor)), limit + 1)
      return pageOf(list, rows, limit, (price) => [String(price.version), price.currency], priceDocument)
    },
  }
}
