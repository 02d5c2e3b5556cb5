import type { PaymentState } from '../../src/payments/model/state.ts'
import { stateFromJson } from '../../src/payments/model/state-json.ts'
import type { OperationRow } from '../../src/payments/ports/store.ts'
import type { Cast } from '../world/actions.ts'
import { isExpected } from '../world/instance.ts'
import { sameState } from './witness.ts'

/** What a processor has really done for a payment. */
interface Done {
  captured: bigint
  refunded: bigint
}

const DAY_MS = 86_400_000
const REPEATS = 10

function doneFor({ world: { books } }: Cast, id: string): Done {
  const done = { captured: 0n, refunded: 0n }
  for (const charge of books.charges.values()) {
    if (charge.paymentIntentId !== id) continue
    done.captured += charge.captured
    done.refunded += charge.refunded
  }
  return done
}

function checkBooks(cast: Cast, id: string, state: PaymentState, operations: readonly OperationRow[]): void {
  const { witness, books } = cast.world
  const entries = [...books.entries.values()].flat().filter((entry) => entry.paymentIntentId === id)
  const inReview = new Set(operations.filter(({ status }) => status === 'review').map(({ opId }) => opId))
  const rows = new Map(operations.map((row) => [row.opId, row]))
  for (const entry of entries) {
    if (inReview.has(entry.key)) continue
    const { status } = rows.get(entry.key)!
    const differs = entry.status === 'succeeded' ? status !== 'succeeded' : status === 'succeeded'
    if (differs) {
      const detail = `${entry.kind} ${entry.key} of ${id} is ${status}, the processor has ${entry.status} (${entry.code})`
      witness.fail('the books of the processors are those of the events', detail)
    }
  }
  if (inReview.size > 0) return
  const done = doneFor(cast, id)
  if (done.captured !== state.captured || done.refunded !== state.refunded) {
    const detail = `${id} has captured ${state.captured} and refunded ${state.refunded}, the processor ${done.captured} and ${done.refunded}`
    witness.fail('the books of the processors are those of the events', detail)
  }
}

function checkDisputes(cast: Cast, id: string, state: PaymentState): void {
  const { witness, books } = cast.world
  for (const { paymentIntentId, dispute } of books.charges.values()) {
    if (paymentIntentId !== id || dispute === undefined) continue
    const known = state.disputes.get(dispute.disputeId)
    const status = dispute.status === 'open' ? 'needs_response' : dispute.status
    if (known?.status !== status || known.amount !== dispute.amount)
      witness.fail('disputes are those of the processors', `${dispute.disputeId}: ${known?.status}, there ${status}`)
  }
}

function checkReadModels(cast: Cast): void {
  const { tables, witness } = cast.world
  const { views, entries, balances } = tables.readModels
  for (const [id, states] of witness.states)
    if (!sameState(stateFromJson(JSON.parse(views.get(id) ?? '{}')), states.at(-1)!))
      witness.fail('a view is the replay of what it has seen', id)
  const sums = new Map<string, bigint>()
  for (const { account, currency, amount } of entries) {
    const name = `${account} ${currency}`
    sums.set(name, (sums.get(name) ?? 0n) + amount)
  }
  for (const [name, { debit, credit }] of balances)
    if (debit - credit !== sums.get(name)) witness.fail('balances are the sums of the entries', name)
}

/** What clients were told is so, and they are told the same again. */
async function checkClients(cast: Cast): Promise<void> {
  const { clients, instances, world } = cast
  const { tables, witness, timeline, random } = world
  const { requests } = clients
  const keys = new Set([...tables.keys.keys()].map((name) => name.split('\n')[1]))
  for (const { status, key, what, refusal } of requests)
    if (status === 'refused' && keys.has(key))
      witness.fail('a refused command has done nothing', `${what} (${key}) was refused: ${refusal}`)
  const answered = requests.filter(({ status }) => status === 'answered')
  for (const { answer, what } of answered) {
    const state = witness.states.get(answer!.payment_intent_id)?.[answer!.version]
    if (
      state === undefined ||
      Number(state.captured) !== answer!.captured ||
      Number(state.refunded) !== answer!.refunded
    )
      witness.fail('nothing acknowledged is lost', `${what}: ${JSON.stringify(answer)}`)
  }
  // Some are asked for again; which ones differs from world to world.
  const from = random.int(Math.max(1, answered.length))
  const repeated = [...answered.slice(from), ...answered.slice(0, from)].slice(0, REPEATS)
  for (const request of repeated) clients.send(request, instances[0]!)
  await timeline.runWhile(() => requests.some(clients.isUnderWay), timeline.now() + DAY_MS)
  if (witness.violation !== undefined) throw witness.violation
  const silent = answered.find(clients.isUnderWay)
  if (silent !== undefined) witness.fail('nothing acknowledged is lost', `${silent.what} is answered no second time`)
}

/** A payment is the same from its events alone as from a snapshot and the rest, at every version. */
async function checkReplay(cast: Cast): Promise<void> {
  const { witness, random, timeline } = cast.world
  const ids = [...witness.states.keys()]
  if (ids.length === 0) return
  const id = random.pick(ids)
  const states = witness.states.get(id)!
  const version = random.between(1, states.length - 1)
  const { payments } = cast.instances[0]!
  let isDone = false
  const check = payments.get(id, { as_of: String(version) }).then((payment) => {
    const state = states[version]!
    if (payment.version !== version || payment.authorized !== Number(state.authorized))
      witness.fail('a snapshot changes nothing', `${id} as of version ${version}`)
  })
  const settled = check.catch((error: unknown) => {
    if (!isExpected(error)) throw error
  })
  void settled.finally(() => {
    isDone = true
  })
  await timeline.runWhile(() => !isDone, timeline.now() + DAY_MS)
  await settled
}

/** What must hold when all is quiet: nothing is lost, nothing is doubled, everybody says the same. */
export async function checkAtRest(cast: Cast): Promise<void> {
  const { tables, witness } = cast.world
  for (const [id, states] of witness.states) {
    const operations = [...tables.operations.values()].filter((row) => row.paymentIntentId === id)
    checkBooks(cast, id, states.at(-1)!, operations)
    checkDisputes(cast, id, states.at(-1)!)
  }
  checkReadModels(cast)
  await checkReplay(cast)
  await checkClients(cast)
}
