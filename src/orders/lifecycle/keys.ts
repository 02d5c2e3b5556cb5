import type { Clock } from '../../core/clock.ts'
import { type CommandContext, type IdempotencyKey, judgeKey } from '../../core/command.ts'
import type { OrderStore } from '../ports.ts'

/**
 * The answer an earlier command with this key got; `undefined` when the key is unused.
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
