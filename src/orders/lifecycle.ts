import type { Clock } from '../core/clock.ts'
import {
  type CommandContext,
  checkExpectedVersion,
  DEFAULT_ACTOR,
  type IdempotencyKey,
  idempotencyKeyOf,
} from '../core/command.ts'
import { AppError } from '../core/errors.ts'
import { decomposeId, parseId } from '../core/ids.ts'
import { LIMITS } from '../core/limits.ts'
import { formatMinor } from '../core/money.ts'
import { validator } from '../core/schema.ts'
import { businessDay } from './business-day.ts'
import { checkTransition, decide, type OrderCommand } from './decide.ts'
import { orderDocument } from './documents.ts'
import { replayOf } from './keys.ts'
import { evolve } from './order.ts'
import type { Order, OrderStore } from './ports.ts'
import { CancelOrder, DeliverOrder, type OrderDocument, RecordPayment, RecordRefund, ShipOrder } from './schemas.ts'

const checkShip = validator(ShipOrder)
const checkDeliver = validator(DeliverOrder)
const checkCancel = validator(CancelOrder)
const checkRecordPayment = validator(RecordPayment)
const checkRecordRefund = validator(RecordRefund)

export function orderIdOf(text: string): bigint {
  const id = parseId(text)
  if (id === undefined) throw new AppError('order_not_found', `No order ${text}`)
  return id
}

export async function readOrder(store: Pick<OrderStore, 'find'>, orderId: bigint): Promise<Order> {
  const order = await store.find(orderId)
  if (order === undefined) throw new AppError('order_not_found', `No order ${orderId}`)
  return order
}

/** The order after an event: its lines show what became of them. */
function withState(order: Order, state: Order['state'], updatedAtMs: number): OrderDocument {
  return orderDocument(order, state, updatedAtMs)
}

export function createLifecycle({ orders, clock, timeZone }: { orders: OrderStore; clock: Clock; timeZone: string }) {
  /** Decides from what the order is now, and again when somebody else was faster; `undefined`: the key is known. */
  async function attempt(
    orderId: bigint,
    command: OrderCommand,
    key: IdempotencyKey | undefined,
    context: CommandContext,
  ): Promise<OrderDocument | undefined> {
    const deadline = clock.now() + LIMITS.commandMsMax
    for (;;) {
      const order = await readOrder(orders, orderId)
      checkExpectedVersion(context, order.state.version)
      const atMs = clock.now()
      const decision = decide(command, order.state, businessDay(atMs, timeZone))
      if (decision === undefined) return orderDocument(order)
      const after = evolve(order.state, decision.event)
      const document = withState(order, after, atMs)
      const outcome = await orders.change({
        orderId,
        before: order.state,
        after,
        stock: decision.stock,
        event: { event: decision.event, atMs, actor: context.actor ?? DEFAULT_ACTOR, requestId: context.requestId },
        answer: key === undefined ? undefined : { key, status: 200, body: document },
      })
      if (outcome.kind === 'changed') return document
      if (outcome.kind === 'key_known') return undefined
      if (clock.now() > deadline) throw new AppError('write_contention', undefined, { retryAfterMs: 1_000 })
    }
  }

  async function run(
    id: string,
    command: OrderCommand,
    input: object,
    context: CommandContext,
  ): Promise<OrderDocument> {
    const orderId = orderIdOf(id)
    const key = idempotencyKeyOf(context, command.type, { order_id: id, ...input })
    const replay = () => replayOf<OrderDocument>(orders, decomposeId(orderId).route, key, context, clock)
    try {
      const document = await attempt(orderId, command, key, context)
      if (document !== undefined) return document
    } catch (error) {
      // A repeat finds the order changed by its own first try: the key is asked before the rules.
      const earlier = await replay()
      if (earlier !== undefined) return earlier
      throw error
    }
    const earlier = await replay()
    if (earlier === undefined) throw new AppError('write_contention', undefined, { retryAfterMs: 1_000 })
    return earlier
  }

  return {
    /**
     * Ships a paid order: its units leave the stock. Throws `order_not_found`, `illegal_transition`,
     * `version_mismatch`, `idempotency_key_reused`, `write_contention`; so do `deliver` and `cancel`.
     */
    ship(orderId: string, input: ShipOrder = {}, context: CommandContext = {}): Promise<OrderDocument> {
      return run(orderId, { type: 'Ship' }, checkShip(input), context)
    },

    /** Marks a shipped order as delivered. */
    deliver(orderId: string, input: DeliverOrder = {}, context: CommandContext = {}): Promise<OrderDocument> {
      return run(orderId, { type: 'Deliver' }, checkDeliver(input), context)
    },

    /**
     * Cancels an order that is not shipped yet: its units can be ordered again, and what was booked as a sale is taken
     * back in the report. Money that was paid is due to be given back (`payment_status: refund_due`).
     */
    cancel(orderId: string, input: CancelOrder = {}, context: CommandContext = {}): Promise<OrderDocument> {
      const { reason } = checkCancel(input)
      return run(orderId, { type: 'Cancel', reason }, input, context)
    },

    /**
     * Records that a payment has captured `captured` minor units of an order so far, in all. Repeatable by itself: a
     * figure that is not larger than the known one changes nothing. The order becomes PAID, once, when its payments
     * cover it. Always recorded, also for a cancelled order, whose money is then due to be given back.
     * Throws `order_not_found`, `currency_mismatch`.
     */
    recordPayment(input: RecordPayment, context: CommandContext = {}): Promise<OrderDocument> {
      const { order_id: id, payment_intent_id, captured, currency, occurred_at: occurredAt } = checkRecordPayment(input)
      const command = {
        type: 'RecordPayment',
        paymentIntentId: payment_intent_id,
        captured: BigInt(captured),
        currency,
        occurredAt,
      } as const
      return run(id, command, input, context)
    },

    /**
     * Records that a payment has given back `refunded` minor units of an order so far, in all. Repeatable by itself.
     * Throws `order_not_found`, `currency_mismatch`, `order_amount_mismatch` for more than it brought.
     */
    recordRefund(input: RecordRefund, context: CommandContext = {}): Promise<OrderDocument> {
      const { order_id: id, payment_intent_id, refunded, currency, occurred_at: occurredAt } = checkRecordRefund(input)
      const command = {
        type: 'RecordRefund',
        paymentIntentId: payment_intent_id,
        refunded: BigInt(refunded),
        currency,
        occurredAt,
      } as const
      return run(id, command, input, context)
    },

    /**
     * Whether a payment of `amount` minor units may be made for an order: it is PENDING, and this is left to pay.
     * Throws `order_not_found`, `illegal_transition`, `order_amount_mismatch`.
     */
    async checkPayable(id: string, amount: number, currency: string): Promise<void> {
      const { state } = await readOrder(orders, orderIdOf(id))
      checkTransition(state.status, 'PAID')
      const open = state.totalPrice - state.paidTotal
      if (state.currency === currency && BigInt(amount) === open) return
      const left = `${formatMinor(open, state.currency)} ${state.currency}`
      const offered = `${formatMinor(BigInt(amount), currency)} ${currency}`
      throw new AppError('order_amount_mismatch', `Order ${id} has ${left} left to pay, not ${offered}`, {
        data: { order_id: id, open_amount: Number(open), order_currency: state.currency },
      })
    },
  }
}
