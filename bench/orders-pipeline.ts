import { availableParallelism } from 'node:os'
import { silentLogger } from '../src/core/logger.ts'
import { openPg } from '../src/engines/postgres/client-pg.ts'
import { createLogHeads, openLogStore } from '../src/engines/postgres/log-store.ts'
import { MIGRATIONS } from '../src/engines/postgres/migrations.generated.ts'
import { PROFILES } from '../src/engines/postgres/profiles.ts'
import { salesReportProjection } from '../src/engines/postgres/report-projection.ts'
import { openSalesReportStore } from '../src/engines/postgres/report-store.ts'
import { migrate } from '../src/engines/sql/migrate.ts'
import { foldAll } from '../src/log/fold.ts'
import type { SalesReportStore } from '../src/orders/ports.ts'
import type { Bench, BenchContext, Contender, Count, Outcome } from './bench.ts'
import { atLeast, atMost, compare, ratio } from './measure.ts'
import { addHistory, addOrders, LINES } from './orders-sales.ts'
import { openPostgres, type Postgres, query } from './postgres.ts'

const SMALL_LINES = 100_000
const LARGE_LINES = 5_000_000
/** The same orders per day would give the small shop a week; what counts is how much there is already. */
const DAYS = 730
const NEW_ORDERS = 1_000

export interface SalesBase {
  readonly url: string
  readonly report: SalesReportStore
  /** Folds everything there is; answers how long it took, in seconds. */
  fold(): Promise<number>
  close(): Promise<void>
}

/** A database with a history, folded through the real pipeline into monthly partitions, and vacuumed. */
export async function openSalesBase(
  postgres: Postgres,
  { name, lines, days, say }: { name: string; lines: number; days: number; say: BenchContext['say'] },
): Promise<SalesBase & { readonly linesPerSecond: number }> {
  const url = await postgres.createDatabase(name)
  const sql = await openPg(new URL(url), PROFILES.postgres, { poolSize: 10, logger: silentLogger })
  await migrate(sql, MIGRATIONS, { afterwards: (tx) => createLogHeads(tx, sql.profile.logShards) })
  const store = await openLogStore(sql, 'orders')
  await store.register(salesReportProjection)
  const report = openSalesReportStore(sql)
  say(`${name}: making ${lines.toLocaleString('en-US')} lines`)
  await addHistory(url, lines, days)
  for (let month = 0; month <= days + 31; month += 28) await report.extend(Date.now() - month * 86_400_000)
  await query(url, 'vacuum analyze', 'checkpoint')
  const fold = async () => {
    const startedAt = performance.now()
    await foldAll({ store, logger: silentLogger }, salesReportProjection)
    return (performance.now() - startedAt) / 1_000
  }
  say(`${name}: folding them into the report`)
  const seconds = await fold()
  await query(url, 'vacuum analyze', 'checkpoint')
  return { url, report, fold, linesPerSecond: lines / seconds, close: () => sql.close() }
}

const caseOf = (lines: number) => `1,000 new orders on ${lines.toLocaleString('en-US')} lines`

function contenderOf(base: SalesBase, lines: number): Contender {
  // A second for each order, from midnight on.
  let made = 0
  return {
    name: caseOf(lines),
    unit: 'lines',
    async run(seconds) {
      const latenciesMs: number[] = []
      let total = 0
      while (total < seconds || latenciesMs.length < 3) {
        await addOrders(base.url, { count: NEW_ORDERS, fromSeconds: made, stepSeconds: 1 })
        made += NEW_ORDERS
        const took = await base.fold()
        total += took
        latenciesMs.push(took * 1_000)
      }
      const operations = latenciesMs.length * NEW_ORDERS * LINES
      return { seconds: total, latenciesMs: Float64Array.from(latenciesMs), operations }
    },
  }
}

async function run(context: BenchContext): Promise<Outcome> {
  const large = Number(process.env['FANFOLD_BENCH_LINES'] ?? LARGE_LINES)
  const postgres = await openPostgres(50)
  const bases: (SalesBase & { linesPerSecond: number })[] = []
  try {
    for (const lines of [SMALL_LINES, large]) {
      bases.push(await openSalesBase(postgres, { name: `sales_${lines}`, lines, days: DAYS, say: context.say }))
    }
    const [small, big] = bases
    const figures = await compare(
      [contenderOf(small!, SMALL_LINES), contenderOf(big!, large)],
      context,
      postgres.checkpoint,
    )
    const [onSmall, onLarge] = figures
    const backfill: Count = {
      case: `backfill of ${large.toLocaleString('en-US')} lines`,
      unit: 'lines/s',
      value: Math.round(big!.linesPerSecond),
    }
    return {
      engines: { postgresql: postgres.version },
      results: [...figures, backfill],
      goals: [
        atMost('cost of 1,000 new orders: the large history against the small one', 1.1, ratio(onSmall!, onLarge!)),
        atLeast('lines/s through the pipeline, new orders on the large history', 20_000, onLarge!.per_second),
        atLeast('lines/s through the pipeline, backfill of the large history', 20_000, backfill.value),
      ],
      notes: [
        `Durable PostgreSQL, the pipeline and the server on the same ${availableParallelism()} processors.`,
        'Timed: everything from reading the log to the commit of rows and sums, in batches as in production. Orders are made by SQL, not timed.',
        `10 categories, 200 cities after Zipf's law, 3,000 products, 3 lines an order, ${DAYS} days, 4 shards.`,
        'p50 to p99: milliseconds for 1,000 orders.',
      ],
    }
  } finally {
    for (const base of bases) await base.close()
    await postgres.close()
  }
}

export const ordersPipeline: Bench = {
  name: 'orders.pipeline',
  about: 'the sales report: cost of 1,000 new orders on a small and on a large history',
  defaults: { rounds: 5, seconds: 2 },
  run,
}
