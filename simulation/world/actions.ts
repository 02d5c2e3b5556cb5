import type { PaymentState } from '../../src/payments/model/state.ts'
import type { Payment } from '../../src/payments/schemas.ts'
import { SANDBOX_TOKENS } from '../../src/processors/sandbox/tokens.ts'
import { type Clients, createClients } from './client.ts'
import { expect, type Instance, startInstance } from './instance.ts'
import { createMail, type Mail } from './mail.ts'
import type { World } from './world.ts'

/** A world with its people: processes, clients, the post, an operator. */
export interface Cast {
  readonly world: World
  readonly clients: Clients
  readonly mail: Mail
  instances: Instance[]
  started: number
}

export function createCast(world: World): Cast {
  const cast = { world, clients: createClients(world), mail: createMail(world), instances: [], started: 0 }
  for (let n = world.random.between(1, 3); n > 0; n--) start(cast)
  return cast
}

function start(cast: Cast): void {
  cast.started += 1
  const instance = startInstance(cast.world, `i${cast.started}`)
  instance.skewMs = cast.world.random.between(-300, 300)
  cast.instances.push(instance)
  cast.world.trace(() => `${instance.name} starts`)
}

function kill(cast: Cast, instance: Instance): void {
  instance.isAlive = false
  cast.instances = cast.instances.filter((each) => each !== instance)
  cast.world.trace(() => `${instance.name} dies`)
  if (cast.instances.length === 0) start(cast)
}

export const anyInstance = ({ world, instances }: Cast): Instance => world.random.pick(instances)

const CURRENCIES = ['USD', 'EUR', 'JPY', 'KWD', 'CHF'] as const

/** What takes many steps to come to something would hardly ever do so among all the others. */
const LONG_STORIES = ['tok_dispute', 'tok_dispute_lost', 'tok_evidence_fails', 'tok_refund_fails_reordered'] as const

function create(cast: Cast): void {
  const { world, clients } = cast
  const { random } = world
  const token = random.pick(random.chance(0.2) ? LONG_STORIES : SANDBOX_TOKENS)
  const other = random.pick(SANDBOX_TOKENS)
  const input = {
    amount: random.between(1, 10_000),
    currency: random.pick(CURRENCIES),
    customer_id: `c${random.int(3)}`,
    payment_method: { token, ...(random.chance(0.5) ? { tokens: { sandbox: other, sandbox_basic: token } } : {}) },
    capture_method: random.chance(0.5) ? ('manual' as const) : ('automatic' as const),
    ...(random.chance(0.2) ? { processor: 'sandbox_basic' } : {}),
    ...(random.chance(0.1) ? { billing_details: { name: 'A. Payer' } } : {}),
  }
  const request = clients.ask(`create ${token}`, undefined, (payments, context) => payments.create(input, context))
  clients.send(request, anyInstance(cast))
}

type Deed = 'authorize' | 'capture' | 'final capture' | 'increment' | 'void' | 'refund' | 'evidence'

const isDisputed = (state: PaymentState): boolean =>
  [...state.disputes.values()].some(({ status }) => status === 'needs_response')

/** What may be asked of a payment; what makes sense is asked more often than what does not. */
function deedFor({ random, tables, witness }: World, id: string): Deed {
  const state = witness.states.get(id)!.at(-1)!
  const isSensible = random.chance(0.9)
  if (!isSensible) return random.pick(['authorize', 'capture', 'final capture', 'increment', 'void', 'refund'])
  if (tables.heads.get(id)!.status === 'initiated' || state.phase === 'declined') return 'authorize'
  if (isDisputed(state) && random.chance(0.5)) return 'evidence'
  if (state.captured > 0n && random.chance(0.5)) return 'refund'
  return random.pick(['capture', 'capture', 'capture', 'final capture', 'increment', 'void'])
}

function change(cast: Cast): void {
  const { world, clients } = cast
  const { random, tables, witness } = world
  if (tables.heads.size === 0) {
    create(cast)
    return
  }
  const ids = [...tables.heads.keys()]
  const disputed = ids.filter((each) => isDisputed(witness.states.get(each)!.at(-1)!))
  const id = random.pick(disputed.length > 0 && random.chance(0.3) ? disputed : ids)
  const deed = deedFor(world, id)
  const state = witness.states.get(id)!.at(-1)!
  const amount = random.chance(0.3) ? {} : { amount: random.between(1, Math.max(1, Number(state.amount) >> 1)) }
  const request = clients.ask(`${deed} of ${id}`, id, (payments, context): Promise<Payment> => {
    switch (deed) {
      case 'authorize':
        return payments.authorize(id, {}, context)
      case 'capture':
        return payments.capture(id, amount, context)
      case 'final capture':
        return payments.capture(id, { ...amount, final: true }, context)
      case 'increment':
        return payments.incrementAuthorization(id, { amount: 500 }, context)
      case 'void':
        return payments.void(id, {}, context)
      case 'refund':
        return payments.refund(id, amount, context)
      case 'evidence': {
        const [dispute = 'none'] = state.disputes.keys()
        return payments.submitEvidence(id, dispute, { evidence: { text: 'It was delivered' } }, context)
      }
      default:
        return deed satisfies never
    }
  })
  clients.send(request, anyInstance(cast))
}

