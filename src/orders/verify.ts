import { canonicalJson } from '../core/canonical-json.ts'
import { messageOf } from '../core/errors.ts'
import { type OrderState, replay } from './order.ts'
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
}

export interface VerifyOptions {
  readonly onProgress?: (done: { check: string; compared: number }) => void
}

const DIFFERENCES_MAX = 100
const REPLAY_PAGE = 500

/** A state as one text; what the two sides know differently (nothing) would show. */
function textOf(state: OrderState | undefined): string {
  return canonicalJson(
    JSON.parse(JSON.stringify(state ?? null, (_name, item) => (typeof item === 'bigint' ? String(item) : item))),
  )
}

/** Replays one history and compares the end with what the tables hold. */
function checkReplay({ orderId, state, events }: AuditedOrder): AuditDifference | undefined {
  const subject = `order ${orderId}`
  const actual = textOf(state)
  try {
    const expected = textOf(replay(events))
    return expected === actual ? undefined : { subject, expected, actual }
  } catch (error) {
    return { subject, expected: `a history that can be replayed (${messageOf(error)})`, actual }
  }
}

async function replayAll(view: AuditView, onPage: (compared: number) => void) {
  const differences: AuditDifference[] = []
  let compared = 0
  let after = 0n
  for (;;) {
    const page = await view.orders(after, REPLAY_PAGE)
    for (const order of page) {
      const difference = checkReplay(order)
      if (difference !== undefined && differences.length < DIFFERENCES_MAX) differences.push(difference)
    }
    compared += page.length
    onPage(compared)
    if (page.length < REPLAY_PAGE) return { compared, differences }
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
  const replayed = await replayAll(view, (compared) => onProgress({ check: 'history_replay', compared }))
  note('history_replay', 'each order = the replay of its history', replayed)
  return { ok: problems.length === 0, checks, problems, lag: Number(view.lag) }
}

export function createVerifier(ports: OrderPorts) {
  return {
    /**
     * Compares everything that must agree, in one consistent view and while writers go on: the report with the orders
     * (per order, and by an independent join), histories with orders (dense, and replayed), stock with its ledger and
     * with open orders, the numbers of the log. Names each difference; changes nothing.
     */
    verifyOrders(options: VerifyOptions = {}): Promise<OrdersVerified> {
      return ports.audit((view) => verifyView(view, options))
    },
  }
}
