import { canonicalJson } from '../core/canonical-json.ts'
import { messageOf } from '../core/errors.ts'
import { chainProblem } from './model/chain.ts'
import { type OrderState, replay } from './model/order.ts'
import type { AuditDifference, AuditedOrder, AuditResult, AuditView, OrderPorts } from './ports.ts'

export interface VerifyProblem extends AuditDifference {
  readonly check: string
}

export interface OrdersVerified {
  readonly ok: boolean
  readonly checks: readonly {
    readonly name: string
    readonly about: string
    /** Things that were compared. */
    readonly compared: number
    readonly ok: boolean
  }[]
  /** What differs, at most {@link DIFFERENCES_MAX} per check. */
  readonly problems: readonly VerifyProblem[]
  /** Events that the report had not folded; their orders were left out of its comparisons. */
  readonly lag: number
  /** `YYYY-MM`: months whose rows are archived, so that only their rollups could be compared. */
  readonly archived_months: readonly string[]
}

export interface VerifyOptions {
  readonly onProgress?: (done: { check: string; compared: number }) => void
}

const DIFFERENCES_MAX = 100
const REPLAY_PAGE = 500

/** The members of a state as texts; what the two sides know differently (nothing) would show. */
function membersOf(state: OrderState): Map<string, string> {
  const plain = JSON.parse(JSON.stringify(state, (_name, item) => (typeof item === 'bigint' ? String(item) : item)))
  return new Map(Object.entries(plain).map(([name, value]) => [name, canonicalJson(value)]))
}

const textOf = (members: ReadonlyMap<string, string>, names: readonly string[]) =>
  names.map((name) => `${name} ${members.get(name) ?? 'nothing'}`).join(', ')

/** Replays one history and compares the end with what the tables hold: the members that differ. */
function checkReplay({ orderId, state, history }: AuditedOrder): AuditDifference | undefined {
  const subject = `order ${orderId}`
  const actual = membersOf(state)
  try {
    const end = replay(history.map(({ event }) => event))
    const expected = end === undefined ? new Map<string, string>() : membersOf(end)
    const names = [...new Set([...expected.keys(), ...actual.keys()])].sort()
    const differing = names.filter((name) => expected.get(name) !== actual.get(name))
    if (differing.length === 0) return undefined
    return { subject, expected: textOf(expected, differing), actual: textOf(actual, differing) }
  } catch (error) {
    const expected = `a history that can be replayed (${messageOf(error)})`
    return { subject, expected, actual: textOf(actual, [...actual.keys()]) }
  }
}

function checkChain({ orderId, history, historyHash }: AuditedOrder): AuditDifference | undefined {
  const problem = chainProblem(orderId, history, historyHash)
  if (problem === undefined) return undefined
  const { version, expected, actual } = problem
  return { subject: `order ${orderId}, version ${version}`, expected, actual }
}

const ORDER_BY_ORDER = [
  { name: 'history_replay', about: 'each order = the replay of its history', check: checkReplay },
  { name: 'history_chain', about: 'each entry of a history = what its hash says', check: checkChain },
]

/** What differs of one order, by the name of the check. */
export function checkOne(order: AuditedOrder): { readonly kind: string; readonly message: string }[] {
  return ORDER_BY_ORDER.flatMap(({ name, check }) => {
    const difference = check(order)
    if (difference === undefined) return []
    const { subject, expected, actual } = difference
    return [{ kind: name, message: `${subject}: expected ${expected}, found ${actual}` }]
  })
}

/** Each order with its history, one by one. */
async function checkEach(view: AuditView, onPage: (compared: number) => void): Promise<AuditResult[]> {
  const found = ORDER_BY_ORDER.map((): AuditDifference[] => [])
  let compared = 0
  let after = 0n
  for (;;) {
    const page = await view.orders(after, REPLAY_PAGE)
    for (const order of page) {
      for (const [index, { check }] of ORDER_BY_ORDER.entries()) {
        const difference = check(order)
        if (difference !== undefined && found[index]!.length < DIFFERENCES_MAX) found[index]!.push(difference)
      }
    }
    compared += page.length
    onPage(compared)
    if (page.length < REPLAY_PAGE) return found.map((differences) => ({ compared, differences }))
    after = page.at(-1)!.orderId
  }
}

/** Runs every comparison over one consistent view. */
export async function verifyView(
  view: AuditView,
  { onProgress = () => undefined }: VerifyOptions = {},
): Promise<OrdersVerified> {
  const checks: OrdersVerified['checks'][number][] = []
  const problems: VerifyProblem[] = []
  const note = (name: string, about: string, { compared, differences }: AuditResult) => {
    checks.push({ name, about, compared, ok: differences.length === 0 })
    problems.push(...differences.map((difference) => ({ check: name, ...difference })))
    onProgress({ check: name, compared })
  }
  for (const check of view.checks) note(check.name, check.about, await check.run(DIFFERENCES_MAX))
  const results = await checkEach(view, (compared) => onProgress({ check: ORDER_BY_ORDER[0]!.name, compared }))
  for (const [index, { name, about }] of ORDER_BY_ORDER.entries()) note(name, about, results[index]!)
  return {
    ok: problems.length === 0,
    checks,
    problems,
    lag: Number(view.lag),
    archived_months: view.archivedMonths,
  }
}

export function createVerifier(ports: OrderPorts) {
  return {
    /**
     * Compares everything that must agree, in one consistent view and while writers go on: the report with the orders
     * (row by row, per order, and by an independent join), its rollups with its rows, histories with orders (dense,
     * replayed, and by their chain of hashes), totals with lines, adjustments, payments and shipments, stock with its
     * ledger, with open orders and with cart holds, the numbers of the log. Names each difference; changes nothing.
     */
    verifyOrders(options: VerifyOptions = {}): Promise<OrdersVerified> {
      return ports.audit((view) => verifyView(view, options))
    },
  }
}
