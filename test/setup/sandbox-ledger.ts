import type {
  SandboxCharge,
  SandboxDue,
  SandboxEffect,
  SandboxEntry,
  SandboxLedger,
} from '../../src/payments/ports/sandbox-ledger.ts'

/** The ledger's promises in memory; the real ones keep to its contract suite. */
export function memoryLedger(): SandboxLedger {
  const alive = new Map<string, number>()
  const lost = new Set<string>()
  const entries: SandboxEntry[] = []
  const charges = new Map<string, SandboxCharge>()
  let dues: SandboxDue[] = []
  const seen = new Set<string>()
  const last = (key: string, processor?: string) =>
    entries.findLast((entry) => entry.key === key && (processor ?? entry.processor) === entry.processor)
  const put = ({ charge, changes = [], dues: more = [] }: SandboxEffect) => {
    if (charge !== undefined) charges.set(charge.reference, charge)
    for (const entry of changes) entries[entries.indexOf(last(entry.key)!)] = entry
    for (const due of more) {
      if (!seen.has(due.dueId)) dues.push(due)
      seen.add(due.dueId)
    }
  }
  return {
    async post({ key, reference }, { nowMs, expiresAtMs }, decide) {
      if ((alive.get(key) ?? 0) > nowMs) return last(key)!
      alive.set(key, expiresAtMs)
      const charge = reference === undefined ? undefined : charges.get(reference)
      const effect = decide(charge, entries.filter((entry) => entry.key === key).length)
      put(effect)
      entries.push(effect.entry)
      return effect.entry
    },
    async lose(key) {
      const first = !lost.has(key)
      lost.add(key)
      return first
    },
    charge: async (reference) => charges.get(reference),
    find: async (key, processor) => last(key, processor),
    async change({ key, processor }, decide) {
      const entry = last(key, processor)
      const charge = charges.get(entry?.charge ?? '')
      const effect = entry === undefined || charge === undefined ? undefined : decide(entry, charge)
      if (effect === undefined) return undefined
      put(effect)
      entries[entries.indexOf(entry!)] = effect.entry
      return effect
    },
    async claimDues(_processor, nowMs, leaseUntilMs, limit) {
      const claimed = dues.filter((due) => due.dueAtMs <= nowMs).sort((a, b) => a.dueAtMs - b.dueAtMs)
      const some = claimed.slice(0, limit)
      dues = dues.map((due) => (some.includes(due) ? { ...due, dueAtMs: leaseUntilMs } : due))
      return some
    },
    async finishDues(_processor, ids) {
      dues = dues.filter((due) => !ids.includes(due.dueId))
    },
    entriesOf: async (keys) => entries.filter((entry) => keys.includes(entry.key)),
    entries: async () => entries.map((entry, index) => ({ entryId: BigInt(index + 1), entry })),
  }
}
