import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { isAway } from './queries.ts'

/** How often the server is asked whether it lives: while it does, and while it is gone. */
const ASK_MS = 5_000
const ASK_AGAIN_MS = 1_000

/** Whether a server answers, whoever asks. */
export const lives = () =>
  fetch('/livez').then(
    ({ ok }) => ok,
    () => false,
  )

/**
 * Whether the server is gone: noticed by any question, or by asking now and then for pages that have none. Over when it
 * says that it lives; all is asked again then.
 */
export function useServerAway(): boolean {
  const queries = useQueryClient()
  const [away, setAway] = useState(false)
  useEffect(
    () =>
      queries.getQueryCache().subscribe(({ query, type }) => {
        if (type === 'updated' && query.state.error !== null && isAway(query.state.error)) setAway(true)
      }),
    [queries],
  )
  useEffect(() => {
    let isOver = false
    async function ask() {
      const isThere = await lives()
      if (isOver || isThere !== away) return
      setAway(!isThere)
      if (isThere) await queries.invalidateQueries()
    }
    const timer = setInterval(() => void ask(), away ? ASK_AGAIN_MS : ASK_MS)
    return () => {
      isOver = true
      clearInterval(timer)
    }
  }, [away, queries])
  return away
}