/** The same request again, from one who has lost patience, or does not believe the answer. */
function repeat(cast: Cast): void {
  const { world, clients } = cast
  const known = clients.requests.filter(
    (request) => request.isKeyed && request.status !== 'refused' && !clients.isUnderWay(request),
  )
  if (known.length > 0) clients.send(world.random.pick(known), anyInstance(cast))
}

function read(cast: Cast): void {
  const { world } = cast
  const { random, tables, witness } = world
  if (tables.heads.size === 0) return
  const id = random.pick([...tables.heads.keys()])
  const committed = tables.heads.get(id)!.version
  anyInstance(cast)
    .payments.get(id)
    .then((payment) => {
      if (payment.version < committed)
        witness.fail('a read is never stale', `${id}: version ${payment.version}, ${committed} was committed before`)
    })
    .catch((error: unknown) => expect(world, 'reading', error))
}

/** The buyer comes back from his bank, or does not. */
export async function decideOne({ world }: Cast): Promise<void> {
  const { books, random, sandboxes, trace } = world
  const waiting = [...books.entries.values()]
    .flat()
    .filter(({ status }) => status === 'requires_action' || status === 'pending')
  if (waiting.length === 0) return
  const { processor, key } = random.pick(waiting)
  const verdict = random.chance(0.7) ? 'succeeded' : 'failed'
  trace(() => `the buyer decides ${key}: ${verdict}`)
  await sandboxes.get(processor)!.settle(key, verdict)
}

/** The operator looks into the processor's books and says what stands there; when that is unclear, he has it asked again. */
export function resolveOne(cast: Cast): void {
  const { world } = cast
  const { tables, books, random, trace } = world
  const inReview = [...tables.operations.values()].filter(({ status }) => status === 'review')
  if (inReview.length === 0) return
  const { opId, processor, kind } = random.pick(inReview)
  const entry = books.entries.get(`${processor} ${opId}`)?.at(-1)
  const currency = world.witness.states.get(tables.operations.get(opId)!.paymentIntentId)!.at(-1)!.currency
  const isUnclear =
    entry?.status === 'pending' || entry?.status === 'requires_action' || entry?.code === 'refund_returned'
  // Money in another currency is nothing that can be recorded; it stays in review.
  if (entry !== undefined && entry.currency !== currency) return
  const note = 'As the processor shows'
  const decision =
    isUnclear || random.chance(0.2) ? 'ask_again' : entry?.status === 'succeeded' ? 'succeeded' : 'failed'
  const amount = decision === 'succeeded' && kind === 'authorize' ? { amount: Number(entry!.amount) } : {}
  const input = { decision, note, ...amount, ...(entry === undefined ? {} : { reference: entry.reference }) } as const
  trace(() => `the operator says that ${opId} ${decision}`)
  anyInstance(cast)
    .payments.resolveOperation(opId, input, { actor: 'operator' })
    .catch((error: unknown) => expect(world, 'the operator', error))
}

function jumpClock(cast: Cast): void {
  const { random, trace } = cast.world
  const instance = anyInstance(cast)
  instance.skewMs = random.chance(0.7) ? random.between(-2_000, 2_000) : random.between(-90_000, 90_000)
  trace(() => `the clock of ${instance.name} is off by ${instance.skewMs} ms`)
}

const ACTIONS: readonly (readonly [weight: number, act: (cast: Cast) => void | Promise<void>])[] = [
  [14, create],
  [34, change],
  [8, repeat],
  [3, read],
  [14, (cast) => anyInstance(cast).work()],
  [8, (cast) => cast.mail.collect()],
  [10, (cast) => cast.mail.postOne(anyInstance(cast))],
  [4, decideOne],
  [3, resolveOne],
  [5, (cast) => kill(cast, anyInstance(cast))],
  [2, (cast) => (cast.instances.length < 3 ? start(cast) : undefined)],
  [1, jumpClock],
]
const WEIGHT = ACTIONS.reduce((sum, [weight]) => sum + weight, 0)

/** One thing that somebody does; what comes of it comes later. */
export async function actOnce(cast: Cast): Promise<void> {
  let at = cast.world.random.int(WEIGHT)
  for (const [weight, act] of ACTIONS) {
    at -= weight
    if (at < 0) return act(cast)
  }
}

/** Puts an end to faults, and has healthy processes with right clocks. */
export function heal(cast: Cast): void {
  cast.world.network.heal()
  for (const instance of [...cast.instances]) kill(cast, instance)
  start(cast)
  for (const instance of cast.instances) instance.skewMs = 0
}
