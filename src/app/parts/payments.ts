import { createPayments, type Payments, type PaymentsDeps } from '../../payments/payments.ts'
import { createPersonalData, randomMasterKey } from '../../payments/privacy/personal-data.ts'
import { type PaymentReport, verifyPayments } from '../../payments/verify.ts'
import { createSandbox, type Sandbox } from '../../processors/sandbox/sandbox.ts'
import type { Base } from '../base.ts'
import { type LogPart, openLogPart } from './log.ts'

/** The stores of the payment model. */
export const PAYMENT_STORES = ['payments'] as const

export interface PaymentsPart {
  readonly payments: Payments
  readonly sandbox: Sandbox
  readonly log: LogPart
  /** Compares payments, their log, their read models and the processor's books; names each difference. */
  verify(onProgress?: (payments: number) => void): Promise<PaymentReport>
  startWorkers(): void
}

export async function openPaymentsPart(
  base: Base,
  rules: Pick<PaymentsDeps, 'checkPayable'> = {},
): Promise<PaymentsPart> {
  const { config, clock, logger, metrics } = base
  const ports = await base.open('payments')
  const log = await openLogPart(base, ports.log, ports.projections)
  const sandbox = createSandbox({ ledger: ports.sandboxLedger, clock, webhookSecret: config.sandboxSecret })
  const payments = createPayments({
    ...rules,
    ports,
    personalData: createPersonalData({ store: ports.personalKeys, masterKeys: [randomMasterKey()], clock }),
    routes: [],
    processors: new Map([[sandbox.name, sandbox]]),
    defaultProcessor: config.processor,
    clock,
    logger,
    metrics,
    onAppended: log.wake,
  })
  return {
    payments,
    sandbox,
    log,
    verify: (onProgress) =>
      verifyPayments({ audit: ports.audit, store: ports.store, ledger: ports.sandboxLedger, onProgress }),
    startWorkers() {
      log.startProjectors()
      base.lifecycle.own(payments.recovery.start())
    },
  }
}
