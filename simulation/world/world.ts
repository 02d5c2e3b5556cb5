import { createMetrics } from '../../src/core/metrics.ts'
import { randomMasterKey } from '../../src/payments/privacy/personal-data.ts'
import { BASIC_CAPABILITIES, createSandbox, type Sandbox } from '../../src/processors/sandbox/sandbox.ts'
import { createWitness, type Witnesses } from '../checks/witness.ts'
import { createNetwork, databaseError, type FaultRates, type Host, type Network, NO_FAULTS } from '../engine/network.ts'
import type { Random } from '../engine/random.ts'
import type { Timeline } from '../engine/timeline.ts'
import { openSandboxLedger } from './sandbox-ledger.ts'
import { type Books, createBooks, createTables, type Tables } from './tables.ts'

export const WEBHOOK_SECRET = 'simulated'
const SHARDS = 2

/** One for all worlds: making it costs more than a seed does. */
const metrics = createMetrics()

/** What is outside of every process, and outlives them. */
export interface World {
  readonly timeline: Timeline
  readonly random: Random
  readonly network: Network
  readonly database: Host
  readonly banks: Host
  readonly tables: Tables
  readonly books: Books
  readonly sandboxes: ReadonlyMap<string, Sandbox>
  readonly witness: Witnesses
  readonly masterKey: ReturnType<typeof randomMasterKey>
  readonly metrics: typeof metrics
  trace(line: () => string): void
}

/** Some kinds of faults never happen in a world, others often: what hides behind the rare ones is seen in some of them. */
function ratesOf(random: Random, most: FaultRates): FaultRates {
  const rates = { ...NO_FAULTS }
  for (const fault of Object.keys(most) as (keyof FaultRates)[])
    rates[fault] = random.chance(0.5) ? most[fault] * random.next() : 0
  return rates
}

const DATABASE_FAULTS: FaultRates = {
  ...{ conflict: 0.1, unreachable: 0.06, lostRequest: 0.08, lostAnswer: 0.12, lateEffect: 0.06, slow: 0.05 },
}
const BANK_FAULTS: FaultRates = {
  ...{ conflict: 0, unreachable: 0.1, lostRequest: 0.2, lostAnswer: 0.3, lateEffect: 0.15, slow: 0.2 },
}

export function createWorld(timeline: Timeline, random: Random, trace: (line: () => string) => void): World {
  const tables = createTables(SHARDS)
  const books = createBooks()
  const witness = createWitness(tables, books)
  const ledger = openSandboxLedger(books, witness)
  const options = {
    ledger,
    clock: { now: timeline.now, sleep: () => Promise.resolve() },
    webhookSecret: WEBHOOK_SECRET,
  }
  const sandboxes = [
    createSandbox(options),
    createSandbox({ ...options, name: 'sandbox_basic', capabilities: BASIC_CAPABILITIES }),
  ]
  return {
    ...{ timeline, random, tables, books, witness, metrics, trace },
    network: createNetwork({ timeline, random, trace }),
    database: {
      name: 'database',
      latencyMs: [0, 12],
      lateMs: [1, 4_000],
      rates: ratesOf(random, DATABASE_FAULTS),
      error: databaseError,
    },
    banks: {
      name: 'processor',
      latencyMs: [5, 900],
      lateMs: [1_000, 60_000],
      rates: ratesOf(random, BANK_FAULTS),
      error: databaseError,
    },
    sandboxes: new Map(sandboxes.map((sandbox) => [sandbox.name, sandbox])),
    masterKey: randomMasterKey(),
  }
}
