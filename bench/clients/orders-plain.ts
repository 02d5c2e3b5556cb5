// Places orders by a transaction written by hand through node-postgres, with as many connections as Fanfold has.
import { createHash, randomUUID } from 'node:crypto'
import pg from 'pg'
import { serveBuyers } from '../orders-buyers.ts'
import type { OrderSample } from '../orders-fanfold.ts'
import { NAIVE, PLAIN } from '../orders-plain.ts'
import { ADDRESS, anyCustomer, type ShopLine } from '../orders-shop.ts'

export interface PlainOptions {
  readonly database: string
  readonly sample: OrderSample
  /** `conditional`: the update takes units only where enough are left; `naive`: it writes one more than it has read. */
  readonly stock: 'conditional' | 'naive'
}

interface ProductRow {
  readonly product_id: string
  readonly sku: string
  readonly name: string
  readonly category: string
  readonly price: string
  readonly currency: string
  readonly order_id: string
}

await serveBuyers<PlainOptions>(async ({ database, sample, stock }) => {
  const pool = new pg.Pool({ connectionString: database, max: 10 })
  const address = JSON.stringify(ADDRESS)
  const all = { ...PLAIN, ...NAIVE }
  const statement = (name: keyof typeof all, values: unknown[]) => ({ name, text: all[name], values })

  async function take(client: pg.PoolClient, { product, quantity }: ShopLine): Promise<boolean> {
    if (stock === 'conditional') {
      return (await client.query(statement('stock', [product, quantity]))).rowCount === 1
    }
    const { rows } = await client.query<{ reserved: string; on_hand: string }>(statement('read', [product]))
    const reserved = Number(rows[0]!.reserved) + quantity
    if (reserved > Number(rows[0]!.on_hand)) return false
    await client.query(statement('write', [product, reserved]))
    return true
  }

  async function store(client: pg.PoolClient, lines: readonly ShopLine[]): Promise<boolean> {
    const customer = anyCustomer()
    const { rows: buyers } = await client.query<{ name: string }>(statement('customer', [customer]))
    const productIds = lines.map(({ product }) => product)
    const { rows: products } = await client.query<ProductRow>(statement('products', [productIds]))
    const orderId = products[0]!.order_id
    const key = randomUUID()
    const fingerprint = createHash('sha256').update(key).digest()
    await client.query(statement('key', [key, fingerprint, orderId, sample.response]))
    // Stock in the order of the ids, so that two orders never wait for each other.
    for (const line of lines) if (!(await take(client, line))) return false
    const quantities = lines.map(({ quantity }) => quantity)
    await client.query(statement('moves', [orderId, productIds, quantities]))
    const bought = lines.map(({ product }) => products.find((each) => each.product_id === product)!)
    const total = bought.reduce((sum, { price }, line) => sum + Number(price) * quantities[line]!, 0)
    const { name } = buyers[0]!
    await client.query(statement('order', [orderId, customer, name, bought[0]!.currency, total, address, fingerprint]))
    const column = (of: 'sku' | 'name' | 'category' | 'price') => bought.map((each) => each[of])
    const columns = [column('sku'), column('name'), column('category'), quantities, column('price')]
    await client.query(statement('lines', [orderId, productIds, ...columns]))
    await client.query(statement('history', [orderId, sample.details, fingerprint]))
    return true
  }

  return {
    async buy(lines) {
      const client = await pool.connect()
      try {
        await client.query('begin')
        const sold = await store(client, lines)
        await client.query(sold ? 'commit' : 'rollback')
        return sold
      } catch (error) {
        await client.query('rollback')
        throw error
      } finally {
        client.release()
      }
    },
    close: () => pool.end(),
  }
})
