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
import { sqlState, UNIQUE_VIOLATION } from '../sql/sql.ts'
import type { MysqlClient } from './client-mysql2.ts'
import { once } from './idempotency.ts'
import type { Statement } from './literals.ts'

const INSERT_PRODUCT = `
insert into products (${PRODUCT_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
on duplicate key update product_id = product_id`

const INSERT_PRICES = `
insert into product_prices (product_id, version, currency, price, valid_from, actor) values ?`

const HAS_LOCATION = 'select location_id from locations where location_id = ?'

const INSERT_STOCK = `
insert into stock_levels (product_id, location_id, on_hand, reserved, updated_at) values (?, ?, ?, 0, ?)`

const INSERT_MOVE = `
insert into stock_moves
  (product_id, location_id, source_id, version, kind, on_hand_delta, reserved_delta, actor, moved_at)
values (?, ?, ?, 0, 'adjust', ?, 0, ?, ?)`

const LOCK = `select ${PRODUCT_COLUMNS} from products where product_id = ? and version = ? for update`

const CHANGE = `
update products set sku = ?, name = ?, category = ?, price = ?, prices = ?, active = ?, version = ?, updated_at = ?
where product_id = ?`

const FIND = `select ${PRODUCT_COLUMNS} from products where product_id in (?)`
const LIST = `select ${PRODUCT_COLUMNS} from products where product_id > ? order by product_id limit ?`
const LIST_CATEGORY = `
select ${PRODUCT_COLUMNS} from products where category = ? and product_id > ? order by product_id limit ?`

const PRICES = `
select product_id, version, currency, price, valid_from, actor from product_prices
where product_id = ? and (version < ? or version = ? and currency > ?) order by version desc, currency limit ?`

/** Appends to the price history what differs from before. */
function priceHistory(before: Product | undefined, after: Product, actor: string): Statement[] {
  const { productId, version, updatedAtMs } = after
  const rows = changedPrices(before, after).map(([currency, price]) => {
    return [productId, version, currency, price, new Date(updatedAtMs), actor]
  })
  return rows.length === 0 ? [] : [{ text: INSERT_PRICES, params: [rows] }]
}

export function openCatalogueStore(sql: MysqlClient, { ids }: PortContext): CatalogueStore {
  return {
    create(product, { locationId, onHand }, { actor, atMs, key }, present) {
      const { productId, sku, name, category, price, currency, active, version } = product
      const at = new Date(atMs)
      return sql.transaction((tx) =>
        once(tx, key, async () => {
          const values = [productId, sku, name, category, price, currency, pricesJson(product), active, version, at, at]
          const [inserted, locations] = await tx.batch([
            { text: INSERT_PRODUCT, params: values },
            { text: HAS_LOCATION, params: [locationId] },
          ])
          if (inserted!.affected === 0) {
            throw new AppError(
              'already_exists',
              `There is a product with the id ${productId} or the sku "${sku}" already`,
            )
          }
          if (locations!.rows.length === 0) throw new AppError('location_not_found', `No location ${locationId}`)
          const move = { text: INSERT_MOVE, params: [productId, locationId, ids.next(0), onHand, actor, at] }
          await tx.batch([
            ...priceHistory(undefined, product, actor),
            { text: INSERT_STOCK, params: [productId, locationId, onHand, at] },
            ...(onHand > 0 ? [move] : []),
          ])
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
          const values = [
            sku,
            name,
            category,
            price,
            pricesJson(after),
            active,
            after.version,
            new Date(atMs),
            productId,
          ]
          await tx.last([{ text: CHANGE, params: values }, ...priceHistory(before, after, actor)])
          return after
        })
      } catch (error) {
        if (sqlState(error) !== UNIQUE_VIOLATION) throw error
        throw new AppError('already_exists', `Another product has the sku "${change.sku}" already`, { cause: error })
      }
    },
    async find(productIds) {
      if (productIds.length === 0) return []
      return (await sql.query<ProductRow>(FIND, [productIds])).map(toProduct)
    },
    async list({ category }, after, limit) {
      const rows =
        category === undefined
          ? await sql.query<ProductRow>(LIST, [after ?? '', limit])
          : await sql.query<ProductRow>(LIST_CATEGORY, [category, after ?? '', limit])
      return rows.map(toProduct)
    },
    async prices(productId, after, limit) {
      const { version, currency } = after ?? NEWEST_PRICE
      return (await sql.query<PriceRow>(PRICES, [productId, version, version, currency, limit])).map(toPrice)
    },
  }
}
