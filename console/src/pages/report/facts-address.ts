import type { SalesQuery } from './use-report.ts'

/** Where the facts of a figure are listed, from within the area. */
export function factsAddress({
  group_by: _groups,
  compare: _compare,
  top: _top,
  by: _by,
  format: _format,
  ...where
}: SalesQuery) {
  const given = Object.entries(where).filter(([, value]) => value !== undefined)
  return `/facts?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}
