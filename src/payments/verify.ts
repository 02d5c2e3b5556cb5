import { canonicalJson, NO_HASH } from '../core/canonical-json.ts'
import { messageOf } from '../core/errors.ts'
import { foldStored } from './commands/writer.ts'
import { chainBreaks } from './model/hash-chain.ts'
import { isFinished, type PaymentState, statusOf } from './model/state.ts'
import { stateToJson } from './model/state-json.ts'
import type { AuditedPayment, PaymentAudit } from './ports/audit.ts'
import type { SandboxEntry, SandboxLedger } from './ports/sandbox-ledger.ts'
import type { OperationRow, PaymentStore, StoredEvent } from './ports/store.ts'
import { TRANSACTION_TYPE_OF } from './schemas.ts'

/** One thing that is not as it must be. `subject` is a payment, an operation or a shard of the log. */
export interface PaymentDifference {
  readonly subject: string
  readonly problem: string
}

export interface PaymentReport {
  readonly ok: boolean
  readonly payments: number
  readonly events: number
  readonly operations: number
  readonly ledger_entries: number
  /** Operations without an outcome, by status: no mistake, but money whose fate is not known yet. */
  readonly open_operations: Readonly<Record<string, number>>
  /** What was taken and given back by the events, by currency, in minor units. */
  readonly captured: Readonly<Record<string, string>>
  readonly refunded: Readonly<Record<string, string>>
  readonly differences: readonly PaymentDifference[]
}

export interface VerifyPaymentsDeps {
  readonly audit: PaymentAudit
  readonly store: Pick<PaymentStore, 'operation' | 'openOperations'>
  /** The processor's books, where they can be read: the sandbox's. */
  readonly ledger?: SandboxLedger | undefined
  /** Called now and then with the number of payments looked at. */
  readonly onProgress?: ((payments: number) => void) | undefined
}

const PAGE = 500

/** Values of both that differ, in words. */
function differing(what: string, actual: Record<string, unknown>, expected: Record<string, unknown>): string[] {
  return Object.keys(expected).flatMap((name) => {
    const [a, b] = [actual[name], expected[name]]
    return String(a) === String(b) ? [] : [`${what}: ${name} is ${String(a)}, its events say ${String(b)}`]
  })
}

function headProblems({ head }: AuditedPayment, state: PaymentState, hash: Uint8Array): string[] {
  const problems = differing(
    'head',
    { ...head },
    {
      version: state.version,
      status: statusOf(state),
      amount: state.amount,
      currency: state.currency,
      authorized: state.authorized,
      capturePending: state.capturePending,
      captured: state.captured,
      refundPending: state.refundPending,
      refunded: state.refunded,
      customerId: state.customerId,
      orderId: state.orderId,
    },
  )
  if (Buffer.compare(head.hash, hash) !== 0) problems.push('head: its hash is not that of the last event')
  return problems
}

function operationProblems({ operations }: AuditedPayment, state: PaymentState): string[] {
  const rows = new Map(operations.map((row) => [row.opId, row]))
  const problems: string[] = []
  for (const operation of state.operations.values()) {
    const row = rows.get(operation.opId)
    rows.delete(operation.opId)
    if (row === undefined) {
      problems.push(`operation ${operation.opId} has events but no row`)
      continue
    }
    const { kind, amount, status } = operation
    problems.push(...differing(`operation ${operation.opId}`, { ...row }, { kind, amount, status }))
    if (!isFinished(operation) && row.nextCheckAtMs === undefined)
      problems.push(`operation ${operation.opId} is open and nobody will look at it`)
  }
  for (const opId of rows.keys()) problems.push(`operation ${opId} has a row but no event`)
  return problems
}

/** The read models against the events they had seen when they were read. */
function viewProblems({ events, view, transactions, checkpoints }: AuditedPayment): string[] {
  const seen = events.filter((event) => event.eventId <= checkpoints.view)
  const problems: string[] = []
  if (seen.length === 0 && view !== undefined) problems.push('view: shows a payment whose events it has not seen')
  if (seen.length > 0) {
    const expected = stateToJson(foldStored(seen))
    const actual = view === undefined ? undefined : stateToJson(view)
    if (actual === undefined) problems.push('view: the payment is missing')
    else problems.push(...viewDifferences(actual, expected))
  }
  const customer = events[0]?.payload['customer_id']
  const due = events.filter(
    (event) => event.eventId <= checkpoints.transactions && isTransaction(event) && customer !== undefined,
  )
  const wanted = due.map((event) => `${event.version} ${event.type} ${String(event.payload['amount'])}`).join(', ')
  const got = transactions.map((row) => `${row.version} ${row.type} ${row.amount}`).join(', ')
  if (wanted !== got) problems.push(`customer transactions: (${got}) instead of (${wanted})`)
  return problems
}

function viewDifferences(actual: Record<string, unknown>, expected: Record<string, unknown>): string[] {
  const names = Object.keys(expected).filter(
    (name) => canonicalJson(actual[name] ?? null) !== canonicalJson(expected[name] ?? null),
  )
  return names.map((name) => `view: ${name} is not what the events say`)
}

function isTransaction({ type, payload }: StoredEvent): boolean {
  return Object.hasOwn(TRANSACTION_TYPE_OF, type) && Number(payload['amount'] ?? 0) > 0
}

