import { AppError } from '../../core/errors.ts'
import type { CatalogueStore, Product } from '../../orders/ports.ts'
import type { PortContext } from '../engine.ts'
import {
  changedPrices,
  NEWEST_PRICE,
  PRODUCT_COLUMNS,
  type PriceRow,
  type ProductRow,
  pricesJson,
  toPrice,
  toProduct,
} from '../sql/catalogue-rows.ts'
import { once } from '../sql/idempotency.ts'
import { type SqlClient, type SqlTx, sqlState, UNIQUE_VIOLATION } from '../sql/sql.ts'

const INSERT_PRODUCT = `
insert into products (${PRODUCT_COLUMNS})
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) on conflict do nothing returning product_id`

const INSERT_PRICES = `
insert into product_prices (product_id, version, currency, price, valid_from, actor)
select $1, $2, currency, price, $3, $4 from unnest($5::text[], $6::bigint[]) as t (currency, price)`

const HAS_LOCATION = 'select location_id from locations where location_id = $1'

const INSERT_STOCK = `
insert into stock_levels (product_id, location_id, on_hand, reserved, updated_at) values ($1, $2, $3, 0, $4)`

const INSERT_MOVE = `
insert into stock_moves
  (product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at)
values ($1, $2, $3, 0, 'adjust', $4, 0, $5, $6)`

const LOCK = `select ${PRODUCT_COLUMNS} from products where product_id = $1 and version = $2 for update`

const CHANGE = `
update products set sku = $2, name = $3, category = $4, price = $5, prices = $6, active = $7, version = $8, updated_at = $9
where product_id = $1`

const FIND = `select ${PRODUCT_COLUMNS} from products where product_id = any($1::text[])`
const LIST = `select ${PRODUCT_COLUMNS} from products where product_id > $1 order by product_id limit $2`
const LIST_CATEGORY = `
select ${PRODUCT_COLUMNS} from products where category = $3 and product_id > $1 order by product_id limit $2`

const PRICES = `
select product_id, version, currency, price, valid_from, actor from product_prices
where product_id = $1 and (version < $2 or version = $2 and currency > $3) order by version desc, currency limit $4`

/** Appends to the price history what differs from before; nothing for a currency it is no longer sold in. */
async function appendPrices(tx: SqlTx, before: Product | undefined, after: Product, actor: string): Promise<void> {
  const changed = changedPrices(before, after)
  if (changed.length === 0) return
  const { productId, version, updatedAtMs } = after
  const [currencies, prices] = [changed.map(([currency]) => currency), changed.map(([, price]) => price)]
  await tx.query(INSERT_PRICES, [productId, version, new Date(updatedAtMs), actor, currencies, prices])
}

export function openCatalogueStore(sql: SqlClient, { ids }: PortContext): CatalogueStore {
  return {
    create(product, { locationId, onHand }, { actor, atMs, key }, present) {
      const { productId, sku, name, category, price, currency, active, version } = product
      const at = new Date(atMs)
      return sql.transaction((tx) =>
        once(tx, key, async () => {
          const values = [productId, sku, name, category, price, currency, pricesJson(product), active, version, at]
          if ((await tx.query(INSERT_PRODUCT, values)).length === 0) {
            throw new AppError(
              'already_exists',
              `There is a product with the id ${productId} or the sku "${sku}" already`,
            )
          }
          if ((await tx.query(HAS_LOCATION, [locationId])).length === 0) {
            throw new AppError('location_not_found', `No location ${locationId}`)
          }
          await appendPrices(tx, undefined, product, actor)
          await tx.query(INSERT_STOCK, [productId, locationId, onHand, at])
          if (onHand > 0) await tx.query(INSERT_MOVE, [productId, locationId, ids.next(0), onHand, actor, at])
          return present(product)
        }),
      )
    },
    async change(productId, version, change, { actor, atMs }) {
      try {
        return await sql.transaction(async (tx) => {
          const [row] = await tx.query<ProductRow>(LOCK, [productId, version])
          if (row === undefined) return undefined
          const before = toProduct(row)
          const after: Product = { ...before, ...change, version: version + 1, updatedAtMs: atMs }
          const { sku, name, category, price, active } = after
          const values = [productId, sku, name, category, price, pricesJson(after), active, after.version]
          await tx.query(CHANGE, [...values, new Date(atMs)])
          await appendPrices(tx, before, after, actor)
          return after
        })
      } catch (error) {
        if (sqlState(error) !== UNIQUE_VIOLATION) throw error
        throw new AppError('already_exists', `Another product has the sku "${change.sku}" already`, { cause: error })
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
    async prices(productId, after, limit) {
      const { version, currency } = after ?? NEWEST_PRICE
      return (await sql.query<PriceRow>(PRICES, [productId, version, currency, limit])).map(toPrice)
    },
  }
}
