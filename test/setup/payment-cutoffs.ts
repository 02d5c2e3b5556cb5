import type { FakeClock } from '../../src/core/clock.ts'
import type { CommandContext } from '../../src/core/command.ts'
import type { OperationKind } from '../../src/payments/model/events.ts'
import type { Payments } from '../../src/payments/payments.ts'
import type { PaymentPorts } from '../../src/payments/ports/ports.ts'
import type { Payment } from '../../src/payments/schemas.ts'
import type { Sandbox } from '../../src/processors/sandbox/sandbox.ts'

/** A whole payment model beside its sandbox, as tests of crashes open it again and again. */
export interface DeedWorld {
  readonly ports: PaymentPorts
  readonly payments: Payments
  readonly sandbox: Sandbox
  readonly clock: FakeClock
}

/** What is done to a payment, by the kind of operation in which it is to be cut off. */
export interface Deed {
  readonly name: string
  /** The operation at which the program dies. */
  readonly kind: OperationKind
  /** What is to be in the sandbox's books when all is over, each once. */
  readonly booked: readonly string[]
  /** What the payment must look like then. */
  readonly ends: Readonly<Partial<Payment>>
  /** A payment that the deed can be done to. */
  prepare(world: DeedWorld, token?: string): Promise<string>
  run(payments: Payments, id: string, context: CommandContext): Promise<Payment>
}

async function created({ payments }: DeedWorld, token: string, capture_method: 'automatic' | 'manual') {
  const input = { amount: 10_000, currency: 'USD', payment_method: { token }, capture_method }
  return (await payments.create(input)).payment_intent_id
}

async function authorized(world: DeedWorld, token = 'tok_ok'): Promise<string> {
  const id = await created(world, token, 'manual')
  await world.payments.authorize(id)
  return id
}

async function captured(world: DeedWorld, token = 'tok_ok'): Promise<string> {
  const id = await authorized(world, token)
  await world.payments.capture(id)
  return id
}

/** Lets the sandbox tell what is due, and applies it. */
async function hearFrom({ sandbox, payments, clock }: DeedWorld): Promise<void> {
  await clock.advance(3_000)
  await sandbox.deliverDue(({ headers, body }) =>
    payments.receiveWebhook(sandbox.name, { headers, body: Buffer.from(body) }),
  )
  await payments.recovery.runDue()
}

async function disputed(world: DeedWorld, token = 'tok_dispute'): Promise<string> {
  const id = await captured(world, token)
  await hearFrom(world)
  return id
}

async function submit(payments: Payments, id: string, context: CommandContext): Promise<Payment> {
  const [dispute] = (await payments.get(id)).disputes
  if (dispute === undefined) throw new Error(`${id} has no dispute`)
  return payments.submitEvidence(id, dispute.dispute_id, { evidence: { product_description: 'A chair' } }, context)
}

const PAID = ['authorize 10000', 'capture 10000']

export const DEEDS: readonly Deed[] = [
  ...(['authorize', 'capture'] as const).map(
    (kind): Deed => ({
      name: kind === 'authorize' ? 'an authorization' : 'the capture that follows an authorization by itself',
      kind,
      booked: PAID,
      ends: { status: 'captured', authorized: 10_000, captured: 10_000 },
      prepare: (world, token = 'tok_ok') => created(world, token, 'automatic'),
      run: (payments, id, context) => payments.authorize(id, {}, context),
    }),
  ),
  {
    name: 'an increment',
    kind: 'increment',
    booked: ['authorize 10000', 'increment 500'],
    ends: { status: 'authorized', authorized: 10_500, captured: 0 },
    prepare: authorized,
    run: (payments, id, context) => payments.incrementAuthorization(id, { amount: 500 }, context),
  },
  {
    name: 'a final capture of a part',
    kind: 'capture',
    booked: ['authorize 10000', 'capture 4000'],
    ends: { status: 'captured', authorized: 4_000, captured: 4_000, capture_pending: 0 },
    prepare: authorized,
    run: (payments, id, context) => payments.capture(id, { amount: 4_000, final: true }, context),
  },
  {
    name: 'a void',
    kind: 'void',
    booked: ['authorize 10000', 'void 10000'],
    ends: { status: 'voided', captured: 0 },
    prepare: authorized,
    run: (payments, id, context) => payments.void(id, {}, context),
  },
  {
    name: 'a refund of a part',
    kind: 'refund',
    booked: [...PAID, 'refund 1000'],
    ends: { status: 'partially_refunded', refunded: 1_000, refund_pending: 0 },
    prepare: captured,
    run: (payments, id, context) => payments.refund(id, { amount: 1_000 }, context),
  },
  {
    name: 'evidence against a dispute',
    kind: 'evidence',
    booked: [...PAID, 'evidence 0'],
    ends: { status: 'captured', disputed: 10_000 },
    prepare: disputed,
    run: submit,
  },
]

/** What the sandbox did for a payment, whoever asked for it and however often: kind and amount. */
export async function bookedFor({ ports, payments }: Pick<DeedWorld, 'ports' | 'payments'>, id: string) {
  const { items } = await payments.events(id, { limit: 100 })
  const keys = [...new Set(items.flatMap((event) => event.op_id ?? []))]
  const entries = (await ports.sandboxLedger.entriesOf(keys)).filter((entry) => entry.status === 'succeeded')
  return entries.map((entry) => `${entry.kind} ${entry.amount}`).sort()
}