function paymentProblems(audited: AuditedPayment): { problems: string[]; state: PaymentState | undefined } {
  const problems = chainBreaks(audited.events)
  for (let i = 1; i < audited.events.length; i++) {
    if (audited.events[i]!.eventId <= audited.events[i - 1]!.eventId)
      problems.push(`version ${audited.events[i]!.version} comes before an earlier one in the log`)
  }
  try {
    const state = foldStored(audited.events)
    problems.push(...headProblems(audited, state, audited.events.at(-1)?.hash ?? NO_HASH))
    problems.push(...operationProblems(audited, state), ...viewProblems(audited))
    return { problems, state }
  } catch (error) {
    problems.push(`its events can't be read: ${messageOf(error)}`)
    return { problems, state: undefined }
  }
}

function effectsOf(entries: readonly SandboxEntry[]): Map<string, SandboxEntry[]> {
  const effects = new Map<string, SandboxEntry[]>()
  for (const entry of entries) {
    if (entry.status !== 'succeeded') continue
    const known = effects.get(entry.key)
    if (known === undefined) effects.set(entry.key, [entry])
    else known.push(entry)
  }
  return effects
}

/** Operations recorded as succeeded against what the processor says it did. */
function effectProblems(row: OperationRow, amount: bigint, effects: readonly SandboxEntry[]): string[] {
  if (effects.length === 0) return ['recorded as done, but the processor has not done it']
  if (effects.length > 1) return [`done ${effects.length} times by the processor`]
  const [effect] = effects
  return effect!.amount === amount ? [] : [`${row.kind} of ${amount} recorded, the processor says ${effect!.amount}`]
}

/** What the processor did against what is recorded of it. */
async function entryProblems(store: Pick<PaymentStore, 'operation'>, entry: SandboxEntry): Promise<string[]> {
  if (entry.status !== 'succeeded') return []
  const row = await store.operation(entry.key)
  if (row === undefined) return [`the processor did a ${entry.kind} of ${entry.amount} that nobody asked for`]
  if (row.status === 'failed')
    return [`the processor did a ${entry.kind} of ${entry.amount} that is recorded as failed`]
  return []
}

const AMOUNT_EVENTS = new Set([
  'AUTHORIZED',
  'PARTIALLY_AUTHORIZED',
  'CAPTURED',
  'VOIDED',
  'REFUNDED',
  'OUTCOME_CORRECTED',
])

/**
 * Checks that payments are what their events say: versions dense, hashes chained, head and read models equal to the
 * fold, log contiguous, operations ended or to be seen; and, with the processor's books, that each effect happened
 * exactly once and no money is doubled or lost. Reads only, and may run under load.
 */
export async function verifyPayments(deps: VerifyPaymentsDeps): Promise<PaymentReport> {
  const { audit, store, ledger, onProgress } = deps
  const differences: PaymentDifference[] = []
  const note = (subject: string, problems: readonly string[]) => {
    for (const problem of problems) differences.push({ subject, problem })
  }
  const totals = { payments: 0, events: 0, operations: 0, ledger_entries: 0 }
  const captured = new Map<string, bigint>()
  const refunded = new Map<string, bigint>()
  const add = (sums: Map<string, bigint>, currency: string, amount: bigint) =>
    sums.set(currency, (sums.get(currency) ?? 0n) + amount)

  async function compareEffects(page: readonly AuditedPayment[]): Promise<void> {
    if (ledger === undefined) return
    const done = page.flatMap(({ operations }) =>
      operations.filter((row) => row.status === 'succeeded' && row.processor === 'sandbox'),
    )
    const amounts = new Map<string, bigint>()
    for (const { events } of page) {
      for (const event of events) {
        if (event.opId !== undefined && AMOUNT_EVENTS.has(event.type))
          amounts.set(event.opId, BigInt(Number(event.payload['amount'])))
      }
    }
    const effects = effectsOf(await ledger.entriesOf(done.map((row) => row.opId)))
    for (const row of done)
      note(row.opId, effectProblems(row, amounts.get(row.opId) ?? 0n, effects.get(row.opId) ?? []))
  }

  let last: AuditedPayment | undefined
  for (;;) {
    const page: AuditedPayment[] = await audit.page(last, PAGE)
    for (const audited of page) {
      const { problems, state } = paymentProblems(audited)
      note(audited.paymentIntentId, problems)
      totals.payments += 1
      totals.events += audited.events.length
      totals.operations += audited.operations.length
      if (state !== undefined && state.captured > 0n) {
        add(captured, state.currency, state.captured)
        add(refunded, state.currency, state.refunded)
      }
    }
    await compareEffects(page)
    onProgress?.(totals.payments)
    last = page.at(-1)
    if (page.length < PAGE) break
  }

  for (let after = 0n; ledger !== undefined; ) {
    const entries = await ledger.entries(after, PAGE)
    for (const { entry } of entries) note(entry.key, await entryProblems(store, entry))
    totals.ledger_entries += entries.length
    if (entries.length < PAGE) break
    after = entries.at(-1)!.entryId
  }

  for (const count of await audit.counts()) {
    const whole =
      count.events === count.head &&
      count.lastEventId === count.head &&
      count.firstEventId === (count.head > 0n ? 1n : 0n)
    if (whole) continue
    const found = `${count.events} events from ${count.firstEventId} to ${count.lastEventId}`
    note(`payments log, shard ${count.shard}`, [`${found}, but ${count.head} were numbered`])
  }
  for (const orphan of await audit.orphans(PAGE)) note(orphan, ['has events but no head'])

  const shown = (sums: Map<string, bigint>) =>
    Object.fromEntries([...sums].sort().map(([currency, sum]) => [currency, sum.toString()]))
  return {
    ok: differences.length === 0,
    ...totals,
    open_operations: await store.openOperations(),
    captured: shown(captured),
    refunded: shown(refunded),
    differences,
  }
}
