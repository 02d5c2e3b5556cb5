import type { Clock } from '../../core/clock.ts'
import {
  type CommandContext,
  checkExpectedVersion,
  DEFAULT_ACTOR,
  type IdempotencyKey,
  idempotencyKeyOf,
} from '../../core/command.ts'
import { AppError } from '../../core/errors.ts'
import { decomposeId, parseId } from '../../core/ids.ts'
import { LIMITS } from '../../core/limits.ts'
import { businessDay } from '../model/business-day.ts'
import { historyHash } from '../model/chain.ts'
import { decide, type OrderCommand } from '../model/decide.ts'
import { evolve, type OrderState } from '../model/order.ts'
import { insufficientStock } from '../placing/locator.ts'
import type { Adjustment, Order, OrderChange, OrderStore, PricedLine, SentTo, Shortage } from '../ports.ts'
import { orderDocument } from './documents.ts'
import { orderAnswer, replayOrder } from './keys.ts'
import { linesOf, timesAfter } from './past.ts'
import type { OrderDocument } from './schemas.ts'

/** What a command means for the order that it finds, and what it brings along besides. */
export interface Prepared {
  readonly command: OrderCommand
  readonly addedLines?: readonly PricedLine[]
  readonly adjustments?: readonly Adjustment[]
  readonly address?: SentTo
  /** Looks at what would come out before it is stored; throws to refuse it. */
  check?(after: OrderState): void
  /** Something that was added has changed since it was read: read it anew. */
  forget?(): void
  /** Whether units that are short at one location may come from another, which is then looked for. */
  canMove?(shortage: Shortage): Promise<boolean>
}

/** Answers `undefined` when the order is as it is wanted already. */
export type Prepare = (order: Order) => Prepared | undefined | Promise<Prepared | undefined>

export interface ChangerDeps {
  readonly orders: OrderStore
  readonly clock: Clock
  /** IANA name; decides on which day something is booked. */
  readonly timeZone: string
}

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

const contended = () => new AppError('write_contention', undefined, { retryAfterMs: 1_000 })

/** The order as it is after a change. */
function orderAfter(order: Order, change: OrderChange): Order {
  const { event, atMs, hash } = change.event
  return {
    ...order,
    ...change.address?.after,
    adjustments: change.adjustments ?? order.adjustments,
    state: change.after,
    lines: linesOf(change.after, [...order.lines, ...change.addedLines]),
    shipmentTimes: timesAfter(order.shipmentTimes, event, atMs),
    updatedAtMs: atMs,
    historyHash: hash,
  }
}

/** Carries out commands on orders: each decides from what the order is, and again when somebody else was faster. */
export function createChanger({ orders, clock, timeZone }: ChangerDeps) {
  function changeFor(order: Order, prepared: Prepared, context: CommandContext): OrderChange | undefined {
    // A clock that went back must not make a history that does.
    const atMs = Math.max(clock.now(), order.updatedAtMs)
    const decision = decide(prepared.command, order.state, businessDay(atMs, timeZone))
    if (decision === undefined) return undefined
    const { event, stock } = decision
    const after = evolve(order.state, event)
    prepared.check?.(after)
    const entry = { event, atMs, actor: context.actor ?? DEFAULT_ACTOR, requestId: context.requestId }
    const hash = historyHash({ ...entry, orderId: order.orderId, version: after.version }, order.historyHash)
    return {
      orderId: order.orderId,
      before: order.state,
      beforeAtMs: order.updatedAtMs,
      after,
      stock,
      addedLines: prepared.addedLines ?? [],
      ...(prepared.address === undefined ? {} : { address: { before: sentTo(order), after: prepared.address } }),
      ...(prepared.adjustments === undefined ? {} : { adjustments: prepared.adjustments }),
      event: { ...entry, hash },
      answer: undefined,
    }
  }

  /** The order as it is or has become; `key_known` tells that this command, or another one, had this key before. */
  async function attempt(
    orderId: bigint,
    prepare: Prepare,
    key: IdempotencyKey | undefined,
    context: CommandContext,
  ): Promise<{ readonly document: OrderDocument; readonly changed: boolean } | 'key_known'> {
    const deadline = clock.now() + LIMITS.commandMsMax
    for (;;) {
      const order = await readOrder(orders, orderId)
      checkExpectedVersion(context, order.state.version)
      const prepared = await prepare(order)
      const change = prepared === undefined ? undefined : changeFor(order, prepared, context)
      if (change === undefined) return { document: orderDocument(order), changed: false }
      const document = orderDocument(orderAfter(order, change))
      const outcome = await orders.change({ ...change, answer: orderAnswer(key, 200, document) })
      switch (outcome.kind) {
        case 'changed':
          return { document, changed: true }
        case 'key_known':
          return 'key_known'
        case 'short': {
          const { productId: product_id, requested: quantity, available, locationId: location_id } = outcome
          const moves = clock.now() <= deadline && (await prepared?.canMove?.(outcome)) === true
          if (!moves) throw insufficientStock({ product_id, quantity }, available, { location_id })
          break
        }
        case 'stale':
          prepared?.forget?.()
          break
        case 'lost':
          break
      }
      if (clock.now() > deadline) throw contended()
    }
  }

  /**
   * Runs the command that `prepare` makes of the order, once per key; `name` and `input` are what the key stands for.
   * Throws `order_not_found`, `version_mismatch`, `idempotency_key_reused`, `write_contention`, `overloaded`, and what
   * the rules refuse.
   */
  return async function run(
    id: string,
    name: string,
    input: object,
    prepare: Prepare,
    context: CommandContext,
  ): Promise<OrderDocument> {
    const orderId = orderIdOf(id)
    const key = idempotencyKeyOf(context, name, { order_id: id, ...input })
    const replay = () => replayOrder(orders, decomposeId(orderId).route, key, context, clock)
    try {
      const done = await attempt(orderId, prepare, key, context)
      if (done !== 'key_known') return done.changed ? done.document : ((await replay()) ?? done.document)
    } catch (error) {
      // A repeat finds the order changed by its own first try: the key is asked before the rules.
      const earlier = await replay()
      if (earlier !== undefined) return earlier
      throw error
    }
    const earlier = await replay()
    if (earlier === undefined) throw contended()
    return earlier
  }
}

export function sentTo({ shippingAddressId, shippingAddress }: Order): SentTo {
  return { shippingAddressId, shippingAddress }
}
