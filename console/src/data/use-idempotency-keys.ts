import { newIdempotencyKey } from 'fanfold/client'
import { useState } from 'react'

function makeKeys() {
  let last: { readonly input: string; readonly key: string } | undefined
  return {
    keyFor(input: unknown): string {
      const text = JSON.stringify(input)
      if (last?.input !== text) last = { input: text, key: newIdempotencyKey() }
      return last.key
    },
    /** What was asked for is done: the same again is meant to be done again. */
    forget(): void {
      last = undefined
    },
  }
}

/**
 * A key that stays the same while the same is asked for: who presses a button again because no answer came does the
 * thing once.
 */
export function useIdempotencyKeys() {
  const [keys] = useState(makeKeys)
  return keys
}
