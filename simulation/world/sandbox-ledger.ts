import type { SandboxEffect, SandboxEntry, SandboxLedger } from '../../src/payments/ports/sandbox-ledger.ts'
import { claim } from './payment-store.ts'
import { asJson, type Books, type Witness } from './tables.ts'

/** The books of the sandboxes: each change is whole and at once, and no fault of ours ever touches them. */
export function openSandboxLedger(books: Books, witness: Witness): SandboxLedger {
  const nameOf = (of: { readonly processor: string; readonly key: string }) => `${of.processor} ${of.key}`
  const entriesOf = (name: string) => books.entries.get(name) ?? []

  function changeEntry(entry: SandboxEntry): void {
    entriesOf(nameOf(entry)).splice(-1, 1, entry)
    witness.posted(entry)
  }

  function putAround({ charge, changes = [], dues = [] }: SandboxEffect): void {
    if (charge !== undefined) books.charges.set(charge.reference, charge)
    for (const entry of changes) changeEntry(entry)
    for (const due of dues) {
      const name = `${due.processor} ${due.dueId}`
      if (!books.dues.has(name)) books.dues.set(name, { ...due, deed: asJson(due.deed) })
    }
  }

  const find = (key: string, processor?: string): SandboxEntry | undefined => {
    const processors =
      processor === undefined ? [...new Set(Array.from(books.charges.values(), (c) => c.processor))] : [processor]
    return processors.flatMap((each) => entriesOf(`${each} ${key}`)).at(-1)
  }

  return {
    async post({ processor, key, reference }, { nowMs, expiresAtMs }, decide) {
      const name = nameOf({ processor, key })
      const knownUntilMs = books.keys.get(name)
      if (knownUntilMs !== undefined && knownUntilMs > nowMs) return entriesOf(name).at(-1)!
      const earlier = entriesOf(name)
      const effect = decide(reference === undefined ? undefined : books.charges.get(reference), earlier.length)
      books.keys.set(name, expiresAtMs)
      putAround(effect)
      books.entries.set(name, [...earlier, effect.entry])
      witness.posted(effect.entry)
      return effect.entry
    },
    async lose(key) {
      const name = `(lost) ${key}`
      if (books.keys.has(name)) return false
      books.keys.set(name, 0)
      return true
    },
    charge: async (reference) => books.charges.get(reference),
    find: async (key, processor) => find(key, processor),
    async change(of, decide) {
      const entry = entriesOf(nameOf(of)).at(-1)
      const charge = entry?.charge === undefined ? undefined : books.charges.get(entry.charge)
      const effect = entry === undefined || charge === undefined ? undefined : decide(entry, charge)
      if (effect === undefined) return undefined
      putAround(effect)
      changeEntry(effect.entry)
      return effect
    },
    async claimDues(processor, nowMs, leaseUntilMs, limit) {
      const own = [...books.dues.values()].filter((due) => due.processor === processor)
      return claim(own, 'dueAtMs', nowMs, leaseUntilMs, limit)
    },
    async finishDues(processor, dueIds) {
      for (const dueId of dueIds) {
        // Never forgotten, so that the same deed is not begun again.
        const due = books.dues.get(`${processor} ${dueId}`)
        if (due !== undefined) due.dueAtMs = Number.POSITIVE_INFINITY
      }
    },
    entriesOf: async (keys) =>
      [...books.entries].flatMap(([name, entries]) =>
        keys.includes(name.slice(name.indexOf(' ') + 1)) ? entries : [],
      ),
    entries: async () =>
      [...books.entries.values()].flat().map((entry, index) => ({ entryId: BigInt(index + 1), entry })),
  }
}
