import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { csvLine } from '../src/core/csv.ts'
import { openOrders } from '../src/standalone/orders.ts'
import type { Bench, BenchContext, Count, Outcome } from './bench.ts'
import { atLeast } from './measure.ts'
import { openPostgres } from './postgres.ts'

const LINES = 1_000_000
const GOAL_LINES_PER_SECOND = 10_000
const CONNECTIONS = 30
const [CUSTOMERS, PRODUCTS, CITIES, DAYS] = [50_000, 2_000, 200, 1_000]
const DAY_MS = 86_400_000
const FIRST_MS = Date.UTC(2022, 0, 1)

const HEADING = [
  ...['order_number', 'order_date', 'customer_id', 'customer_name', 'currency', 'shipping_name', 'shipping_line1'],
  ...['shipping_city', 'shipping_country', 'product_id', 'sku', 'product_name', 'product_category', 'quantity'],
  ...['price_at_time_of_purchase', 'discount', 'tax'],
]

/** Orders of one to four lines, 2.5 on average, in the order of time; the same in every run. */
function* csv(): Generator<string> {
  let seed = 1
  const chance = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return (seed >> 8) % below
  }
  yield csvLine(HEADING)
  let line = 0
  for (let order = 0; line < LINES; order++) {
    const at = new Date(FIRST_MS + (line / LINES) * DAYS * DAY_MS).toISOString()
    const [customer, city] = [chance(CUSTOMERS), chance(CITIES)]
    const name = `Customer ${customer}`
    const head = [`N-${order}`, at, `c${customer}`, name, 'USD', name, `${customer} Main Street`, `City ${city}`, 'US']
    for (let left = Math.min(1 + chance(4), LINES - line); left > 0; left--) {
      const product = chance(PRODUCTS)
      const names = [`p${product}`, `sku-${product}`, `Product ${product}`, `Category ${product % 10}`]
      yield csvLine([...head, ...names, 1 + chance(5), 500 + product, 0, 40 + chance(50)])
      line += 1
    }
  }
}

async function run({ say, signal }: BenchContext): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'fanfold-bench-import-'))
  const postgres = await openPostgres(CONNECTIONS)
  try {
    const file = join(folder, 'orders.csv')
    say(`writing ${LINES} lines`)
    await pipeline(Readable.from(csv()), createWriteStream(file))
    const database = await postgres.createDatabase('import')
    await using fanfold = await openOrders({ database, workers: false })
    const results: Count[] = []
    const rates: number[] = []
    let memory = 0
    for (const name of ['all new', 'run again, all known']) {
      const startedAt = performance.now()
      const report = await fanfold.orders.importOrders(file, {
        onProgress() {
          signal?.throwIfAborted()
          memory = Math.max(memory, process.memoryUsage().rss)
        },
      })
      const seconds = (performance.now() - startedAt) / 1_000
      if (report.lines_imported + report.lines_known !== LINES)
        throw new Error(`lines were lost: ${JSON.stringify(report)}`)
      const rate = Math.round(LINES / seconds)
      rates.push(rate)
      say(`${name}: ${rate} lines/s`)
      results.push({ case: name, unit: 'lines/s', value: rate })
    }
    results.push({ case: 'most memory of the process', unit: 'MB', value: Math.round(memory / 1e6) })
    return {
      engines: { postgresql: postgres.version },
      results,
      goals: [atLeast('lines/s of an import', GOAL_LINES_PER_SECOND, rates[0]!)],
      notes: [
        `${LINES} lines in orders of 2.5 on average, ${CUSTOMERS} customers, ${PRODUCTS} products; a CSV file of our own kind.`,
        'Read models are not folded meanwhile. Counted once: rounds and seconds do not apply.',
      ],
    }
  } finally {
    await postgres.close()
    await rm(folder, { recursive: true, force: true })
  }
}

export const ordersImport: Bench = {
  name: 'orders.import',
  about: 'lines/s of an import of a million order lines from CSV, and of running it again',
  defaults: { rounds: 1, seconds: 1 },
  run,
}
