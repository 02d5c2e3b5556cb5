import { useEffect, useState } from 'react'

/** Somebody who types is asked for after a pause only, in milliseconds. */
const PAUSE_MS = 250

/** A value once it stays the same for a moment. */
export function useSettled<Value>(value: Value): Value {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}
