import { availableParallelism } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { silentLogger } from '../src/core/logger.ts'
import { openPg } from '../src/engines/postgres/client-pg.ts'
import { createLogHeads, openLogStore } from '../src/engines/postgres/log-store.ts'
import { MIGRATIONS } from '../src/engines/postgres/migrations.generated.ts'
import { paymentView } from '../src/engines/postgres/payment-projection-view.ts'
import { PROFILES } from '../src/engines/postgres/profiles.ts'
import { migrate } from '../src/engines/sql/migrate.ts'
import { rebuild } from '../src/log/projector.ts'
import type { Bench, BenchContext, Contender, Measured, Outcome } from './bench.ts'
import { type ClientProcess, startClient } from './client-process.ts'
import { atLeast, atMost, compare } from './measure.ts'
import { addPayments } from './payments-history.ts'
import { openPostgres, type Postgres, query } from './postgres.ts'

const CLIENTS = 256
const CONNECTIONS = 100
const HISTORY = 60_000
const LOOK_MS = 5
const DEADLINE_MS = 60_000

const SCRIPT = new URL('./clients/payments-with-workers.js', import.meta.url)

const HEADS = `
select g.shard, g.last_event_id::int as head, coalesce(c.last_event_id, 0)::int as folded
from log_head g left join projections p on p.name = 'payment_view'
left join projection_checkpoints c on c.projection = p.name and c.generation = p.live_generation and c.shard = g.shard
where g.log = 'payments' order by g.shard`

/**
 * How far the read models lag behind: looks at the heads of the log, and again until all that was there then is folded.
 * Between two looks nothing is known, so a lag is told up to so much too long, never too short.
 */
async function watchLag(url: string, until: Promise<unknown>): Promise<number[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const lags: number[] = []
  const waiting: { at: number; heads: number[] }[] = []
  let over = false
  void until.finally(() => {
    over = true
  })
  try {
    const deadline = performance.now() + DEADLINE_MS
    while (!over || waiting.length > 0) {
      const asked = performance.now()
      if (asked > deadline) throw new Error(`the read models are behind for more than ${DEADLINE_MS / 1_000} s`)
      const { rows } = (await client.query(HEADS)) as { rows: { head: number; folded: number }[] }
      const seen = performance.now()
      const isFolded = (heads: readonly number[]) => heads.every((head, shard) => rows[shard]!.folded >= head)
      while (waiting.length > 0 && isFolded(waiting[0]!.heads)) lags.push(seen - waiting.shift()!.at)
      if (!over) waiting.push({ at: asked, heads: rows.map(({ head }) => head) })
      await pause(LOOK_MS)
    }
    return lags
  } finally {
    await client.end()
  }
}

/** Appends at full load while the read models follow; the latencies are their lags. */
async function lagUnderLoad(url: string, client: ClientProcess, seconds: number): Promise<Measured> {
  const load = client.run(CLIENTS, seconds)
  const [{ latenciesMs }, lags] = await Promise.all([load, watchLag(url, load)])
  return { seconds, latenciesMs: Float64Array.from(lags), operations: latenciesMs.length }
}

/** A database with a history; each turn builds all read models of it anew. */
async function openHistory(postgres: Postgres, { say }: BenchContext) {
  const url = await postgres.createDatabase('history')
  const sql = await openPg(new URL(url), PROFILES.postgres, { poolSize: 10, logger: silentLogger })
  await migrate(sql, MIGRATIONS, { afterwards: (tx) => createLogHeads(tx, sql.profile.logShards) })
  const store = await openLogStore(sql, 'payments')
  await store.register(paymentView)
  say(`making ${HISTORY.toLocaleString('en-US')} payments`)
  const events = await addPayments(url, HISTORY)
  async function rebuildOnce(): Promise<number> {
    const startedAt = performance.now()
    let foldedAt = startedAt
    await rebuild({ store, logger: silentLogger }, paymentView, () => {
      foldedAt = performance.now()
    })
    return foldedAt - startedAt
  }
  await rebuildOnce()
  return {
    events,
    async run(seconds: number): Promise<Measured> {
      const latenciesMs: number[] = []
      let total = 0
      while (total < seconds * 1_000) {
        await query(url, 'vacuum payment_view_gen', 'checkpoint')
        const took = await rebuildOnce()
        latenciesMs.push(took)
        total += took
      }
      const operations = latenciesMs.length * events
      return { seconds: total / 1_000, latenciesMs: Float64Array.from(latenciesMs), operations }
    },
    close: () => sql.close(),
  }
}

async function run(context: BenchContext): Promise<Outcome> {
  const postgres = await openPostgres(CONNECTIONS)
  const clients: ClientProcess[] = []
  const opened: { close(): Promise<void> }[] = []
  const start = async (url: string, ...workers: string[]) => {
    const client = await startClient(SCRIPT, [url, ...workers])
    clients.push(client)
    return client
  }
  try {
    const alone = await postgres.createDatabase('alone')
    const apart = await postgres.createDatabase('apart')
    const both = await start(alone, 'workers')
    const appender = await start(apart)
    await start(apart, 'workers')
    const history = await openHistory(postgres, context)
    opened.push(history)
    const contenders: Contender[] = [
      { name: 'lag, one process appends and folds', unit: 'events', run: (s) => lagUnderLoad(alone, both, s) },
      { name: 'lag, another process folds', unit: 'events', run: (s) => lagUnderLoad(apart, appender, s) },
      { name: 'rebuild', unit: 'events', run: history.run },
    ]
    const figures = await compare(contenders, context, postgres.checkpoint)
    const [together, separate, rebuilt] = figures
    return {
      engines: { postgresql: postgres.version },
      results: figures,
      goals: [
        atMost('lag p99 in ms under full append load, one process', 100, together!.p99_ms),
        atMost('lag p99 in ms under full append load, folded by another process', 100, separate!.p99_ms),
        atLeast('events/s of a rebuild of all read models', 50_000, rebuilt!.per_second),
      ],
      notes: [
        `Durable PostgreSQL, the clients, the workers and the server on the same ${availableParallelism()} processors.`,
        `lag: ${CLIENTS} clients create payments as fast as they are answered; events/s is what they append meanwhile. p50 to p99: from when an event is in the log to when all read models have it, looked at every ${LOOK_MS} ms.`,
        `rebuild: ${history.events.toLocaleString('en-US')} events of payments that were authorized, captured and, every tenth, refunded; into the payment view, customer transactions, ledger entries and balances, and sums of days. p50 to p99: one rebuild. Deleting the rows of the generation before is not timed.`,
      ],
    }
  } finally {
    // A process that was ended from outside can't be closed; the databases must go all the same.
    await Promise.allSettled([...clients, ...opened].map((each) => each.close()))
    await postgres.close()
  }
}

export const paymentsProjection: Bench = {
  name: 'payments.projection',
  about: 'the read models of payments: lag under full append load, and events/s of a rebuild',
  run,
}
