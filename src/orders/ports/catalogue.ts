import type { IdempotencyKey } from '../../core/command.ts'
import type { Minor } from '../../core/money.ts'

export interface Product {
  readonly productId: string
  readonly sku: string
  readonly name: string
  readonly category: string
  readonly price: Minor
  readonly currency: string
  /** Prices in other currencies, by their code. */
  readonly prices: Readonly<Record<string, Minor>>
  readonly active: boolean
  /** Counts every change; an order names the version it was priced from. */
  readonly version: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

export interface ProductPrice {
  readonly productId: string
  readonly version: number
  /** `undefined`: from then on it was not sold in this currency. */
  readonly price: Minor | undefined
  readonly currency: string
  readonly validFromMs: number
  readonly actor: string
}

export type PricePosition = Pick<ProductPrice, 'version' | 'currency'>

/** What a repeatable command brings along: its key, and who sends it when. */
export interface Origin {
  readonly actor: string
  readonly atMs: number
  readonly key: IdempotencyKey | undefined
}

/** The answer of a command that is carried out once per key. `body` is plain JSON. */
export interface Once<Body> {
  readonly body: Body
  readonly replayed: boolean
}

export type ProductChange = Partial<Pick<Product, 'sku' | 'name' | 'category' | 'price' | 'prices' | 'active'>>

export interface CatalogueStore {
  /**
   * Stores a new product, its first prices and its stock at one location, all or nothing and once per key; `present`
   * makes the body. Throws `already_exists` for a known `productId` or `sku`, `location_not_found`.
   */
  create<Body>(
    product: Product,
    stock: { readonly locationId: string; readonly onHand: number },
    origin: Origin,
    present: (product: Product) => Body,
  ): Promise<Once<Body>>
  /**
   * Changes a product whose version is still `version` and appends to the price history what differs; `prices` replaces
   * those in other currencies. `undefined` when the version has moved on. Throws `already_exists` for a known `sku`.
   */
  change(productId: string, version: number, change: ProductChange, origin: Origin): Promise<Product | undefined>
  /** Those that exist, in no order. */
  find(productIds: readonly string[]): Promise<Product[]>
  /** Ascending by id, after `after`; of one category if given. */
  list(filter: { category?: string | undefined }, after: string | undefined, limit: number): Promise<Product[]>
  /** Newest version first, the currencies of a version ascending by code; behind `after`. */
  prices(productId: string, after: PricePosition | undefined, limit: number): Promise<ProductPrice[]>
}
