import type { Clock } from '../../core/clock.ts'
import { type CommandContext, type IdempotencyKey, judgeKey } from '../../core/command.ts'
import type { KeyedAnswer, OrderStore } from '../ports.ts'
import { orderDocument } from './documents.ts'
import { orderAsOf } from './past.ts'
import type { OrderDocument } from './schemas.ts'

/**
 * The body that an earlier command with this key left; `undefined` when the key is unused.
 * Throws `idempotency_key_reused` when it was another command.
 */
export async function replayOf<Body>(
  store: Pick<OrderStore, 'readKey'>,
  shard: number,
  key: IdempotencyKey | undefined,
  context: CommandContext,
  clock: Clock,
): Promise<Body | undefined> {
  if (key === undefined) return undefined
  const stored = await store.readKey(shard, key)
  if (stored === undefined) return undefined
  const verdict = judgeKey(key, stored, clock.now())
  if (verdict.kind !== 'replay') return undefined
  context.onReplay?.()
  return verdict.body as Body
}

/** An answer names the order and its version; what that was is replayed from its history, where it stands already. */
type OrderAnswer = Pick<OrderDocument, 'order_id' | 'version'>

/** What is kept with the key of a command on an order. It holds nothing personal, so erasing need not look for it. */
export function orderAnswer(
  key: IdempotencyKey | undefined,
  status: number,
  { order_id, version }: OrderAnswer,
): KeyedAnswer | undefined {
  return key === undefined ? undefined : { key, status, body: { order_id, version } satisfies OrderAnswer }
}

/** The order as an earlier command with this key answered it; `undefined` and throws as {@link replayOf}. */
export async function replayOrder(
  store: OrderStore,
  shard: number,
  key: IdempotencyKey | undefined,
  context: CommandContext,
  clock: Clock,
): Promise<OrderDocument | undefined> {
  const answer = await replayOf<OrderAnswer>(store, shard, key, context, clock)
  if (answer === undefined) return undefined
  const order = await store.find(BigInt(answer.order_id))
  return order && orderDocument(await orderAsOf(store, order, { version: answer.version }))
}
