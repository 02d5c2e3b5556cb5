import { AppError } from '../../core/errors.ts'
import type { CatalogueStore, Product, StockLevel } from '../../orders/ports.ts'
import type { PortContext } from '../engine.ts'
import { once } from '../sql/idempotency.ts'
import { type SqlClient, sqlState, UNIQUE_VIOLATION } from '../sql/sql.ts'

/** The one location there is so far; stock rows and moves are keyed by it already. */
export const LOCATION = 'main'

const INSERT_PRODUCT = `
insert into products (product_id, sku, name, category, price, currency, active, version, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) on conflict do nothing returning product_id`

const INSERT_PRICE = `
insert into product_prices (product_id, version, price, currency, valid_from, actor) values ($1, $2, $3, $4, $5, $6)`

const INSERT_STOCK = `
insert into stock_levels (product_id, location_id, on_hand, reserved, updated_at) values ($1, $2, $3, 0, $4)`

const INSERT_MOVE = `
insert into stock_moves
  (product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at)
values ($1, $2, $3, 0, 'adjust', $4, 0, $5, $6)`

const COLUMNS = 'product_id, sku, name, category, price, currency, active, version, created_at, updated_at'

const CHANGE = `
update products set sku = coalesce($3, sku), name = coalesce($4, name), category = coalesce($5, category),
  price = coalesce($6, price), active = coalesce($7, active), version = version + 1, updated_at = $8
where product_id = $1 and version = $2 returning ${COLUMNS}`

const LAST_PRICE = 'select price from product_prices where product_id = $1 order by version desc limit 1'

const FIND = `select ${COLUMNS} from products where product_id = any($1::text[])`
const LIST = `select ${COLUMNS} from products where product_id > $1 order by product_id limit $2`
const LIST_CATEGORY = `
select ${COLUMNS} from products where category = $3 and product_id > $1 order by product_id limit $2`

const PRICES = `
select product_id, version, price, currency, valid_from, actor from product_prices
where product_id = $1 and version < $2 order by version desc limit $3`

const STOCK = `
select product_id, location_id, on_hand, reserved from stock_levels where product_id = $1 and location_id = $2`

const LOCK_STOCK = `${STOCK} for update`
const SET_STOCK = `
update stock_levels set on_hand = $3, updated_at = $4 where product_id = $1 and location_id = $2`

const INT_MAX = 2_147_483_647

interface ProductRow {
  product_id: string
  sku: string
  name: string
  category: string
  price: bigint
  currency: string
  active: boolean
  version: number
  created_at: Date
  updated_at: Date
}

function toProduct(row: ProductRow): Product {
  return {
    productId: row.product_id,
    sku: row.sku,
    name: row.name,
    category: row.category,
    price: row.price,
    currency: row.currency,
    active: row.active,
    version: row.version,
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  }
}

interface StockRow {
  product_id: string
  location_id: string
  on_hand: bigint
  reserved: bigint
}

function toStock(row: StockRow): StockLevel {
  return {
    productId: row.product_id,
    locationId: row.location_id,
    onHand: Number(row.on_hand),
    reserved: Number(row.reserved),
  }
}

export function openCatalogueStore(sql: SqlClient, { ids }: PortContext): CatalogueStore {
  return {
    create(product, onHand, { actor, atMs, key }, present) {
      const { productId, sku, name, category, price, currency, active, version } = product
      const at = new Date(atMs)
      return sql.transaction((tx) =>
        once(tx, key, async () => {
          const values = [productId, sku, name, category, price, currency, active, version, at]
          if ((await tx.query(INSERT_PRODUCT, values)).length === 0) {
            throw new AppError(
              'already_exists',
              `There is a product with the id ${productId} or the sku "${sku}" already`,
            )
          }
          await tx.query(INSERT_PRICE, [productId, version, price, currency, at, actor])
          await tx.query(INSERT_STOCK, [productId, LOCATION, onHand, at])
          if (onHand > 0) await tx.query(INSERT_MOVE, [productId, LOCATION, ids.next(0), onHand, actor, at])
          return present(product)
        }),
      )
    },
    async change(productId, version, change, { actor, atMs }) {
      const { sku, name, category, price, active } = change
      const at = new Date(atMs)
      try {
        return await sql.transaction(async (tx) => {
          const values = [productId, version, sku, name, category, price, active, at]
          const [row] = await tx.query<ProductRow>(CHANGE, values)
          if (row === undefined) return undefined
          const [last] = await tx.query<{ price: bigint }>(LAST_PRICE, [productId])
          if (last?.price !== row.price) {
            await tx.query(INSERT_PRICE, [productId, row.version, row.price, row.currency, at, actor])
          }
          return toProduct(row)
        })
      } catch (error) {
        if (sqlState(error) !== UNIQUE_VIOLATION) throw error
        throw new AppError('already_exists', `Another product has the sku "${sku}" already`, { cause: error })
      }
    },
    async find(productIds) {
      return (await sql.query<ProductRow>(FIND, [productIds])).map(toProduct)
    },
    async list({ category }, after, limit) {
      const rows =
        category === undefined
          ? await sql.query<ProductRow>(LIST, [after ?? '', limit])
          : await sql.query<ProductRow>(LIST_CATEGORY, [after ?? '', limit, category])
      return rows.map(toProduct)
    },
    async prices(productId, before, limit) {
      const rows = await sql.query<{
        product_id: string
        version: number
        price: bigint
        currency: string
        valid_from: Date
        actor: string
      }>(PRICES, [productId, before ?? INT_MAX, limit])
      return rows.map((row) => ({
        productId: row.product_id,
        version: row.version,
        price: row.price,
        currency: row.currency,
        validFromMs: row.valid_from.getTime(),
        actor: row.actor,
      }))
    },
    async stock(productId) {
      const [row] = await sql.query<StockRow>(STOCK, [productId, LOCATION])
      return row === undefined ? undefined : toStock(row)
    },
    setOnHand(productId, onHand, { actor, atMs }) {
      const at = new Date(atMs)
      return sql.transaction(async (tx) => {
        const [row] = await tx.query<StockRow>(LOCK_STOCK, [productId, LOCATION])
        if (row === undefined) return undefined
        const level = toStock(row)
        if (onHand < level.reserved) return { kind: 'reserved', level }
        if (onHand !== level.onHand) {
          await tx.query(SET_STOCK, [productId, LOCATION, onHand, at])
          await tx.query(INSERT_MOVE, [productId, LOCATION, ids.next(0), onHand - level.onHand, actor, at])
        }
        return { kind: 'set', level: { ...level, onHand } }
      })
    },
  }
}
