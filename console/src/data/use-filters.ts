import { useCallback, useMemo } from 'react'
import { useSearchParams } from 'wouter'

/** Filters that stand in the address, so that a reload or a link shows the same. What is empty is not there. */
export function useFilters<Name extends string>(names: readonly Name[]) {
  const [params, setParams] = useSearchParams()
  const text = params.toString()
  const list = names.join()
  const filters = useMemo(() => {
    const known = new URLSearchParams(text)
    const given = (list.split(',') as Name[]).flatMap((name) => {
      const value = known.get(name)?.trim() ?? ''
      return value === '' ? [] : [[name, value] as const]
    })
    return Object.fromEntries(given) as { readonly [name in Name]?: string }
  }, [text, list])
  const setFilters = useCallback(
    (changes: { readonly [name in Name]?: string | undefined }) =>
      setParams(
        (before) => {
          const after = new URLSearchParams(before)
          for (const [name, value] of Object.entries<string | undefined>(changes)) {
            if (value === undefined || value.trim() === '') after.delete(name)
            else after.set(name, value.trim())
          }
          return after
        },
        { replace: true },
      ),
    [setParams],
  )
  return { filters, setFilters }
}
