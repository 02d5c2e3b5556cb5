/**
 * Faults that are put into the program on purpose. The simulation must find each of them: one that it does not find is a rule
 * that nobody watches.
 */
export interface Mutant {
  readonly name: string
  /** The module that is changed, below `src/`. */
  readonly module: string
  /** What is replaced in its source; it must be there exactly once. */
  readonly find: string
  readonly replace: string
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'a call without an answer is taken for a failure',
    module: 'payments/processing/operations.ts',
    find: "stop({ outcome: 'unknown' })",
    replace: "return { kind: 'failed', code: 'timeout', message: 'timeout' }",
  },
  {
    name: 'an operation is sent again though its key is no longer known',
    module: 'payments/processing/operations.ts',
    find: 'processor.capabilities.keyLifetimeMs * KEY_LIFETIME_USED',
    replace: 'Number.POSITIVE_INFINITY',
  },
  {
    name: 'a processor is called though its request may not be stored',
    module: 'payments/commands/writer.ts',
    find: 'const outcome = await store.append(append)',
    replace: "const outcome = await Promise.race([store.append(append), clock.sleep(8).then(() => 'appended')])",
  },
  {
    name: 'an operation is now and then sent under another key',
    module: 'payments/processing/operations.ts',
    find: 'const request = { key: opId,',
    replace: "const request = { key: opId + (Math.random() < 0.1 ? '_2' : ''),",
  },
  {
    name: 'an outcome is recorded though the operation is finished',
    module: 'payments/model/decide-outcome.ts',
    find: 'if (isFinished(operation)) return command.asFirst',
    replace: 'if (opId === undefined) return command.asFirst',
  },
  {
    name: 'captures are not limited to what is authorized',
    module: 'payments/model/decide.ts',
    find: 'if (asked > capturable)',
    replace: 'if (asked < 0n)',
  },
  {
    name: 'a statement whose answer was lost is taken for refused',
    module: 'engines/sql/send-until-known.ts',
    find: 'return inDoubt ? await landed(outcome) : outcome',
    replace: 'return outcome',
  },
  {
    name: 'a statement whose answer was lost is taken for done',
    module: 'engines/sql/send-until-known.ts',
    find: 'return inDoubt ? await landed(outcome) : outcome',
    replace: "return inDoubt ? ('appended' as Outcome) : outcome",
  },
  {
    name: 'a key that was used before is not looked at',
    module: 'payments/commands/writer.ts',
    find: 'const stored = takes === undefined ? undefined : await store.readKey(takes.key)',
    replace: 'const stored = undefined',
  },
  {
    name: 'the worker forgets what had no answer',
    module: 'payments/processing/recovery.ts',
    find: '(await resolveDue())',
    replace: '0',
  },
  {
    name: 'webhooks are confirmed and thrown away',
    module: 'payments/inbox/applying.ts',
    find: 'await applySubject(reading, processor)',
    replace: '',
  },
  {
    name: 'an old message is believed though it contradicts a newer one',
    module: 'payments/processing/operations.ts',
    find: 'asFirst: true',
    replace: 'asFirst: undefined',
  },
  {
    name: 'what no processor knows is taken for refused',
    module: 'payments/processing/operations.ts',
    find: 'if (found !== undefined) return found',
    replace: "return found ?? { kind: 'failed', code: 'unknown', message: 'unknown' }",
  },
  {
    name: 'a repeat answers what is now, not what was',
    module: 'payments/commands/commands.ts',
    find: 'stateAsOf(store, id, { version })',
    replace: 'writer.load(id).then((snapshot) => snapshot.state)',
  },
  {
    name: 'the ledger forgets one side of a posting',
    module: 'payments/read-model/postings.ts',
    find: ', { account: fullName(from), amount: -amount }',
    replace: '',
  },
  {
    name: 'a refund that came back still counts',
    module: 'payments/model/evolve.ts',
    find: 'draft.refunded -= BigInt(payload.amount)',
    replace: 'draft.refunded -= 0n',
  },
  {
    name: 'the hash of an event is not about who caused it',
    module: 'payments/model/hash-chain.ts',
    find: 'opId, actor: by.actor, prevHash, hash }',
    replace: "opId, actor: by.actor + '?', prevHash, hash }",
  },
]
