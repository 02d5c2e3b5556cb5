import { type FakeClock, fakeClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { openPaymentPorts } from '../../src/engines/postgres/payment-ports.ts'
import type { SqlClient } from '../../src/engines/sql/sql.ts'
import { foldAll } from '../../src/log/fold.ts'
import { createPayments, type Payments, type PaymentsDeps } from '../../src/payments/payments.ts'
import type { PaymentPorts } from '../../src/payments/ports/ports.ts'
import { createPersonalData, randomMasterKey } from '../../src/payments/privacy/personal-data.ts'
import type { Faults } from '../../src/payments/processing/operations.ts'
import { type PaymentReport, verifyPayments } from '../../src/payments/verify/verify.ts'
import { createSandbox, type Sandbox } from '../../src/processors/sandbox/sandbox.ts'
import type { SqlEngineUnderTest, TestDatabase } from './sql.ts'

export const WEBHOOK_SECRET = 'sandbox-test-secret'

export interface PaymentBench {
  readonly database: TestDatabase
  readonly sql: SqlClient
  readonly clock: FakeClock
  readonly ports: PaymentPorts
  readonly sandbox: Sandbox
  readonly payments: Payments
  /** Another process on the same database, with faults of its own. */
  process(options?: Partial<PaymentsDeps>): Payments
  /** Brings the read models up to date. */
  project(): Promise<void>
  /** Moves time on and lets the worker do what is due, until nothing is. */
  recover(ms: number): Promise<void>
  verify(): Promise<PaymentReport>
  close(): Promise<void>
}

/** Payments with the sandbox on a fresh database, at a time that stands still. */
export async function openPaymentBench(engine: SqlEngineUnderTest): Promise<PaymentBench> {
  const database = await engine.create()
  const clock = fakeClock()
  const { sql } = database
  const context = { ...database.context, clock }
  const ports = await openPaymentPorts(sql, context)
  const sandbox = createSandbox({ ledger: ports.sandboxLedger, clock, webhookSecret: WEBHOOK_SECRET })
  const masterKeys = [randomMasterKey()] as const
  const process = (options: Partial<PaymentsDeps> = {}) =>
    createPayments({
      ...{ ports, processors: new Map([['sandbox', sandbox]]), defaultProcessor: 'sandbox' },
      ...{ personalData: createPersonalData({ store: ports.personalKeys, masterKeys, clock }), routes: [] },
      ...{ clock, logger: silentLogger, metrics: context.metrics },
      ...options,
    })
  const payments = process()
  const project = async () => {
    for (const projection of ports.projections) await foldAll({ store: ports.log, logger: silentLogger }, projection)
  }
  return {
    ...{ database, sql, clock, ports, sandbox, payments, process, project },
    async recover(ms) {
      await clock.advance(ms)
      while ((await payments.recovery.runDue()) > 0);
    },
    verify: () => verifyPayments({ audit: ports.audit, store: ports.store, ledger: ports.sandboxLedger }),
    close: () => database.drop(),
  }
}

/** Throws once at the given moment of the given kind of operation, as if the process had died there. */
export function crashOnce(point: Parameters<Faults>[0], kind: string): Faults {
  let armed = true
  return (at, operation) => {
    if (!armed || at !== point || operation.kind !== kind) return
    armed = false
    throw new Error(`crash: ${point} ${kind}`)
  }
}

export const card = (token: string) => ({ type: 'card', token })
