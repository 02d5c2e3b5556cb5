import { newIdempotencyKey } from 'fanfold/client'
import { useRef } from 'react'

/** What questions about payments are known by; all that is shown of payments begins with the first. */
export const ALL = ['payments'] as const
export const LIST = ['payments', 'list'] as const
export const keysOf = (paymentId: string) => ({
  all: ['payments', 'one', paymentId] as const,
  now: ['payments', 'one', paymentId, 'now'] as const,
  events: ['payments', 'one', paymentId, 'events'] as const,
  ledger: ['payments', 'one', paymentId, 'ledger'] as const,
  version: (version: number) => ['payments', 'one', paymentId, 'version', version] as const,
})

/**
 * A key that stays the same while the same is asked for: who presses a button again because no answer came moves money
 * once.
 */
export function useIdempotencyKeys(): (input: unknown) => string {
  const last = useRef<{ readonly input: string; readonly key: string }>(undefined)
  return (input) => {
    const text = JSON.stringify(input)
    if (last.current?.input !== text) last.current = { input: text, key: newIdempotencyKey() }
    return last.current.key
  }
}
