import type { AuditedPayment } from '../ports/audit.ts'
import type { SandboxEntry, SandboxLedger } from '../ports/sandbox-ledger.ts'
import type { OperationRow, PaymentStore } from '../ports/store.ts'

/** Facts that say how much an operation has moved. */
const AMOUNT_EVENTS = new Set([
  'AUTHORIZED',
  'PARTIALLY_AUTHORIZED',
  'INCREMENTED',
  'CAPTURED',
  'VOIDED',
  'REFUNDED',
  'OUTCOME_CORRECTED',
])

const isDecision = ({ type }: { readonly type: string }) => type === 'REVIEW_RESOLVED'

export interface Finding {
  readonly subject: string
  readonly problem: string
}

/** An operation recorded as succeeded against what the processor says it did. */
function effectProblems(row: OperationRow, amount: bigint | undefined, effects: readonly SandboxEntry[]): string[] {
  const [effect] = effects
  if (effect === undefined) return ['recorded as done, but the processor has not done it']
  if (effects.length > 1) return [`done ${effects.length} times by the processor`]
  return amount === undefined || effect.amount === amount
    ? []
    : [`${row.kind} of ${amount} recorded, the processor says ${effect.amount}`]
}

/** What the processor did against what is recorded of it. A refund that came back was done, and has failed. */
function entryProblems({ kind, amount }: SandboxEntry, row: OperationRow | undefined): string[] {
  if (row === undefined) return [`the processor did a ${kind} of ${amount} that nobody asked for`]
  const isUndone = row.status === 'failed' && row.settled === 0n
  return isUndone ? [`the processor did a ${kind} of ${amount} that is recorded as failed`] : []
}

/** The operations of a page of payments against the books of the processors in `names`. */
export async function compareEffects(
  page: readonly AuditedPayment[],
  ledger: SandboxLedger,
  names: readonly string[],
): Promise<Finding[]> {
  const done = page.flatMap(({ operations }) =>
    operations.filter(({ status, processor }) => status === 'succeeded' && names.includes(processor)),
  )
  const amounts = new Map<string, bigint>()
  for (const { events } of page) {
    for (const { opId, type, payload } of events)
      if (opId !== undefined && AMOUNT_EVENTS.has(type)) amounts.set(opId, BigInt(Number(payload['amount'])))
  }
  // What a void has freed is what there was; a person who says that it succeeded need not know how much that had become.
  const decided = new Set(page.flatMap(({ events }) => events.filter(isDecision).map(({ opId }) => opId)))
  const amountOf = ({ kind, opId }: OperationRow) =>
    kind === 'void' && decided.has(opId) ? undefined : (amounts.get(opId) ?? 0n)
  const keyOf = (processor: string, key: string) => `${processor} ${key}`
  const effects = new Map<string, SandboxEntry[]>()
  for (const entry of await ledger.entriesOf(done.map(({ opId }) => opId))) {
    if (entry.status !== 'succeeded') continue
    const key = keyOf(entry.processor, entry.key)
    effects.set(key, [...(effects.get(key) ?? []), entry])
  }
  return done.flatMap((row) =>
    effectProblems(row, amountOf(row), effects.get(keyOf(row.processor, row.opId)) ?? []).map((problem) => ({
      subject: row.opId,
      problem,
    })),
  )
}

const PAGE = 500

/** All that the processors have done against the operations; answers how many entries their books have. */
export async function compareBooks(
  ledger: SandboxLedger,
  store: Pick<PaymentStore, 'operation'>,
  note: (finding: Finding) => void,
): Promise<number> {
  let total = 0
  for (let after = 0n; ; ) {
    const entries = await ledger.entries(after, PAGE)
    for (const { entry } of entries) {
      if (entry.status !== 'succeeded') continue
      const problems = entryProblems(entry, await store.operation(entry.key))
      for (const problem of problems) note({ subject: entry.key, problem })
    }
    total += entries.length
    if (entries.length < PAGE) return total
    after = entries.at(-1)!.entryId
  }
}
