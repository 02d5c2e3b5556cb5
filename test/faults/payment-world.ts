import { type FakeClock, systemClock } from '../../src/core/clock.ts'
import { createIdMaker } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { openPg } from '../../src/engines/postgres/client-pg.ts'
import { openPglite } from '../../src/engines/postgres/client-pglite.ts'
import { openPaymentPorts } from '../../src/engines/postgres/payment-ports.ts'
import { PROFILES } from '../../src/engines/postgres/profiles.ts'
import type { SqlClient, SqlTx } from '../../src/engines/sql/sql.ts'
import { foldAll } from '../../src/log/fold.ts'
import { createPayments, type Payments, type PaymentsDeps } from '../../src/payments/payments.ts'
import { createPersonalData, masterKeyOf } from '../../src/payments/privacy/personal-data.ts'
import { verifyPayments } from '../../src/payments/verify/verify.ts'
import { createSandbox } from '../../src/processors/sandbox/sandbox.ts'
import type { DeedWorld } from '../setup/payment-cutoffs.ts'

export interface PaymentWorld extends DeedWorld {
  process(options?: Partial<PaymentsDeps>): Payments
  project(): Promise<void>
  recover(ms: number): Promise<void>
  verify(): ReturnType<typeof verifyPayments>
  close(): Promise<void>
}

async function openSql(url: string): Promise<SqlClient> {
  if (url.startsWith('pglite:')) return openPglite(url.slice('pglite:'.length))
  return openPg(new URL(url), PROFILES.postgres, { poolSize: 4, logger: silentLogger })
}

function watched(sql: SqlClient, before: () => Promise<void>): SqlClient {
  const query = (runner: SqlClient | SqlTx): SqlTx['query'] => {
    return async (text, params) => {
      await before()
      return runner.query(text, params)
    }
  }
  const watchedTx = (tx: SqlTx): SqlTx => ({ query: query(tx), script: tx.script })
  return {
    ...sql,
    query: query(sql),
    transaction: (work, options) => sql.transaction((tx) => work(watchedTx(tx)), options),
  }
}

/** Payments and their sandbox on a migrated database, in any process: as it is opened again after a kill. */
export async function openPaymentWorld(
  url: string,
  master: string,
  clock: FakeClock,
  { beforeStatement }: { beforeStatement?: () => Promise<void> } = {},
): Promise<PaymentWorld> {
  const real = await openSql(url)
  const sql = beforeStatement === undefined ? real : watched(real, beforeStatement)
  const metrics = createMetrics()
  // A clock that stands still would make the same ids again after each opening.
  const ids = createIdMaker({ node: 1, clock: systemClock })
  const ports = await openPaymentPorts(sql, { logger: silentLogger, metrics, clock, poolSize: 4, ids })
  const sandbox = createSandbox({ ledger: ports.sandboxLedger, clock, webhookSecret: 'sandbox-test-secret' })
  const masterKey = masterKeyOf(Buffer.from(master, 'base64'))
  const masterKeys = async () => [masterKey] as const
  const personalData = createPersonalData({ store: ports.personalKeys, masterKeys, clock })
  const process = (options: Partial<PaymentsDeps> = {}) =>
    createPayments({
      ...{ ports, personalData, routes: [], processors: new Map([[sandbox.name, sandbox]]) },
      ...{ defaultProcessor: sandbox.name, clock, logger: silentLogger, metrics, ...options },
    })
  const payments = process()
  return {
    ...{ ports, payments, sandbox, clock, process },
    async project() {
      for (const projection of ports.projections) await foldAll({ store: ports.log, logger: silentLogger }, projection)
    },
    async recover(ms) {
      await clock.advance(ms)
      while ((await payments.recovery.runDue()) > 0);
    },
    verify: () => verifyPayments({ audit: ports.audit, store: ports.store, ledger: ports.sandboxLedger }),
    close: () => real.close(),
  }
}
