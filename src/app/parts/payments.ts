import { createPayments, type Payments, type PaymentsDeps } from '../../payments/payments.ts'
import { createPersonalData } from '../../payments/privacy/personal-data.ts'
import type { Processor } from '../../payments/processing/processor.ts'
import type { ProofFinding } from '../../payments/proof/findings.ts'
import type { SealsReport } from '../../payments/proof/verify-seals.ts'
import { createSettlements, type Settlements } from '../../payments/settlement/settlements.ts'
import { type PaymentDifference, type PaymentReport, verifyPayments } from '../../payments/verify/verify.ts'
import { BASIC_CAPABILITIES, createSandbox, type Sandbox } from '../../processors/sandbox/sandbox.ts'
import { sandboxSettlementCsv } from '../../processors/sandbox/settlement-file.ts'
import { openStripe } from '../../processors/stripe/stripe.ts'
import type { Base } from '../base.ts'
import { masterKeySource, openKeys } from '../keys.ts'
import { storeUrl } from '../stores.ts'
import { type LogPart, openLogPart } from './log.ts'
import { createMasterKeysPart, type MasterKeysPart } from './master-keys.ts'
import { openPaymentProofPart, type PaymentProofPart, type SealSources } from './payment-proof.ts'
import { checkRoutes, closedSandboxes, namedProcessors, startSandboxes } from './processors.ts'

/** The stores of the payment model. */
export const PAYMENT_STORES = ['payments'] as const

/** What is stored of payments, and the proof that their log is as it was written. */
export interface ProvenReport extends PaymentReport, Omit<SealsReport, 'findings'> {
  readonly differences: readonly (PaymentDifference | ProofFinding)[]
}

export interface PaymentsPart {
  readonly payments: Payments
  readonly sandbox: Sandbox
  /** A settlement file of the sandbox's books, as CSV. */
  readonly sandboxSettlementCsv: (period?: { fromMs?: number; toMs?: number }) => AsyncIterable<string>
  readonly settlements: Settlements
  readonly log: LogPart
  readonly proof: PaymentProofPart
  readonly masterKeys: MasterKeysPart
  /** Compares payments, their log, its seals, their read models and the processor's books; names each difference. */
  verify(onProgress?: (payments: number) => void, sources?: SealSources): Promise<ProvenReport>
  startWorkers(): void
}

/** Stripe, when it is configured. Throws `driver_missing`. */
async function openConfiguredStripe({ config, clock }: Base): Promise<Processor[]> {
  if (config.stripeSecretKey === undefined) return []
  const stripe = await openStripe({
    secretKey: config.stripeSecretKey,
    webhookSecrets: config.stripeWebhookSecret?.split(',').map((secret) => secret.trim()) ?? [],
    returnUrl: config.stripeReturnUrl,
    multicapture: config.stripeMulticapture,
    increments: config.stripeIncrements,
    apiUrl: config.stripeApiUrl,
    clock,
  })
  return [stripe]
}

export async function openPaymentsPart(
  base: Base,
  rules: Pick<PaymentsDeps, 'checkPayable'> = {},
): Promise<PaymentsPart> {
  const { config, clock, logger, metrics } = base
  const ports = await base.open('payments')
  const log = await openLogPart(base, ports.log, ports.projections)
  const sandboxOptions = { ledger: ports.sandboxLedger, clock, webhookSecret: config.sandboxSecret }
  const sandbox = createSandbox(sandboxOptions)
  const basic = { ...sandboxOptions, name: 'sandbox_basic', capabilities: BASIC_CAPABILITIES }
  const sandboxes = config.sandboxBasic ? [sandbox, createSandbox(basic)] : [sandbox]
  const own = base.options.processors ?? []
  const processors = namedProcessors([...sandboxes, ...(await openConfiguredStripe(base)), ...own])
  checkRoutes(config.routes, config.processor, processors)
  const keys = openKeys(config.keysDir, storeUrl(config, 'payments'))
  const proof = openPaymentProofPart(base, ports.proof, keys)
  const masterKeys = masterKeySource(config.masterKeys, keys)
  const personalData = createPersonalData({ store: ports.personalKeys, masterKeys, clock })
  const payments = createPayments({
    ...rules,
    ports,
    personalData,
    routes: config.routes,
    processors,
    defaultProcessor: config.processor,
    closedProcessors: closedSandboxes([sandbox.name], config.routes, config.processor),
    clock,
    logger,
    metrics,
    onAppended: log.wake,
  })
  const names = [...processors.keys()]
  return {
    payments,
    sandbox,
    sandboxSettlementCsv: (period) => sandboxSettlementCsv(ports.sandboxLedger, sandbox.name, period),
    settlements: createSettlements({ store: ports.settlements, processors: names, clock }),
    log,
    proof,
    masterKeys: createMasterKeysPart({ store: ports.personalKeys, keys, setting: config.masterKeys, clock }),
    async verify(onProgress, sources) {
      const { audit, store, sandboxLedger: ledger } = ports
      const ledgerOf = sandboxes.map(({ name }) => name)
      const report = await verifyPayments({ audit, store, ledger, ledgerOf, onProgress })
      const { findings, ...sealed } = await proof.verify(sources)
      const differences = [...report.differences, ...findings]
      return { ...report, ...sealed, ok: report.ok && findings.length === 0, differences }
    },
    startWorkers() {
      log.startProjectors()
      base.lifecycle.own('the worker of payments', payments.recovery.start())
      base.lifecycle.own('sandboxes', startSandboxes(sandboxes, payments, logger))
      proof.startSealer()
    },
  }
}
