import { systemClock } from '../src/core/clock.ts'
import { LIMITS } from '../src/core/limits.ts'
import { silentLogger } from '../src/core/logger.ts'
import { openPg } from '../src/engines/postgres/client-pg.ts'
import { openLogStore } from '../src/engines/postgres/log-store.ts'
import { paymentSnapshots } from '../src/engines/postgres/payment-snapshots.ts'
import { openPaymentStore } from '../src/engines/postgres/payment-store.ts'
import { PROFILES } from '../src/engines/postgres/profiles.ts'
import { foldAll } from '../src/log/fold.ts'
import { openPayments } from '../src/standalone/payments.ts'
import { paymentHistory, storeHistory } from '../src/testing/payment-history.ts'
import type { Bench, BenchContext, Contender, Outcome } from './bench.ts'
import { type ClientProcess, startClient } from './client-process.ts'
import { atLeast, compare, ratio } from './measure.ts'
import { openPostgres, query } from './postgres.ts'

const EVENTS = 10_000
const CONNECTIONS = 16
/** Half-way between two snapshots: as many events are folded on top as on average. */
const AT_VERSION = EVENTS + LIMITS.snapshotEveryEvents / 2

/** Two payments with the same history, the first with its snapshots, the second without. */
async function setUp(url: string): Promise<readonly [string, string]> {
  await (await openPayments({ database: url, workers: false })).close()
  const sql = await openPg(new URL(url), PROFILES.postgres, { poolSize: 4, logger: silentLogger })
  try {
    const log = await openLogStore(sql, 'payments')
    const store = openPaymentStore(sql, systemClock, log.shards)
    const histories = [paymentHistory(AT_VERSION), paymentHistory(AT_VERSION)] as const
    for (const history of histories) await storeHistory(store, history)
    await log.register(paymentSnapshots)
    await foldAll({ store: log, logger: silentLogger }, paymentSnapshots)
    const [kept, bare] = histories.map(({ paymentIntentId }) => paymentIntentId) as [string, string]
    await sql.query('delete from payment_snapshots_gen where payment_intent_id = $1', [bare])
    return [kept, bare]
  } finally {
    await sql.close()
  }
}

async function run(context: BenchContext): Promise<Outcome> {
  const postgres = await openPostgres(CONNECTIONS)
  const clients: ClientProcess[] = []
  try {
    const url = await postgres.createDatabase('load')
    context.say(`storing two payments of ${AT_VERSION} events`)
    const ids = await setUp(url)
    await query(url, 'vacuum analyze')
    for (const id of ids)
      clients.push(
        await startClient(new URL('./clients/payments-load.js', import.meta.url), [url, id, `${AT_VERSION}`]),
      )
    const contenders = ['with snapshots', 'by replay'].map(
      (name, index): Contender => ({ name, unit: 'loads', run: (seconds) => clients[index]!.run(1, seconds) }),
    )
    const figures = await compare(contenders, context, postgres.checkpoint)
    const [snapshot, replay] = figures
    return {
      engines: { postgresql: postgres.version },
      results: figures,
      goals: [atLeast('with snapshots, against a replay of all events', 50, ratio(snapshot!, replay!))],
      notes: [
        `One client loads the state of a payment of ${AT_VERSION} events, from the database to the folded state.`,
        `A snapshot is taken at every ${LIMITS.snapshotEveryEvents} events; ${LIMITS.snapshotEveryEvents / 2} follow the newest.`,
      ],
    }
  } finally {
    await Promise.all(clients.map((client) => client.close()))
    await postgres.close()
  }
}

export const paymentsLoad: Bench = {
  name: 'payments.load',
  about: 'the state of a payment with ten thousand events, with snapshots and by replay',
  run,
}
